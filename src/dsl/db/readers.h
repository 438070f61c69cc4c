// Read-only connections, lent to one thread at a time. Private to dsl::db.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "dsl/db/connection.h"
#include "dsl/env/env.h"

namespace dsl::db {

// Thread-safe.
class Readers {
 public:
  // `env` must outlive the pool.
  static Result<std::unique_ptr<Readers>> open(env::Env& env, const std::string& path, int count);

  // Runs `work` in a read transaction on a free connection; kUnavailable when none becomes free
  // within 5 s.
  Result<void> read(const Work& work);
  // Without the transaction: each statement of `work` sees a state of its own.
  Result<void> run(const Work& work);

 private:
  explicit Readers(env::Clock& clock) : clock_(clock) {}
  Result<std::unique_ptr<Connection>> borrow();
  void give_back(std::unique_ptr<Connection> connection);

  env::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> free_;  // guarded by mutex_
};

}  // namespace dsl::db
