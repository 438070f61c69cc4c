#include "dsl/rpc/chain.h"

#include <exception>

#include <google/protobuf/empty.pb.h>

#include "dsl/log/log.h"

namespace dsl::rpc {

namespace {

using ::dsl::v1::Access;

const log::Logger logger("rpc");

// Anyone who could not or would not say who he is; reaches PUBLIC methods only.
Caller anonymous() { return {"anonymous", {}, "", "none"}; }

Level level_of(const Access& access) {
  switch (access.level()) {
    case Access::PUBLIC:
      return Level::kPublic;
    case Access::USER:
      return Level::kUser;
    case Access::SYSTEM:
      return Level::kSystem;
    case Access::ADMIN:
      return Level::kAdmin;
    case Access::POLICY:
      return Level::kPolicy;
    default:
      return Level::kNobody;
  }
}

Result<void> handle(ActiveCall& call, const Route& route, const Message& request,
                    MessageSink& sink) {
  try {
    return route.method.handle(call, request, sink);
  } catch (const std::exception& error) {
    logger.error("a handler threw", {{"what", error.what()}});
  } catch (...) {
    logger.error("a handler threw");
  }
  return fail(Code::kInternal, "the call failed inside the service")
      .hint(text("look for request id {} in its log", call.request_id()));
}

}  // namespace

Chain::Chain(std::map<std::string, Route> routes, Validator validator, Gates gates)
    : routes_(std::move(routes)), validator_(std::move(validator)), gates_(std::move(gates)) {}

Result<Chain> Chain::create(const MethodTable& table, Gates gates) {
  MC_ASSERT(gates.authenticate != nullptr, "a server has an authenticator");
  MC_ASSIGN(auto routes, make_routes(table));
  MC_ASSIGN(auto validator, Validator::create(request_types(table)));
  return Chain(std::move(routes), std::move(validator), std::move(gates));
}

const Route* Chain::find(const std::string& method) const {
  const auto found = routes_.find(method);
  return found == routes_.end() ? nullptr : &found->second;
}

Result<void> Chain::run(ActiveCall& call, const Route& route, const Parse& parse,
                        MessageSink& sink) const {
  const log::Scope scope({{"request_id", call.request_id()}, {"method", call.method()}});
  Result<std::unique_ptr<Message>> request = pass(call, route, parse);
  const log::Scope who({{"caller", call.caller().subject}, {"auth", call.caller().via}});
  Result<void> result;
  if (request) {
    result = handle(call, route, **request, sink);
  } else {
    result = tl::unexpected(std::move(request).error());
    if (gates_.audit.refused && route.access.class_() == Access::WRITE) {
      gates_.audit.refused(call, result.error());
    }
  }
  if (result) {
    return result;
  }
  // The client may have given up only because the time was up; say so.
  if (result.error().code() == Code::kCancelled && call.deadline_passed()) {
    result = fail(Code::kDeadlineExceeded, "the deadline passed: {}", result.error().message());
  }
  const bool ours = result.error().code() == Code::kInternal;
  logger.failure(ours ? log::Level::kError : log::Level::kDebug, "call failed", result.error());
  return result;
}

Result<void> Chain::admit(ActiveCall& call, Level level) const {
  MC_TRY(authenticate(call, level));
  return authorize(call, level, google::protobuf::Empty::default_instance());
}

Result<std::unique_ptr<Message>> Chain::pass(ActiveCall& call, const Route& route,
                                             const Parse& parse) const {
  const Level level = level_of(route.access);
  if (call.deadline_passed()) {
    return fail(Code::kDeadlineExceeded, "the deadline passed before the call was started");
  }
  if (call.cancelled()) {
    return fail(Code::kCancelled, "the client has gone");
  }
  MC_TRY(authenticate(call, level));

  // What level and roles can tell is told before a byte of the request is parsed.
  std::unique_ptr<Message> request(route.method.request_prototype->New());
  if (level != Level::kPolicy) {
    MC_TRY(authorize(call, level, *request));
  }
  const Result<void> readable = parse(*request);
  if (readable && level == Level::kPolicy) {
    MC_TRY(authorize(call, level, *request));
  }

  if (!route.access.sealed_ok() && gates_.sealed && gates_.sealed()) {
    return fail(Code::kSealed, "the service is sealed").hint("unseal it, then try again");
  }
  MC_TRY(readable);
  MC_TRY(validator_.check(*request));
  if (gates_.audit.begin && route.access.class_() == Access::WRITE) {
    MC_TRY(gates_.audit.begin(call));
  }
  return request;
}

Result<void> Chain::authenticate(ActiveCall& call, Level level) const {
  Result<Caller> caller = gates_.authenticate(call.peer());
  if (!caller && level != Level::kPublic) {
    return fail(std::move(caller).error());
  }
  call.set_caller(caller ? std::move(*caller) : anonymous());
  return {};
}

Result<void> Chain::authorize(const ActiveCall& call, Level level, const Message& request) const {
  const Caller& caller = call.caller();
  const auto denied = [&](std::string_view who) {
    return fail(Code::kPermissionDenied, "{} may not call {}", caller.subject, call.method())
        .hint(text("it is for {}", who));
  };
  const bool admin = caller.has_role("admin");
  switch (level) {
    case Level::kPublic:
      return {};
    case Level::kUser:
      if (caller.account_type == "guest" && !admin) {
        return denied("accounts other than guests");
      }
      return {};
    case Level::kSystem:
      if (caller.account_type != "system" && !admin) {
        return denied("system accounts and administrators");
      }
      return {};
    case Level::kAdmin:
      if (!admin) {
        return denied("administrators");
      }
      return {};
    case Level::kPolicy:
      if (!gates_.policy) {
        return denied("nobody: the service has no policy");
      }
      return gates_.policy(call, request);
    case Level::kNobody:
      break;
  }
  // Unreachable as long as `create` refuses unclassified methods; denied all the same.
  return denied("nobody: the method is not classified");
}

}  // namespace dsl::rpc
