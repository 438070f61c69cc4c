// What a look at one key does not find: upstreams that cannot be asked.
#pragma once

#include "dsl/env/env.h"
#include "mcns/forward/groups.h"
#include "mcns/service/config.h"

namespace mcns {

// A zone with two groups, an upstream that is this server or nobody, authorities that cannot be
// read: all of them as the details of one kInvalidArgument, each with its place in the file.
dsl::Result<void> check_upstreams(dsl::env::Env& env, const Config& config,
                                  const OwnAddresses& own);

}  // namespace mcns
