// What every call passes between its transport and its handler, in this order: deadline,
// authentication, authorization, sealed check, validation, handler. Knows nothing of gRPC.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "dsl/rpc/active_call.h"
#include "dsl/rpc/descriptors.h"
#include "dsl/rpc/server.h"
#include "dsl/rpc/validator.h"

namespace dsl::rpc {

// Constant once made; thread-safe.
class Chain {
 public:
  struct Gates {
    Authenticator authenticate;  // required
    Policy policy;
    std::function<bool()> sealed;
  };
  // Reads the request's bytes; false when they are not such a message.
  using Parse = std::function<bool(Message& request)>;

  // The error of `check_descriptors` when the table does not keep the contract.
  static Result<Chain> create(const MethodTable& table, Gates gates);

  // Nothing when the table has no such method. Valid as long as the chain.
  const Route* find(const std::string& method) const;
  const std::map<std::string, Route>& routes() const { return routes_; }
  // Blocks as long as the handler runs. Nothing is thrown: an exception of the handler is logged
  // and becomes kInternal.
  Result<void> run(ActiveCall& call, const Route& route, const Parse& parse,
                   MessageSink& sink) const;

 private:
  Chain(std::map<std::string, Route> routes, Validator validator, Gates gates);

  Result<void> pass(ActiveCall& call, const Route& route, const Parse& parse,
                    MessageSink& sink) const;
  Result<void> authorize(const ActiveCall& call, const ::dsl::v1::Access& access,
                         const Message& request) const;

  std::map<std::string, Route> routes_;
  Validator validator_;
  Gates gates_;
};

}  // namespace dsl::rpc
