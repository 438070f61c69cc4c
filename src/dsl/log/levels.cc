#include "dsl/log/levels.h"

#include <algorithm>
#include <mutex>

namespace dsl::log {

namespace {

bool lies_below(std::string_view component, std::string_view parent) {
  return parent.empty() ||
         (component.starts_with(parent) && component.substr(parent.size()).starts_with('.'));
}

}  // namespace

void Levels::set(std::string_view component, Level level) {
  const std::unique_lock lock(mutex_);
  std::erase_if(levels_, [&](const auto& entry) { return lies_below(entry.first, component); });
  levels_[std::string(component)] = level;
  const auto lowest =
      std::min_element(levels_.begin(), levels_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  lowest_ = lowest->second;
}

bool Levels::enabled(std::string_view component, Level level) const {
  if (level < lowest_) {
    return false;
  }
  const std::shared_lock lock(mutex_);
  for (;;) {
    const auto found = levels_.find(component);
    if (found != levels_.end()) {
      return level >= found->second;
    }
    const std::size_t dot = component.rfind('.');
    component = dot == std::string_view::npos ? std::string_view() : component.substr(0, dot);
  }
}

}  // namespace dsl::log
