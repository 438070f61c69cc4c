// The unary methods of a table, as gRPC's registered methods.
#pragma once

#include <functional>
#include <memory>

#include "dsl/rpc/grpc_call.h"

namespace grpc {
class CallbackServerContext;
class Service;
}  // namespace grpc

namespace dsl::rpc {

// A generic service carries every kind of call, but its unary ones cost two operations of the
// transport and two changes of thread more than those of a registered method. So the unary methods
// of `host.api` are registered, with their bytes as they are; the generic service serves the
// rest.
//
// Each call runs on a worker, unless its method has been quick for a while (pace.h): then it runs
// on gRPC's own thread, one such call at a time. gRPC polls with two threads at least, so bytes
// move even if that call turns out to be slow. `host` outlives the server.
std::unique_ptr<grpc::Service> unary_service(
    CallHost& host, std::function<Peer(const grpc::CallbackServerContext&)> peer_of);

}  // namespace dsl::rpc
