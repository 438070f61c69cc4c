// What a service offers, apart from how it is reached: the method table behind one chain of checks.
// gRPC (server.h) and REST (dsl::transcode) serve the same Api.
//
//   MC_ASSIGN(auto api, rpc::Api::create(env, std::move(table), {.authenticate = ...}));
//   MC_ASSIGN(auto server, rpc::Server::start(env, api, {.local_socket = path}));
//
// Chain: deadline, request id, metrics, concurrency limit, authentication, authorization, sealed
// check, validation, audit, handler. Access comes from the method's (dsl.v1.access) option; a
// method without one makes `create` fail with its name. grpc.health.v1 and server reflection are
// added to every table.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dsl/env/env.h"
#include "dsl/rpc/method_table.h"

namespace dsl::rpc {

// Says who the peer is. kUnauthenticated when it cannot.
using Authenticator = std::function<Result<Caller>(const Peer&)>;
// Decides calls of methods with level POLICY. Absent: they are denied.
using Policy = std::function<Result<void>(const CallContext&, const Message& request)>;

// The break-glass of every service: a local peer that is uid 0, `service_uid`, or a member of
// `group` (empty = none) is admin; every other local peer and every remote one is refused.
Authenticator local_authenticator(std::uint32_t service_uid, std::string group);

// Where the record of changes hooks in: told about methods of class WRITE only. Thread-safe.
struct Audit {
  // Everything about the call is in order and its handler comes next. An error fails the call: a
  // change that cannot be recorded is not made.
  std::function<Result<void>(const CallContext&)> begin;
  // The call was refused before its handler ran.
  std::function<void(const CallContext&, const Error&)> refused;
};

struct ApiOptions {
  Authenticator authenticate;  // required
  Policy policy;
  std::function<bool()> sealed;  // absent = never sealed
  std::function<bool()> ready;   // what grpc.health.v1 says; absent = ready until drained
  Audit audit;
  std::chrono::milliseconds deadline_default{60000};  // unary calls that bring none
};

// Who may call what no method declares, such as a raw HTTP route.
enum class Level { kNobody, kPublic, kUser, kSystem, kAdmin, kPolicy };

// A call that has ended, for metrics.
struct CallDone {
  std::string_view method;  // of the table; "unknown" for every name that is not in it
  const Error* error = nullptr;
  std::chrono::nanoseconds took{};
};

struct Route;
class ActiveCall;

// Thread-safe, apart from `observe`. Outlives the servers that share it.
class Api {
 public:
  // Reads the request; its error is the answer to the call.
  using Parse = std::function<Result<void>(Message& request)>;

  static Result<std::shared_ptr<Api>> create(env::Env& env, MethodTable table, ApiOptions options);
  virtual ~Api() = default;

  virtual env::Env& env() const = 0;
  // With health and reflection.
  virtual const MethodTable& table() const = 0;
  // From now on not ready; calls are answered as before.
  virtual void drain() = 0;
  virtual bool ready() const = 0;
  // Called after every call, also those refused before the chain, on the thread that ended it; it
  // must not block. To be set before the first server starts.
  virtual void observe(std::function<void(const CallDone&)> observer) = 0;

  // For transports. The id that a client chose when it is fit for a log, else a new one.
  virtual std::string request_id(std::string_view given) const = 0;
  // The row of the table; nothing when it has no such method. Valid as long as the Api.
  virtual const Route* find(const std::string& method) const = 0;
  // Gives a call that brought no deadline the default one. To be called as soon as it has arrived.
  virtual void accept(ActiveCall& call, const Route& route) const = 0;
  // Takes a call through the chain; blocks as long as the handler runs. Nothing is thrown: an
  // exception of the handler is logged and becomes kInternal.
  virtual Result<void> run(ActiveCall& call, const Route& route, const Parse& parse,
                           MessageSink& sink) const = 0;
  // Counts a call that its transport refused, and passes the error on.
  virtual Error refuse(const ActiveCall& call, Error error) const = 0;
  // Authentication and authorization alone. For kPolicy the service's policy is asked with `name`
  // as the method and an empty request; it must deny what it does not know.
  virtual Result<Caller> admit(const Peer& peer, Level level, const std::string& name) const = 0;
};

}  // namespace dsl::rpc
