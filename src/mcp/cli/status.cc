// mcp status
#include "mcp/cli/commands.h"
#include "mcp/cli/status_text.h"
#include "mcp/cli/target.h"

namespace mcp::cli {

using dsl::cli::Command;

namespace {

Result<int> service_status(Context& context, const std::string& argument) {
  MC_ASSIGN(const Target target, parse_target(argument));
  pb::GetServiceRequest request;
  request.set_service(target.service);
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::ServiceDetail detail, client->call<pb::ServiceDetail>("GetService", request));
  if (context.json()) {
    context.print_json(detail);
  } else {
    context.print(service_page(context.globals, detail, context.now_ms()));
  }
  return dsl::kExitOk;
}

Result<int> node_status(Context& context) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::AgentStatus status,
            client->call<pb::AgentStatus>("GetStatus", pb::GetStatusRequest()));
  if (context.json()) {
    context.print_json(status);
    return dsl::kExitOk;
  }
  // Without a registry there are no containers to list; the page then says so.
  const pb::ListContainersReply containers =
      client->call<pb::ListContainersReply>("ListContainers", pb::ListContainersRequest())
          .value_or(pb::ListContainersReply());
  context.print(node_page(context.globals, status, containers, context.now_ms()));
  return dsl::kExitOk;
}

}  // namespace

Command status_command(Context& context) {
  const auto service = std::make_shared<std::string>();
  Command command;
  command.name = "status";
  command.summary = "Show the node, or one service, with what needs attention";
  command.description =
      "Without SERVICE: the agent, podman, the registry, the boot run, and what to do next. With "
      "it: its containers, how they differ from the definition, its ports and last events.";
  command.examples = {"mcp status", "mcp status mcr", "mcp status mcr --json"};
  command.options = {{.name = "SERVICE",
                      .target = service.get(),
                      .help = "The service to look at",
                      .complete = "service"}};
  command.run = [&context, service] {
    return service->empty() ? node_status(context) : service_status(context, *service);
  };
  return command;
}

}  // namespace mcp::cli
