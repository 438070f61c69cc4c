// The level of each component, changeable at run time.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "dsl/log/log.h"

namespace dsl::log {

// "agent.boot" lies below "agent", everything below "". Thread-safe.
class Levels {
 public:
  void set(std::string_view component, Level level);
  bool enabled(std::string_view component, Level level) const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, Level, std::less<>> levels_{{"", Level::kInfo}};
  // No component is more talkative than this: spares the lock for most debug lines.
  std::atomic<Level> lowest_{Level::kInfo};
};

}  // namespace dsl::log
