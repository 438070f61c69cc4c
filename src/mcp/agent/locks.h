// One change at a time for a service, whoever makes it: operations, the boot run, reconciliation.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcp::agent {

// Thread-safe.
class ServiceLocks {
 public:
  // Releases on destruction. Movable; may be released on another thread than it was taken on.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&& other) noexcept;
    ~Hold();

   private:
    friend class ServiceLocks;
    Hold(ServiceLocks* locks, std::string key) : locks_(locks), key_(std::move(key)) {}
    ServiceLocks* locks_ = nullptr;
    std::string key_;
  };

  explicit ServiceLocks(dsl::env::Env& env) : env_(env) {}

  // `holder` is shown to whoever waits in vain: "operation 1f2e". kConflict after `wait`.
  dsl::Result<Hold> acquire(const std::string& service, const std::string& holder,
                            std::chrono::milliseconds wait);
  // Somebody is at work on the service.
  bool held(const std::string& service);
  // Makes present and later waits fail with kUnavailable.
  void stop();

 private:
  void release(const std::string& key);

  dsl::env::Env& env_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> holders_;  // guarded by mutex_
  bool stopping_ = false;                       // guarded by mutex_
};

}  // namespace mcp::agent
