// What of the configuration decides about an answer, and may change while questions are answered.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "mcns/answer/answer.h"
#include "mcns/resolve/prefixes.h"

namespace mcns {

struct ResolverRules {
  Prefixes allow_recursion;
  AnswerOptions answer;
};

// The rules in force. Thread-safe; but no question asks for them: each worker holds those that it
// took, until it is told to take them again.
class SharedRules {
 public:
  SharedRules() : SharedRules(ResolverRules()) {}
  SharedRules(ResolverRules rules)  // NOLINT(google-explicit-constructor): that is all it is
      : rules_(std::make_shared<const ResolverRules>(std::move(rules))) {}
  SharedRules(const SharedRules& other) : rules_(other.get()) {}
  SharedRules& operator=(const SharedRules&) = delete;

  std::shared_ptr<const ResolverRules> get() const {
    const std::lock_guard lock(mutex_);
    return rules_;
  }
  void set(ResolverRules rules) {
    auto shared = std::make_shared<const ResolverRules>(std::move(rules));
    const std::lock_guard lock(mutex_);
    rules_ = std::move(shared);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ResolverRules> rules_;  // guarded by mutex_
};

}  // namespace mcns
