// High descriptor numbers for connections whose identity is told by their number.
#pragma once

#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace dsl::rpc {

// Moves descriptors to numbers of a range above those that the process uses otherwise, upward and
// around, so that a number rests as long as possible before it names another connection. Confined
// to one thread.
class FdNumbers {
 public:
  // [floor, ceiling)
  FdNumbers(int floor, int ceiling) : floor_(floor), ceiling_(ceiling), next_(floor) {}
  // The upper half below RLIMIT_NOFILE, at most 16384 numbers.
  static FdNumbers below_limit();

  // The same file under a number of the range, close-on-exec; `fd` is closed. kUnavailable when
  // every number is taken.
  Result<env::UniqueFd> raise(env::UniqueFd fd);

  int floor() const { return floor_; }
  int ceiling() const { return ceiling_; }

 private:
  int take(int fd, int from) const;

  int floor_;
  int ceiling_;
  int next_;
};

}  // namespace dsl::rpc
