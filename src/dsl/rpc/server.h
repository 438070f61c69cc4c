// The method table: gRPC served without generated service code, every call through one chain.
//
//   rpc::MethodTable table;
//   table.add<pb::GetNodeRequest, pb::Node>("mcp.v1.AgentService.GetNode", handler);
//   table.add_stream<pb::WatchRequest, pb::Event>("mcp.v1.AgentService.Watch", stream_handler);
//   MC_ASSIGN(auto server, rpc::Server::start(env, std::move(table), {.local_socket = path}));
//
// Chain: deadline, request id, metrics, concurrency limit, authentication, authorization, sealed
// check, validation, audit, handler. Unary handlers run on a bounded worker pool, each server
// stream on a thread of its own, so that long streams never starve unary calls. Access comes from
// the method's (dsl.v1.access) option; a method without one makes `start` fail with its name.
// grpc.health.v1 and server reflection are added to every table.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message.h>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/rpc/call.h"

namespace dsl::tls {
class ServerCredentials;
}

namespace dsl::rpc {

using google::protobuf::Message;

// Sends one message of a server stream; blocks until the transport has taken the previous one.
// kCancelled once the client has gone: the handler should then return.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual Result<void> write(const Message& message) = 0;
};

template <class Response>
class Writer {
 public:
  explicit Writer(MessageSink& sink) : sink_(sink) {}
  Result<void> write(const Response& message) { return sink_.write(message); }

 private:
  MessageSink& sink_;
};

// One row of the table. `handle` gets the parsed request; a unary method writes one message.
struct Method {
  std::string name;  // "package.Service.Method"
  bool streaming = false;
  // The client streams requests, each answered with one message, in order: server reflection only.
  bool conversation = false;
  const Message* request_prototype = nullptr;
  const Message* response_prototype = nullptr;
  std::function<Result<void>(CallContext&, const Message&, MessageSink&)> handle;
};

// Filled before the server starts; then constant. Handlers must be thread-safe.
class MethodTable {
 public:
  template <class Request, class Response, class Handler>
  void add(std::string name, Handler handler) {
    insert({std::move(name), false, false, &Request::default_instance(),
            &Response::default_instance(),
            [handler = std::move(handler)](CallContext& call, const Message& request,
                                           MessageSink& sink) -> Result<void> {
              MC_ASSIGN(Response response, handler(call, static_cast<const Request&>(request)));
              return sink.write(response);
            }});
  }
  template <class Request, class Response, class Handler>
  void add_stream(std::string name, Handler handler) {
    insert({std::move(name), true, false, &Request::default_instance(),
            &Response::default_instance(),
            [handler = std::move(handler)](CallContext& call, const Message& request,
                                           MessageSink& sink) -> Result<void> {
              Writer<Response> writer(sink);
              return handler(call, static_cast<const Request&>(request), writer);
            }});
  }
  void insert(Method method);  // a name twice is asserted
  const std::map<std::string, Method>& methods() const { return methods_; }

 private:
  std::map<std::string, Method> methods_;
};

// The contract of a table with the linked descriptors: every name is a declared method with the
// types and the streaming of the table, every method of a service in the table has an access
// option, every check option can be obeyed. All faults are in the details. `Server::start` asks the
// same; a service's unit test asks it without a server.
Result<void> check_descriptors(const MethodTable& table);

// Says who the peer is. kUnauthenticated when it cannot.
using Authenticator = std::function<Result<Caller>(const Peer&)>;
// Decides calls of methods with level POLICY. Absent: they are denied.
using Policy = std::function<Result<void>(const CallContext&, const Message& request)>;

// The break-glass of every service: a local peer that is uid 0, `service_uid`, or a member of
// `group` (empty = none) is admin; every other local peer and every remote one is refused.
Authenticator local_authenticator(std::uint32_t service_uid, std::string group);

struct ServerOptions {
  std::string local_socket;      // path; empty = none. Mode 0660; a stale file is replaced
  std::string local_group;       // group owner of the socket file; empty = ours
  std::vector<std::string> tcp;  // "127.0.0.1:0"; plain, so on loopback only
  std::vector<std::string> tls;  // "0.0.0.0:9444", "[::]:0"; TLS 1.3, on any address
  // What `tls` shows, asked for at each handshake: required with it, and a reload needs no word
  // here.
  std::shared_ptr<tls::ServerCredentials> credentials;
  Authenticator authenticate;  // required
  Policy policy;
  std::function<bool()> sealed;        // absent = never sealed
  std::function<bool()> ready;         // what grpc.health.v1 says; absent = ready until stopped
  int workers = 0;                     // unary handlers at once; 0 = max(4, cores)
  int streams_max = 64;                // server streams at once; beyond it kRateLimited
  int queue_max = 256;                 // unary calls waiting for a worker; beyond it kRateLimited
  std::size_t message_max = 4u << 20;  // bytes
  std::chrono::milliseconds deadline_default{60000};  // unary calls that bring none
};

// Thread-safe. Destroying it stops at once.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(env::Env& env, MethodTable table,
                                               const ServerOptions& options);
  virtual ~Server() = default;

  // "127.0.0.1:43121" for each entry of options.tcp, in order.
  virtual std::vector<std::string> tcp_addresses() const = 0;
  // The same for options.tls.
  virtual std::vector<std::string> tls_addresses() const = 0;
  // Refuses new calls with UNAVAILABLE, waits for running ones until `grace` has passed, then
  // cancels them. Returns once every handler has returned: a handler must heed `cancelled()`.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace dsl::rpc
