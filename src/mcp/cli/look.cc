// mcp ps, list, ports
#include "mcp/cli/commands.h"
#include "mcp/cli/tables.h"

namespace mcp::cli {

using dsl::cli::Command;

namespace {

// Calls, and prints the answer as JSON or as `table` makes it; `nothing` in place of an empty one.
template <class Reply, class MakeTable>
Result<int> show(Context& context, const std::string& method,
                 const google::protobuf::Message& request, std::string_view nothing,
                 MakeTable table) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const Reply reply, client->call<Reply>(method, request));
  if (context.json()) {
    context.print_json(reply);
  } else if (const std::string shown = table(reply); !shown.empty()) {
    context.print(shown);
  } else {
    context.note(nothing);
  }
  return dsl::kExitOk;
}

Result<int> ps(Context& context, bool all) {
  pb::ListContainersRequest request;
  request.set_all(all);
  return show<pb::ListContainersReply>(context, "ListContainers", request, "no containers",
                                       [&](const pb::ListContainersReply& reply) {
                                         return reply.containers().empty()
                                                    ? std::string()
                                                    : containers_table(context.globals, reply,
                                                                       context.now_ms());
                                       });
}

Result<int> list(Context& context) {
  return show<pb::ListServicesReply>(
      context, "ListServices", pb::ListServicesRequest(),
      "no services yet: mcp deploy SERVICE --init deploys the first",
      [&](const pb::ListServicesReply& reply) {
        return reply.services().empty() ? std::string()
                                        : services_table(context.globals, reply, context.now_ms());
      });
}

Result<int> ports(Context& context) {
  return show<pb::ListPortsReply>(
      context, "ListPorts", pb::ListPortsRequest(), "no ports are held",
      [&](const pb::ListPortsReply& reply) {
        return reply.ports().empty() ? std::string() : ports_table(context.globals, reply);
      });
}

Command ps_command(Context& context) {
  const auto all = std::make_shared<bool>(false);
  Command command;
  command.name = "ps";
  command.summary = "List containers with their observed state";
  command.description =
      "Shows what is really there: a container whose process or port forwarder has died is "
      "\"stale\" "
      "or \"port-dead\", whatever podman says. \"drift\" means that it differs from its "
      "definition; "
      "mcp status SERVICE shows how. --output wide adds addresses, images in full and notes.";
  command.examples = {"mcp ps", "mcp ps --all --output wide", "mcp ps --json"};
  command.options = {{.name = "-a,--all",
                      .target = all.get(),
                      .help = "Also containers that are not the agent's"}};
  command.run = [&context, all] { return ps(context, *all); };
  return command;
}

}  // namespace

std::vector<Command> look_commands(Context& context) {
  Command services;
  services.name = "list";
  services.summary = "List the services of this node";
  services.examples = {"mcp list", "mcp list --output wide"};
  services.run = [&context] { return list(context); };

  Command leases;
  leases.name = "ports";
  leases.summary = "List the host ports that are held, and by whom";
  leases.examples = {"mcp ports"};
  leases.run = [&context] { return ports(context); };

  return {ps_command(context), std::move(services), std::move(leases)};
}

}  // namespace mcp::cli
