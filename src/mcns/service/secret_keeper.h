// What DNS cookies are made with: in the database, another one every day.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/cookie/shared_secrets.h"
#include "mcns/store/cookie_table.h"

namespace mcns {

// Publishes what the database has in its constructor, or a secret of this process, and from then on
// whatever follows: one that is a day old is replaced, and honoured for another day. Owns a thread,
// which does what may wait. A database that cannot be written is logged, and costs no answer.
class SecretKeeper {
 public:
  // All of them outlive it.
  SecretKeeper(dsl::env::Env& env, dsl::db::Database& database, cookie::SharedSecrets& shared);
  ~SecretKeeper();
  SecretKeeper(const SecretKeeper&) = delete;
  SecretKeeper& operator=(const SecretKeeper&) = delete;

 private:
  dsl::Result<void> turn();
  void publish(const std::vector<store::CookieSecret>& secrets);
  void publish_own();
  dsl::Secret fresh();
  void loop();

  dsl::env::Env& env_;
  dsl::db::Database& database_;
  cookie::SharedSecrets& shared_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace mcns
