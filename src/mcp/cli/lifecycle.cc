// mcp start, stop, restart, undeploy
#include "mcp/cli/commands.h"
#include "mcp/cli/operation_follow.h"
#include "mcp/cli/operation_report.h"
#include "mcp/cli/target.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Command;

namespace {

// One of the four: the same request to another method.
struct Verb {
  std::string name;
  std::string method;
  std::string summary;
  std::string description;
  std::vector<std::string> examples;
};

// What --dry-run shows: the containers that would be touched.
Result<int> preview(Context& context, const Verb& verb, const std::vector<Target>& targets) {
  MC_ASSIGN(Client * client, context.client());
  for (const Target& target : targets) {
    pb::GetServiceRequest request;
    request.set_service(target.service);
    MC_ASSIGN(const pb::ServiceDetail detail,
              client->call<pb::ServiceDetail>("GetService", request));
    bool found = false;
    for (const pb::ContainerState& container : detail.containers()) {
      if (target.component.empty() || container.component() == target.component) {
        found = true;
        context.print(text("would {} {}, which is {}\n", verb.name, container.container(),
                           container.observed()));
      }
    }
    if (!found && !target.component.empty()) {
      return dsl::fail(dsl::Code::kNotFound, "{} has no component {}", target.service,
                       target.component);
    }
  }
  return dsl::kExitOk;
}

Result<int> change_all(Context& context, const Verb& verb,
                       const std::vector<std::string>& arguments) {
  MC_ASSIGN(const std::vector<Target> targets, parse_targets(arguments));
  if (context.globals.dry_run) {
    return preview(context, verb, targets);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    pb::ServiceRequest request;
    request.set_service(targets[i].service);
    request.set_component(targets[i].component);
    request.mutable_change()->set_request_id(context.request_id());
    request.mutable_change()->set_source("cli");
    MC_ASSIGN(const pb::Operation end, follow_operation(context, verb.method, request));
    const int exit_code = finish_operation(context, end);
    if (!succeeded(end)) {
      for (std::size_t rest = i + 1; rest < targets.size(); ++rest) {
        context.complain(text("{} was not tried", targets[rest].text()));
      }
      return i == 0 ? exit_code : static_cast<int>(dsl::kExitPartial);
    }
  }
  return dsl::kExitOk;
}

Command make_command(Context& context, const Verb& verb) {
  const auto services = std::make_shared<std::vector<std::string>>();
  Command command;
  command.name = verb.name;
  command.summary = verb.summary;
  command.description = verb.description;
  command.examples = verb.examples;
  command.options = {{.name = "SERVICE",
                      .target = services.get(),
                      .help = "SERVICE or SERVICE/COMPONENT",
                      .required = true,
                      .complete = "target"}};
  command.run = [&context, verb, services] { return change_all(context, verb, *services); };
  return command;
}

}  // namespace

std::vector<Command> lifecycle_commands(Context& context) {
  return {
      make_command(context, {"start",
                             "Start",
                             "Start services, now and at every boot",
                             "Sets the desired state to running, starts what is not running, and "
                             "waits for the health gates.",
                             {"mcp start mcr", "mcp start mcr/web mcias"}}),
      make_command(context, {"stop",
                             "Stop",
                             "Stop services until they are started again",
                             "Sets the desired state to stopped: a reboot does not start them.",
                             {"mcp stop mcr/web"}}),
      make_command(context, {"restart",
                             "Restart",
                             "Stop and start services, waiting for their health gates",
                             "",
                             {"mcp restart mcr", "mcp restart metacrypt/api"}}),
      make_command(context, {"undeploy",
                             "Undeploy",
                             "Remove services from this node; their data stays",
                             "Removes containers, ports and the registry's entry. Files under the "
                             "service's data directory are never touched.",
                             {"mcp undeploy mcq"}}),
  };
}

}  // namespace mcp::cli
