// The methods of a service whose database is damaged. Private to mcns::api.
#pragma once

#include "dsl/result/result.h"
#include "dsl/rpc/method_table.h"

namespace mcns::api {

// The same methods, those refused with `why` that would write the database, or read what is in it
// alone. What lies elsewhere (tokens, the cache) is written as ever.
dsl::rpc::MethodTable unchangeable_methods(const dsl::rpc::MethodTable& table,
                                           const dsl::Error& why);

}  // namespace mcns::api
