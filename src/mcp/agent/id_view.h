// Ids of the host as the user's containers see them.
#pragma once

#include <cstdint>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcp::agent {

// A pure value. The user itself is 0 inside, its subordinate ids follow from 1 on in the order of
// /etc/subuid; the host's root sees ids as they are.
class IdView {
 public:
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };
  IdView(std::uint32_t own, std::vector<Range> ranges) : own_(own), ranges_(std::move(ranges)) {}

  // -1 for an id that no container sees.
  std::int64_t inside(std::uint32_t host) const;

 private:
  std::uint32_t own_;
  std::vector<Range> ranges_;
};

struct IdViews {
  IdView uids;
  IdView gids;
};
// Of this process's user.
IdViews id_views(dsl::env::Env& env);

}  // namespace mcp::agent
