#include "dsl/rpc/served_echo.h"

namespace dsl::rpc::test {

Result<Caller> authenticate(const Peer& peer) {
  if (peer.local) {
    return local_authenticator(static_cast<std::uint32_t>(getuid()), "")(peer);
  }
  if (peer.token == "secret" || peer.token == "guest" || peer.token == "system") {
    return Caller{peer.token, {}, peer.token == "secret" ? "user" : peer.token, "token"};
  }
  if (peer.token == "boss") {
    return Caller{"boss", {"admin"}, "user", "token"};
  }
  return fail(Code::kUnauthenticated, "no token, or one that is not known")
      .hint("log in with mcias login");
}

std::shared_ptr<Api> make_api(MethodTable table, ApiOptions options) {
  if (!options.authenticate) {
    options.authenticate = authenticate;
  }
  return dsl::test::require_ok(
      Api::create(env::system_env(), std::move(table), std::move(options)));
}

}  // namespace dsl::rpc::test
