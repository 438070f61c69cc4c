// mcp deploy
#include <algorithm>

#include "mcp/cli/commands.h"
#include "mcp/cli/definitions.h"
#include "mcp/cli/format.h"
#include "mcp/cli/operation_follow.h"
#include "mcp/cli/operation_report.h"
#include "mcp/cli/saved_runbook.h"
#include "mcp/cli/target.h"
#include "mcp/model/override.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;

namespace {

struct DeployOptions {
  std::vector<std::string> services;
  std::string version;
  std::string image;
  std::string pull = "missing";
  bool no_wait = false;
  bool rollback = false;
  bool init = false;
  bool no_backup = false;
};

bool is_number(const std::string& word) {
  return !word.empty() && word.size() <= 18 &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_file(const std::string& argument) { return argument.ends_with(".toml"); }

pb::DeployRequest base_request(Context& context, const DeployOptions& options) {
  pb::DeployRequest request;
  request.set_pull(options.pull);
  request.set_no_wait(options.no_wait);
  request.set_init(options.init);
  request.set_no_backup(options.no_backup);
  request.mutable_change()->set_request_id(context.request_id());
  request.mutable_change()->set_source("cli");
  request.mutable_change()->set_dry_run(context.globals.dry_run);
  return request;
}

// The definition with the version and image of the command line, resolved as the agent will.
Result<ResolvedFile> resolve_with_overrides(DefinitionFile file, const std::string& component,
                                            const DeployOptions& options,
                                            const Surroundings& surroundings) {
  MC_ASSIGN(model::Definition definition, model::parse_definition(file.toml, file.path));
  MC_TRY(model::apply_overrides(
      definition, {.version = options.version, .image = options.image, .component = component}));
  MC_ASSIGN(model::Service service,
            model::resolve(definition, surroundings.platform, surroundings.node));
  if (!component.empty() && service.find(component) == nullptr) {
    return fail(Code::kNotFound, "{} has no component {}", service.name, component);
  }
  return ResolvedFile{std::move(file), std::move(service)};
}

struct Chosen {
  Target target;
  DefinitionFile file;
};

// What the command line names, read before the agent is asked anything.
Result<std::vector<Chosen>> read_chosen(Context& context, const DeployOptions& options) {
  std::vector<Chosen> chosen;
  for (const std::string& argument : options.services) {
    Chosen next;
    if (is_file(argument)) {
      MC_ASSIGN(next.file, read_definition(context, argument));
      next.target.service = next.file.name;
    } else {
      MC_ASSIGN(next.target, parse_target(argument));
      MC_ASSIGN(next.file, read_definition(context, next.target.service));
    }
    if (std::any_of(chosen.begin(), chosen.end(),
                    [&](const Chosen& c) { return c.target.service == next.target.service; })) {
      return fail(Code::kInvalidArgument, "{} is named twice", next.target.service)
          .hint("name one component, or the service for all of them");
    }
    chosen.push_back(std::move(next));
  }
  return chosen;
}

// Requests in the order in which they are to be made.
Result<std::vector<pb::DeployRequest>> plan_deploys(Context& context,
                                                    const DeployOptions& options) {
  MC_ASSIGN(const std::vector<Chosen> chosen, read_chosen(context, options));
  MC_ASSIGN(const Surroundings surroundings, agent_surroundings(context));
  std::vector<ResolvedFile> files;
  for (const Chosen& each : chosen) {
    MC_ASSIGN(ResolvedFile resolved,
              resolve_with_overrides(each.file, each.target.component, options, surroundings));
    files.push_back(std::move(resolved));
  }

  std::vector<pb::DeployRequest> requests;
  for (const ResolvedFile& next :
       in_dependency_order(std::move(files), surroundings.platform.stages)) {
    const auto origin = std::find_if(chosen.begin(), chosen.end(), [&](const Chosen& c) {
      return c.target.service == next.service.name;
    });
    MC_ASSERT(origin != chosen.end(), "every file was chosen");
    pb::DeployRequest request = base_request(context, options);
    request.set_service(next.service.name);
    request.set_component(origin->target.component);
    request.set_definition_toml(next.file.toml);
    request.set_resolved_json(model::canonical_json(next.service));
    request.set_version(options.version);
    request.set_image(options.image);
    requests.push_back(std::move(request));
  }
  return requests;
}

// "--rollback 3" leaves the 3 among the services.
Result<std::vector<pb::DeployRequest>> plan_rollback(Context& context, DeployOptions options) {
  std::int64_t generation = -1;
  if (options.services.size() > 1) {
    const auto number = std::find_if(options.services.begin(), options.services.end(), is_number);
    if (number != options.services.end()) {
      generation = std::stoll(*number);
      options.services.erase(number);
    }
  }
  if (options.services.size() != 1 || !options.version.empty() || !options.image.empty()) {
    return fail(Code::kInvalidArgument, "a rollback takes one service, and no version or image")
        .hint("mcp deploy mcr --rollback, or --rollback 3 for generation 3");
  }
  MC_ASSIGN(const Target target, parse_target(options.services.front()));
  pb::DeployRequest request = base_request(context, options);
  request.set_service(target.service);
  request.set_component(target.component);
  request.set_rollback_generation(generation);
  return std::vector<pb::DeployRequest>{std::move(request)};
}

Result<void> check(const DeployOptions& options) {
  if (options.services.size() > 1 && !options.rollback &&
      (!options.version.empty() || !options.image.empty())) {
    return fail(Code::kInvalidArgument, "--version and --image are for one service")
        .hint("deploy them one by one, or write the versions into their definitions");
  }
  return {};
}

// A dry run's rows: what becomes of each container, from what is recorded. A roll back's
// specification is known to the agent alone.
Result<void> show_plan(Context& context, const pb::DeployRequest& request) {
  if (request.resolved_json().empty()) {
    return {};
  }
  MC_ASSIGN(const model::Service wanted, model::service_from_json(request.resolved_json()));
  pb::GetServiceRequest get;
  get.set_service(request.service());
  MC_ASSIGN(Client * client, context.client());
  const Result<pb::ServiceDetail> detail = client->call<pb::ServiceDetail>("GetService", get);
  model::Service recorded;
  if (detail) {
    MC_ASSIGN(recorded, model::service_from_json(detail->resolved_json()));
  } else if (detail.error().code() != Code::kNotFound) {
    return tl::unexpected(detail.error());
  }

  dsl::cli::Table table({{"COMPONENT"}, {"ACTION"}, {"IMAGE"}});
  const auto add = [&](const model::Component& component, const char* action) {
    if (request.component().empty() || request.component() == component.name) {
      table.add(
          {text("{}/{}", request.service(), component.name), action, short_image(component.image)});
    }
  };
  for (const model::Component& component : wanted.components) {
    const model::Component* before = recorded.find(component.name);
    const bool same = before != nullptr && model::component_sha256(wanted, component) ==
                                               model::component_sha256(recorded, *before);
    add(component, before == nullptr ? "create" : same ? "keep" : "replace");
  }
  for (const model::Component& component : recorded.components) {
    if (wanted.find(component.name) == nullptr) {
      add(component, "remove");
    }
  }
  context.print(table.render(context.globals) + "\n");
  return {};
}

Result<int> deploy(Context& context, const DeployOptions& options) {
  MC_TRY(check(options));
  if (options.no_backup && !context.globals.dry_run) {
    MC_ASSIGN(const bool agreed,
              dsl::cli::confirm(context.globals, "deploy without a backup of the data?"));
    if (!agreed) {
      return dsl::kExitFailed;
    }
  }
  MC_ASSIGN(const std::vector<pb::DeployRequest> requests,
            options.rollback ? plan_rollback(context, options) : plan_deploys(context, options));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    MC_ASSIGN(const pb::Operation end, follow_operation(context, "Deploy", requests[i]));
    if (end.state() == "planned" && !context.json()) {
      MC_TRY(show_plan(context, requests[i]));
    }
    const int exit_code = finish_operation(context, end);
    if (!succeeded(end)) {
      for (std::size_t rest = i + 1; rest < requests.size(); ++rest) {
        context.complain(text("{} was not tried", requests[rest].service()));
      }
      return i == 0 ? exit_code : static_cast<int>(dsl::kExitPartial);
    }
  }
  if (!context.globals.dry_run) {
    keep_runbook(context);
  }
  return dsl::kExitOk;
}

}  // namespace

Command deploy_command(Context& context) {
  const auto options = std::make_shared<DeployOptions>();
  Command command;
  command.name = "deploy";
  command.summary = "Bring services to what their definitions say, or back";
  command.description =
      "Reads <services-dir>/SERVICE.toml (or a path ending in .toml), replaces the containers that "
      "differ, and waits for their health gates. If any step fails, the service goes back to what "
      "it was, and the failed step, the gate's last answer and the container's last log lines are "
      "shown. Several services are deployed in the order of their dependencies. Before another "
      "version takes over, a backup of the service's data is made where the node has a target.\n"
      "\n"
      "Ctrl-C leaves the operation running on the agent; a second one cancels it and rolls back.";
  command.examples = {
      "mcp deploy mcr                       as ~/.config/mcp/services/mcr.toml says",
      "mcp deploy mcr/web --version v1.3.3  one component, another version",
      "mcp deploy ./mcq.toml --init         the first service of a new node",
      "mcp deploy mcr --rollback            the generation before this one",
      "mcp deploy mcr --rollback 3          generation 3",
  };
  command.options = {
      {.name = "SERVICE",
       .target = &options->services,
       .help = "SERVICE, SERVICE/COMPONENT, or a path ending in .toml",
       .required = true,
       .complete = "target"},
      {.name = "--version",
       .target = &options->version,
       .help = "In place of the definition's",
       .value_name = "TAG"},
      {.name = "--image",
       .target = &options->image,
       .help = "In place of the component's",
       .value_name = "REF"},
      {.name = "--pull",
       .target = &options->pull,
       .help = "When to fetch images; default: missing",
       .value_name = "WHEN",
       .one_of = {"always", "missing", "never"}},
      {.name = "--rollback",
       .target = &options->rollback,
       .help = "Back to generation GEN (a number after it), or to the one before"},
      {.name = "--no-wait",
       .target = &options->no_wait,
       .help = "End after the start, before the health gates"},
      {.name = "--no-backup",
       .target = &options->no_backup,
       .help = "Take no backup of the data before another version takes over; asks"},
      {.name = "--init",
       .target = &options->init,
       .help = "Permit the first deploy of a node whose registry is empty"},
  };
  command.run = [&context, options] { return deploy(context, *options); };
  return command;
}

}  // namespace mcp::cli
