// EchoService of echo.proto, and what its handlers saw.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "dsl/rpc/server.h"

namespace dsl::rpc::test {

// Must outlive the server of its table.
class EchoService {
 public:
  MethodTable table();

  // Waits until `count` handlers hang, or none any more; false after 10 s.
  bool wait_hanging(int count);
  // Waits until `count` hanging handlers in all were ended by a cancellation; false after 10 s.
  bool wait_cancelled(int count);
  std::atomic<int> counted{0};
  std::atomic<int> echoed{0};

 private:
  void hang(const CallContext& call);

  std::mutex mutex_;
  std::condition_variable changed_;
  int hanging_ = 0;    // guarded by mutex_
  int cancelled_ = 0;  // guarded by mutex_
};

}  // namespace dsl::rpc::test
