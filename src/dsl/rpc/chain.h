// What every call passes between its transport and its handler, in this order: deadline,
// authentication, authorization, sealed check, validation, audit, handler. Knows nothing of gRPC.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "dsl/rpc/active_call.h"
#include "dsl/rpc/api.h"
#include "dsl/rpc/descriptors.h"
#include "dsl/rpc/validator.h"

namespace dsl::rpc {

// Constant once made; thread-safe.
class Chain {
 public:
  struct Gates {
    Authenticator authenticate;  // required
    Policy policy;
    std::function<bool()> sealed;
    Audit audit;
  };
  using Parse = Api::Parse;

  // The error of `check_descriptors` when the table does not keep the contract.
  static Result<Chain> create(const MethodTable& table, Gates gates);

  // Nothing when the table has no such method. Valid as long as the chain.
  const Route* find(const std::string& method) const;
  // Blocks as long as the handler runs. Nothing is thrown: an exception of the handler is logged
  // and becomes kInternal.
  Result<void> run(ActiveCall& call, const Route& route, const Parse& parse,
                   MessageSink& sink) const;
  // Says who calls, and whether he may call what `level` guards.
  Result<void> admit(ActiveCall& call, Level level) const;

 private:
  Chain(std::map<std::string, Route> routes, Validator validator, Gates gates);

  // Everything before the handler; the request that it is to see.
  Result<std::unique_ptr<Message>> pass(ActiveCall& call, const Route& route,
                                        const Parse& parse) const;
  Result<void> authenticate(ActiveCall& call, Level level) const;
  Result<void> authorize(const ActiveCall& call, Level level, const Message& request) const;

  std::map<std::string, Route> routes_;
  Validator validator_;
  Gates gates_;
};

}  // namespace dsl::rpc
