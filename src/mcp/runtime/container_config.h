// What podman's command line takes from containers.conf and its API does not.
#pragma once

#include <vector>

#include "dsl/env/env.h"
#include "mcp/runtime/libpod_json.h"

namespace mcp::runtime {

// `[containers] default_ulimits` of the last file that has it: /usr/share/containers,
// /etc/containers (with its .d folder), then ~/.config/containers; $CONTAINERS_CONF alone when that
// is set. A file that cannot be read as TOML is an error that names it: podman refuses it, too.
Result<std::vector<Ulimit>> default_ulimits(dsl::env::Env& env);

// "nofile=20000:20000" or "nproc=8192".
Result<Ulimit> parse_ulimit(std::string_view text);

}  // namespace mcp::runtime
