// grpc.health.v1 and grpc.reflection.v1alpha: in every server's table.
#pragma once

#include <functional>

#include "dsl/rpc/method_table.h"

namespace dsl::rpc {

// Health for the process ("") and for each service of `table` as it is now.
void add_health(MethodTable& table, std::function<bool()> ready);
// Lists the services of `table`, its own and health among them, and shows their .proto files.
void add_reflection(MethodTable& table);

}  // namespace dsl::rpc
