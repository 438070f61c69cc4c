// Names resolved with a bound on the wait, which getaddrinfo does not have.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::rpc {

// Addresses of `host`, as literals without brackets, in the system's order of preference.
using LookedUp = std::function<void(Result<std::vector<std::string>>)>;

// Calls `done` once, on a thread of the C library, whenever the resolver is through; that may be
// long after anyone cares, so `done` owns all that it uses. kUnavailable when the name has no
// address or nobody can tell. The C library has no way to end a look-up, and a thread of ours
// around it could not be joined in time: this is why its asynchronous form is used.
void look_up(const std::string& host, LookedUp done);

}  // namespace dsl::rpc
