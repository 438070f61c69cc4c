#include "mcp/agent/handlers_token.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::auth::Role;
using dsl::rpc::CallContext;

namespace {

pb::OperatorToken to_proto(const std::string& name, Role role) {
  pb::OperatorToken out;
  out.set_name(name);
  out.set_role(std::string(dsl::auth::name(role)));
  return out;
}

Result<dsl::auth::TokenFile*> require_tokens(HandlerContext& context) {
  if (!context.tokens) {
    return fail(Code::kFailedPrecondition, "this agent keeps no tokens")
        .hint("set auth.tokens to the path of a file");
  }
  return context.tokens.get();
}

Result<pb::CreatedToken> create(HandlerContext& context, const pb::CreateTokenRequest& request) {
  MC_ASSIGN(dsl::auth::TokenFile * tokens, require_tokens(context));
  MC_ASSIGN(const Role role, dsl::auth::parse_role(request.role()));
  pb::CreatedToken made;
  MC_ASSIGN(*made.mutable_secret(), tokens->add(request.name(), role));
  *made.mutable_token() = to_proto(request.name(), role);
  return made;
}

Result<pb::ListTokensReply> list(HandlerContext& context) {
  MC_ASSIGN(dsl::auth::TokenFile * tokens, require_tokens(context));
  MC_ASSIGN(const std::vector<dsl::auth::Token> known, tokens->list());
  pb::ListTokensReply reply;
  for (const dsl::auth::Token& token : known) {
    *reply.add_tokens() = to_proto(token.name, token.role);
  }
  return reply;
}

Result<pb::RemoveTokenReply> remove(HandlerContext& context,
                                    const pb::RemoveTokenRequest& request) {
  MC_ASSIGN(dsl::auth::TokenFile * tokens, require_tokens(context));
  MC_TRY(tokens->remove(request.name()));
  return pb::RemoveTokenReply();
}

}  // namespace

void add_token_methods(dsl::rpc::MethodTable& table, HandlerContext& context) {
  const std::string service = "mcp.v1.AgentService.";
  table.add<pb::CreateTokenRequest, pb::CreatedToken>(
      service + "CreateToken", [&context](CallContext&, const pb::CreateTokenRequest& request) {
        return create(context, request);
      });
  table.add<pb::ListTokensRequest, pb::ListTokensReply>(
      service + "ListTokens",
      [&context](CallContext&, const pb::ListTokensRequest&) { return list(context); });
  table.add<pb::RemoveTokenRequest, pb::RemoveTokenReply>(
      service + "RemoveToken", [&context](CallContext&, const pb::RemoveTokenRequest& request) {
        return remove(context, request);
      });
}

}  // namespace mcp::agent
