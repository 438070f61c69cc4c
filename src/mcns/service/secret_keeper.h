// What DNS cookies are made with: in the database, another one every day.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/cookie/shared_secrets.h"

namespace mcns {

// Publishes what the database has in its constructor, and from then on whatever follows: a secret
// that is a day old is replaced, and honoured for another day. Owns a thread. A database that
// cannot be written is logged, and costs no answer: then they are of this process alone.
class SecretKeeper {
 public:
  // All of them outlive it.
  SecretKeeper(dsl::env::Env& env, dsl::db::Database& database, cookie::SharedSecrets& shared);
  ~SecretKeeper();
  SecretKeeper(const SecretKeeper&) = delete;
  SecretKeeper& operator=(const SecretKeeper&) = delete;

 private:
  dsl::Result<void> turn();
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
