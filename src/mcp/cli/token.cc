#include "mcp/cli/commands.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Command;

namespace {

// The token alone on stdout, so that it can go straight into a file.
Result<int> add(Context& context, const std::string& name, const std::string& role) {
  MC_ASSIGN(Client * client, context.client());
  v1::CreateTokenRequest request;
  request.set_name(name);
  request.set_role(role);
  MC_ASSIGN(const v1::CreatedToken made, client->call<v1::CreatedToken>("CreateToken", request));
  if (context.json()) {
    context.print_json(made);
    return dsl::kExitOk;
  }
  context.print(made.secret() + "\n");
  context.note(
      text("keep it in ~/.config/mcp/token (mode 0600) of whoever is {}; it is not shown "
           "again",
           name));
  return dsl::kExitOk;
}

Result<int> list(Context& context) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const v1::ListTokensReply reply,
            client->call<v1::ListTokensReply>("ListTokens", v1::ListTokensRequest()));
  if (context.json()) {
    context.print_json(reply);
    return dsl::kExitOk;
  }
  dsl::cli::Table table({{"TOKEN"}, {"ROLE"}});
  for (const v1::OperatorToken& token : reply.tokens()) {
    table.add({token.name(), token.role()});
  }
  if (table.empty()) {
    context.note("there are no tokens: only the local socket lets people in");
  } else {
    context.print(table.render(context.globals));
  }
  return dsl::kExitOk;
}

Result<int> remove(Context& context, const std::string& name) {
  MC_ASSIGN(Client * client, context.client());
  v1::RemoveTokenRequest request;
  request.set_name(name);
  MC_TRY(client->call<v1::RemoveTokenReply>("RemoveToken", request));
  context.note(text("token {} is no longer valid", name));
  return dsl::kExitOk;
}

}  // namespace

Command token_command(Context& context) {
  const auto name = std::make_shared<std::string>();
  const auto role = std::make_shared<std::string>("operate");

  Command add_token;
  add_token.name = "add";
  add_token.summary = "Make a token and print it, once";
  add_token.description =
      "read: looks only. operate: also deploys, starts and stops. admin: everything.";
  add_token.examples = {"mcp token add kyle --role admin > token && chmod 600 token"};
  add_token.options = {{.name = "NAME",
                        .target = name.get(),
                        .help = "Whom or what it is for; shown in the log of each call",
                        .required = true},
                       {.name = "--role",
                        .target = role.get(),
                        .help = "What it may do",
                        .value_name = "ROLE",
                        .one_of = {"read", "operate", "admin"}}};
  add_token.run = [&context, name, role] { return add(context, *name, *role); };

  Command list_tokens;
  list_tokens.name = "list";
  list_tokens.summary = "List the tokens by name";
  list_tokens.examples = {"mcp token list"};
  list_tokens.run = [&context] { return list(context); };

  Command remove_token;
  remove_token.name = "remove";
  remove_token.summary = "Make a token invalid, at once";
  remove_token.examples = {"mcp token remove kyle"};
  remove_token.options = {{.name = "NAME",
                           .target = name.get(),
                           .help = "As `mcp token list` shows it",
                           .required = true}};
  remove_token.run = [&context, name] { return remove(context, *name); };

  Command command;
  command.name = "token";
  command.summary = "Say who may reach the agent over the network";
  command.description =
      "Until there is an identity service, calls over the network carry a token of the node. The "
      "local socket needs none.";
  command.commands = {std::move(add_token), std::move(list_tokens), std::move(remove_token)};
  return command;
}

}  // namespace mcp::cli
