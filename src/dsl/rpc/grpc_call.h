// One gRPC call that streams, or that no method of the table answers: moves its bytes between the
// transport and the chain. Unary calls are in unary_service.h.
#pragma once

#include <atomic>
#include <memory>

#include "dsl/env/env.h"
#include "dsl/rpc/api.h"
#include "dsl/thread/worker_pool.h"

// Forward, because gRPC's headers belong in .cc files.
namespace grpc {
class ByteBuffer;
class GenericCallbackServerContext;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace dsl::rpc {

// What all calls of one server share. Outlives them.
struct CallHost {
  env::Env& env;
  std::shared_ptr<Api> api;
  WorkerPool workers;  // unary calls, and each request of a conversation
  WorkerPool streams;  // a thread for each server stream
  int calls_max;       // alive at once, whether read, waiting or running
  std::atomic<bool> stopping{false};
  std::atomic<int> entered{0};  // calls that are to be answered by their handlers
  std::atomic<int> calls{0};
  std::atomic<int> quick_calls{0};  // that run on threads of gRPC

  // False once the server stops; otherwise `leave` follows when the call is over.
  bool enter() {
    ++entered;
    if (stopping.load()) {
      leave();
      return false;
    }
    return true;
  }
  void leave() { --entered; }
};

// Serves one call that has just arrived. The result belongs to gRPC; `host` must outlive it.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* serve_call(
    CallHost& host, grpc::GenericCallbackServerContext& context, Peer peer);

}  // namespace dsl::rpc
