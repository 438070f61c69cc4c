// Numbers the moments at which an operation meets the world outside (before and after each call of
// the runtime, each commit of its journal), and lets something happen at one of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <thread>

#include "dsl/result/result.h"

namespace mcp::agent::test {

// The agent ends here: thrown through the operation, as a kill -9 of its process would stop it.
struct Killed {};

// Counts on the thread that armed it; other threads pass freely.
class Moments {
 public:
  enum class Event {
    kNothing,
    kFailure,  // this one call fails; what it did stays done if the moment is after it
    kKill,
  };

  void arm(std::size_t number, Event event) {
    *this = Moments();
    number_ = number;
    event_ = event;
    thread_ = std::this_thread::get_id();
  }
  void disarm() { thread_ = std::thread::id(); }

  // The error that the call must return, if any.
  std::optional<dsl::Error> pass(const std::string& what) {
    if (std::this_thread::get_id() != thread_ || passed_++ != number_) {
      return std::nullopt;
    }
    happened_at_ = what;
    if (event_ == Event::kKill) {
      throw Killed();
    }
    return event_ == Event::kFailure
               ? std::optional<dsl::Error>(dsl::fail(dsl::Code::kUnavailable, "failure {}", what))
               : std::nullopt;
  }

  // Empty when the operation ended before that moment.
  const std::string& happened_at() const { return happened_at_; }

 private:
  std::size_t number_ = 0;
  std::size_t passed_ = 0;
  Event event_ = Event::kNothing;
  std::thread::id thread_;
  std::string happened_at_;
};

}  // namespace mcp::agent::test
