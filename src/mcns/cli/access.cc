// mcns token add, list, rm; mcns grant add, list, rm
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;

namespace {

// The token alone on stdout, so that it can go straight into a file.
Result<int> add_token(Context& context, const std::string& name, const std::string& role) {
  if (context.globals.dry_run) {
    context.note(text("token {} with role {} would be made", name, role));
    return dsl::kExitOk;
  }
  MC_ASSIGN(Client * client, context.client());
  pb::CreateTokenRequest request;
  request.set_name(name);
  request.set_role(role);
  MC_ASSIGN(const pb::CreatedToken made,
            client->call<pb::CreatedToken>("AdminService.CreateToken", request));
  if (context.json()) {
    context.print_json(made);
    return dsl::kExitOk;
  }
  context.print(made.secret() + "\n");
  context.note(
      text("keep it in ~/.config/mcns/token (mode 0600) of whoever is {}; it is not shown "
           "again",
           name));
  return dsl::kExitOk;
}

Result<int> remove_token(Context& context, const std::string& name) {
  if (context.globals.dry_run) {
    context.note(text("token {} would be removed", name));
    return dsl::kExitOk;
  }
  MC_ASSIGN(Client * client, context.client());
  pb::DeleteTokenRequest request;
  request.set_name(name);
  MC_TRY(client->call<pb::DeleteTokenReply>("AdminService.DeleteToken", request));
  context.note(text("token {} is no longer valid", name));
  return dsl::kExitOk;
}

struct GrantWords {
  std::string account;
  std::string zone;
  std::string names;
  std::vector<std::string> types;
  std::vector<std::string> verbs;
  std::chrono::milliseconds expires{0};
  std::int64_t id = 0;
};

Result<int> add_grant(Context& context, const GrantWords& words) {
  pb::CreateGrantRequest request;
  request.set_account(words.account);
  request.set_zone(words.zone);
  request.set_name_pattern(words.names);
  request.mutable_types()->Assign(words.types.begin(), words.types.end());
  request.mutable_verbs()->Assign(words.verbs.begin(), words.verbs.end());
  if (words.expires.count() > 0) {
    request.set_expires_ms(context.now_ms() + words.expires.count());
  }
  if (context.globals.dry_run) {
    context.note(text("{} would be allowed {} of {}", words.account, words.names, words.zone));
    return dsl::kExitOk;
  }
  return show<pb::Grant>(context, "AdminService.CreateGrant", request, "",
                         [&](const pb::Grant& reply) {
                           pb::ListGrantsReply list;
                           *list.add_grants() = reply;
                           return grants_table(context.globals, list);
                         });
}

Result<int> remove_grant(Context& context, std::int64_t id) {
  if (id < 1) {
    return fail(Code::kInvalidArgument, "{} is no grant", id).hint("mcns grant list shows them");
  }
  if (context.globals.dry_run) {
    context.note(text("grant {} would be taken back", id));
    return dsl::kExitOk;
  }
  MC_ASSIGN(Client * client, context.client());
  pb::DeleteGrantRequest request;
  request.set_id(id);
  MC_TRY(client->call<pb::DeleteGrantReply>("AdminService.DeleteGrant", request));
  context.note(text("grant {} is taken back", id));
  return dsl::kExitOk;
}

Command add_token_command(Context& context) {
  const auto name = std::make_shared<std::string>();
  const auto role = std::make_shared<std::string>("read");
  Command command;
  command.name = "add";
  command.summary = "Make a token and print it, once";
  command.description =
      "system: the account of a service, which writes its own name in every zone; an account of "
      "authz.agent_accounts writes any record. read: a person who looks. admin: everything. "
      "guest: nothing.";
  command.examples = {"mcns token add mcq --role system > token && chmod 600 token",
                      "mcns token add kyle --role admin"};
  command.options = {
      {.name = "NAME", .target = name.get(), .help = "The account", .required = true},
      {.name = "--role",
       .target = role.get(),
       .help = "What kind of account it is; read",
       .value_name = "ROLE",
       .one_of = {"read", "system", "admin", "guest"}}};
  command.run = [&context, name, role] { return add_token(context, *name, *role); };
  return command;
}

Command add_grant_command(Context& context) {
  const auto words = std::make_shared<GrantWords>();
  Command command;
  command.name = "add";
  command.summary = "Let an account write names beyond its own";
  command.description =
      "NAMES are labels below the zone: a literal, * for any one label but a wildcard's, \\* for "
      "the wildcard's own; ** in front stands for one label or more; @ is the zone itself. * for "
      "the types is all but NS, DS and DNAME. Records of others stay theirs.";
  command.examples = {"mcns grant add metacrypt example.net '_acme-challenge.*' TXT",
                      "mcns grant add ci '*' 'build-*' A AAAA --verb set --expires 24h"};
  command.options = {
      {.name = "ACCOUNT",
       .target = &words->account,
       .help = "As its token names it",
       .required = true},
      {.name = "ZONE",
       .target = &words->zone,
       .help = "The zone; * for every zone",
       .required = true,
       .complete = "zone"},
      {.name = "NAMES", .target = &words->names, .help = "Which names below it", .required = true},
      {.name = "TYPE",
       .target = &words->types,
       .help = "Which types: TXT, A, ... or *",
       .required = true},
      {.name = "--verb",
       .target = &words->verbs,
       .help = "What it may do; may be repeated; otherwise all",
       .value_name = "VERB",
       .one_of = {"add", "set", "delete"}},
      {.name = "--expires",
       .target = &words->expires,
       .help = "For this long; otherwise until it is taken back"}};
  command.run = [&context, words] { return add_grant(context, *words); };
  return command;
}

}  // namespace

Command token_command(Context& context) {
  Command list;
  list.name = "list";
  list.summary = "List the tokens by account";
  list.examples = {"mcns token list"};
  list.run = [&context] {
    return show<pb::ListTokensReply>(
        context, "AdminService.ListTokens", pb::ListTokensRequest(),
        "there are no tokens: only the admin socket lets people in",
        [&](const pb::ListTokensReply& reply) { return tokens_table(context.globals, reply); });
  };

  const auto name = std::make_shared<std::string>();
  Command remove;
  remove.name = "rm";
  remove.summary = "Make a token invalid, at once";
  remove.examples = {"mcns token rm kyle"};
  remove.options = {{.name = "NAME",
                     .target = name.get(),
                     .help = "As `mcns token list` shows it",
                     .required = true}};
  remove.run = [&context, name] { return remove_token(context, *name); };

  Command command;
  command.name = "token";
  command.summary = "Say who may use the API over the network";
  command.description =
      "Until there is an identity service, calls over the network carry a token of this server. "
      "The admin socket needs none.";
  command.commands = {add_token_command(context), std::move(list), std::move(remove)};
  return command;
}

Command grant_command(Context& context) {
  Command list;
  list.name = "list";
  list.summary = "List what accounts may write beyond their own names";
  list.examples = {"mcns grant list", "mcns grant list --output wide"};
  list.run = [&context] {
    return show<pb::ListGrantsReply>(
        context, "AdminService.ListGrants", pb::ListGrantsRequest(), "there are no grants",
        [&](const pb::ListGrantsReply& reply) { return grants_table(context.globals, reply); });
  };

  const auto words = std::make_shared<GrantWords>();
  Command remove;
  remove.name = "rm";
  remove.summary = "Take a grant back";
  remove.examples = {"mcns grant rm 3"};
  remove.options = {{.name = "ID",
                     .target = &words->id,
                     .help = "As `mcns grant list` shows it",
                     .required = true}};
  remove.run = [&context, words] { return remove_grant(context, words->id); };

  Command command;
  command.name = "grant";
  command.summary = "Let accounts write names beyond their own";
  command.commands = {add_grant_command(context), std::move(list), std::move(remove)};
  return command;
}

}  // namespace mcns::cli
