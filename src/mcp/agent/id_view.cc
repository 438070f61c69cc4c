#include "mcp/agent/id_view.h"

#include <array>

#include <pwd.h>
#include <unistd.h>

#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

namespace {

std::vector<IdView::Range> ranges_of(dsl::env::Env& env, const std::string& path,
                                     const std::string& user) {
  std::vector<IdView::Range> out;
  for (const IdRange& range : read_ranges(env, path)) {
    if (range.owner == user || range.owner == std::to_string(::geteuid())) {
      out.push_back({.first = range.first, .count = range.count});
    }
  }
  return out;
}

std::string user_name() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  const int error = ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return error == 0 && found != nullptr ? found->pw_name : "";
}

}  // namespace

std::int64_t IdView::inside(std::uint32_t host) const {
  if (own_ == 0) {
    return host;
  }
  if (host == own_) {
    return 0;
  }
  std::uint64_t next = 1;
  for (const Range& range : ranges_) {
    if (host >= range.first && host - range.first < range.count) {
      return static_cast<std::int64_t>(next + (host - range.first));
    }
    next += range.count;
  }
  return -1;
}

IdViews id_views(dsl::env::Env& env) {
  const std::string user = user_name();
  return {.uids = IdView(::geteuid(), ranges_of(env, "/etc/subuid", user)),
          .gids = IdView(::geteuid() == 0 ? 0 : ::getegid(), ranges_of(env, "/etc/subgid", user))};
}

}  // namespace mcp::agent
