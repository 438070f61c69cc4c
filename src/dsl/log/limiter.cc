#include "dsl/log/limiter.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace dsl::log {

namespace {

// The text of the message and not its address: the same literal may have several.
std::size_t site_key(Level level, std::string_view component, std::string_view message) {
  const std::hash<std::string_view> hash;
  return (hash(component) * 31 + hash(message)) * 31 + static_cast<std::size_t>(level);
}

}  // namespace

bool Limiter::admit(Level level, std::string_view component, std::string_view message,
                    env::MonoTime now) {
  const std::size_t key = site_key(level, component, message);
  auto found = sites_.find(key);
  if (found == sites_.end()) {
    if (sites_.size() >= options_.sites_max && next_sweep_ <= now) {
      next_sweep_ = now + options_.sweep_interval;
      std::erase_if(sites_, [&](const auto& entry) {
        return entry.second.window_end <= now && entry.second.lines <= options_.lines_max;
      });
    }
    if (sites_.size() >= options_.sites_max) {
      return true;
    }
    Site site{level, std::string(component), std::string(message), now + options_.window};
    found = sites_.emplace(key, std::move(site)).first;
  }

  Site& site = found->second;
  if (site.window_end <= now && site.lines <= options_.lines_max) {
    site.window_end = now + options_.window;
    site.lines = 0;
  }
  ++site.lines;
  if (site.lines <= options_.lines_max) {
    return true;
  }
  next_report_ = std::min(next_report_, site.window_end);
  return false;
}

std::vector<Limiter::Suppressed> Limiter::expire(env::MonoTime now) {
  std::vector<Suppressed> out;
  if (next_report_ > now) {
    return out;
  }
  next_report_ = env::MonoTime::max();
  for (auto entry = sites_.begin(); entry != sites_.end();) {
    Site& site = entry->second;
    const bool silenced = site.lines > options_.lines_max;
    if (site.window_end > now) {
      next_report_ = silenced ? std::min(next_report_, site.window_end) : next_report_;
      ++entry;
      continue;
    }
    if (silenced) {
      out.push_back({site.level, std::move(site.component), std::move(site.message),
                     site.lines - options_.lines_max});
    }
    entry = sites_.erase(entry);
  }
  return out;
}

std::vector<Limiter::Suppressed> Limiter::drain() {
  next_report_ = env::MonoTime::min();
  return expire(env::MonoTime::max());
}

}  // namespace dsl::log
