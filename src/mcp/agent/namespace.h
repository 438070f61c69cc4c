// The user namespace of the agent's user, in which files of containers have owners that can be read
// and given: root inside is that user outside, the others are its subordinate ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/recovery/manifest.h"

namespace mcp::agent {

using dsl::Result;

// As in /proc/self/uid_map.
Result<std::vector<recovery::IdRange>> uid_map(dsl::env::Env& env);
bool in_user_namespace(const std::vector<recovery::IdRange>& map);

struct NamespaceUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// Runs this very command anew inside the namespace of `user` (podman unshare); returns only when
// this process is inside already, or with an error. Root of the host becomes `user` first.
// kPermissionDenied for anybody else.
Result<void> enter_namespace(dsl::env::Env& env, const NamespaceUser& user);

}  // namespace mcp::agent
