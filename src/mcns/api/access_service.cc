// AdminService: tokens and grants.
#include "mcns/api/audit.h"
#include "mcns/api/convert.h"
#include "mcns/api/fields.h"
#include "mcns/api/grants.h"
#include "mcns/api/handlers.h"
#include "mcns/v1/admin.pb.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::auth::Role;
using dsl::rpc::CallContext;

namespace {

pb::Token to_proto(const std::string& name, Role role) {
  pb::Token out;
  out.set_name(name);
  out.set_role(std::string(dsl::auth::name(role)));
  return out;
}

Result<dsl::auth::TokenFile*> tokens_of(Context& context) {
  if (!context.services.tokens) {
    return fail(Code::kFailedPrecondition, "this service keeps no tokens")
        .hint("set auth.tokens to the path of a file");
  }
  return context.services.tokens.get();
}

Result<pb::CreatedToken> create_token(Context& context, const CallContext& call,
                                      const pb::CreateTokenRequest& request) {
  MC_ASSIGN(dsl::auth::TokenFile * tokens, tokens_of(context));
  MC_ASSIGN(const Role role, dsl::auth::parse_role(request.role()));
  pb::CreatedToken made;
  MC_ASSIGN(*made.mutable_secret(), tokens->add(request.name(), role));
  *made.mutable_token() = to_proto(request.name(), role);
  audit(call, dsl::text("token {}", request.name()), "", request.role());
  return made;
}

Result<pb::ListTokensReply> list_tokens(Context& context) {
  MC_ASSIGN(dsl::auth::TokenFile * tokens, tokens_of(context));
  MC_ASSIGN(const std::vector<dsl::auth::Token> known, tokens->list());
  pb::ListTokensReply reply;
  for (const dsl::auth::Token& token : known) {
    *reply.add_tokens() = to_proto(token.name, token.role);
  }
  return reply;
}

Result<pb::DeleteTokenReply> delete_token(Context& context, const CallContext& call,
                                          const pb::DeleteTokenRequest& request) {
  MC_ASSIGN(dsl::auth::TokenFile * tokens, tokens_of(context));
  MC_TRY(tokens->remove(request.name()));
  audit(call, dsl::text("token {}", request.name()), "valid", "");
  return pb::DeleteTokenReply();
}

// --- grants ---

pb::Grant to_proto(const Grant& grant) {
  pb::Grant out;
  out.set_id(grant.id);
  out.set_account(grant.account);
  out.set_zone(grant.zone ? zone_text(*grant.zone) : "*");
  out.set_name_pattern(grant.name_pattern);
  if (grant.types.empty()) {
    out.add_types("*");
  }
  for (const Type type : grant.types) {
    out.add_types(mcns::text(type));
  }
  for (const Verb verb :
       grant.verbs.empty() ? std::vector{Verb::kAdd, Verb::kSet, Verb::kDelete} : grant.verbs) {
    out.add_verbs(std::string(text(verb)));
  }
  out.set_expires_ms(grant.expires_at ? to_ms(*grant.expires_at) : 0);
  out.set_created_ms(to_ms(grant.created_at));
  out.set_created_by(grant.created_by);
  return out;
}

std::string line_of(const Grant& grant) {
  return dsl::text("{} may {} {} at {} of {}", grant.account, verbs_text(grant.verbs),
                   types_text(grant.types), grant.name_pattern,
                   grant.zone ? zone_text(*grant.zone) : "*");
}

Result<Grant> grant_of(const CallContext& call, const pb::CreateGrantRequest& request) {
  Grant grant;
  grant.account = request.account();
  if (request.zone() != "*") {
    MC_ASSIGN(grant.zone, absolute_name(request.zone(), "zone"));
  }
  if (Result<void> checked = check_pattern(request.name_pattern()); !checked) {
    return tl::unexpected(at_field(std::move(checked).error(), "name_pattern"));
  }
  grant.name_pattern = request.name_pattern();
  const bool all_types = request.types_size() == 1 && request.types(0) == "*";
  for (int i = 0; i < request.types_size() && !all_types; ++i) {
    MC_ASSIGN(const Type type, record_type(request.types(i), dsl::text("types[{}]", i)));
    grant.types.push_back(type);
  }
  for (const std::string& verb : request.verbs()) {
    if (const std::optional<Verb> known = parse_verb(verb)) {
      grant.verbs.push_back(*known);
    }
  }
  if (request.expires_ms() != 0) {
    grant.expires_at = dsl::env::WallTime(std::chrono::milliseconds(request.expires_ms()));
    if (*grant.expires_at <= call.now()) {
      return tl::unexpected(
          at_field(fail(Code::kInvalidArgument, "{} is over already",
                        dsl::env::format_time(*grant.expires_at))
                       .hint("milliseconds since 1970, or 0 for a grant that stays"),
                   "expires_ms"));
    }
  }
  grant.created_at = call.now();
  grant.created_by = call.caller().subject;
  return grant;
}

Result<pb::Grant> create_grant(Context& context, const CallContext& call,
                               const pb::CreateGrantRequest& request) {
  MC_ASSIGN(const Grant wanted, grant_of(call, request));
  MC_ASSIGN(const Grant made, insert_grant(context.services.database, wanted));
  audit(call, dsl::text("grant {}", made.id), "", line_of(made));
  return to_proto(made);
}

Result<pb::ListGrantsReply> list_grants(Context& context) {
  MC_ASSIGN(const std::vector<Grant> grants, all_grants(context.services.database));
  pb::ListGrantsReply reply;
  for (const Grant& grant : grants) {
    *reply.add_grants() = to_proto(grant);
  }
  return reply;
}

Result<pb::DeleteGrantReply> delete_grant(Context& context, const CallContext& call,
                                          const pb::DeleteGrantRequest& request) {
  MC_ASSIGN(const Grant was, erase_grant(context.services.database, request.id()));
  audit(call, dsl::text("grant {}", was.id), line_of(was), "");
  return pb::DeleteGrantReply();
}

}  // namespace

void add_access_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  const std::string service = "mcns.v1.AdminService.";
  table.add<pb::CreateTokenRequest, pb::CreatedToken>(
      service + "CreateToken", [context](CallContext& call, const pb::CreateTokenRequest& request) {
        return create_token(*context, call, request);
      });
  table.add<pb::ListTokensRequest, pb::ListTokensReply>(
      service + "ListTokens",
      [context](CallContext&, const pb::ListTokensRequest&) { return list_tokens(*context); });
  table.add<pb::DeleteTokenRequest, pb::DeleteTokenReply>(
      service + "DeleteToken", [context](CallContext& call, const pb::DeleteTokenRequest& request) {
        return delete_token(*context, call, request);
      });
  table.add<pb::CreateGrantRequest, pb::Grant>(
      service + "CreateGrant", [context](CallContext& call, const pb::CreateGrantRequest& request) {
        return create_grant(*context, call, request);
      });
  table.add<pb::ListGrantsRequest, pb::ListGrantsReply>(
      service + "ListGrants",
      [context](CallContext&, const pb::ListGrantsRequest&) { return list_grants(*context); });
  table.add<pb::DeleteGrantRequest, pb::DeleteGrantReply>(
      service + "DeleteGrant", [context](CallContext& call, const pb::DeleteGrantRequest& request) {
        return delete_grant(*context, call, request);
      });
}

}  // namespace mcns::api
