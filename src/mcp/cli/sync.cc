// mcp sync, adopt
#include <algorithm>

#include "mcp/cli/commands.h"
#include "mcp/cli/definitions.h"
#include "mcp/cli/saved_runbook.h"
#include "mcp/cli/tables.h"

namespace mcp::cli {

using dsl::cli::Command;

namespace {

struct SyncOptions {
  std::vector<std::string> services;
  bool prune = false;
  bool init = false;
};

void set_change(Context& context, pb::Change& change) {
  change.set_request_id(context.request_id());
  change.set_source("cli");
  change.set_dry_run(context.globals.dry_run);
}

Result<int> sync(Context& context, const SyncOptions& options) {
  if (options.prune && !options.services.empty()) {
    return dsl::fail(dsl::Code::kInvalidArgument, "--prune compares with every definition")
        .hint("leave the services out");
  }
  MC_ASSIGN(std::vector<DefinitionFile> files, read_definitions(context, options.services));
  MC_ASSIGN(const Surroundings surroundings, agent_surroundings(context));
  MC_ASSIGN(const std::vector<ResolvedFile> resolved,
            resolve_files(std::move(files), surroundings));
  pb::SyncRequest request;
  request.set_prune(options.prune);
  request.set_init(options.init);
  set_change(context, *request.mutable_change());
  for (const ResolvedFile& one : resolved) {
    pb::Definition& definition = *request.add_definitions();
    definition.set_file(one.file.path);
    definition.set_toml(one.file.toml);
    definition.set_resolved_json(model::canonical_json(one.service));
  }

  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::SyncReply reply, client->call<pb::SyncReply>("SyncDefinitions", request));
  if (context.json()) {
    context.print_json(reply);
  } else {
    context.print(sync_table(context.globals, reply));
  }
  bool changes = false;
  bool invalid = false;
  for (const pb::SyncReply::Row& row : reply.rows()) {
    changes = changes || row.action() != "same";
    invalid = invalid || row.action() == "invalid";
  }
  if (invalid) {
    return dsl::kExitPartial;
  }
  if (!context.globals.dry_run) {
    keep_runbook(context);
  }
  return context.globals.dry_run && changes ? dsl::kExitChangesNeeded : dsl::kExitOk;
}

struct AdoptOptions {
  std::string target;
  bool recreate = false;
  bool init = false;
};

// The definition that speaks of `target`: a service, or the container of one.
Result<std::optional<ResolvedFile>> definition_of(Context& context, const std::string& target) {
  const Result<std::vector<std::string>> names = definition_names(context);
  if (!names || names->empty()) {
    return std::optional<ResolvedFile>();
  }
  MC_ASSIGN(const Surroundings surroundings, agent_surroundings(context));
  for (const std::string& name : *names) {
    MC_ASSIGN(DefinitionFile file, read_definition(context, name));
    Result<ResolvedFile> resolved = resolve_file(std::move(file), surroundings);
    if (!resolved) {
      if (name == target) {
        return tl::unexpected(std::move(resolved).error());
      }
      continue;  // a broken definition of another service is lint's business
    }
    const auto& components = resolved->service.components;
    const bool owns = std::any_of(components.begin(), components.end(),
                                  [&](const auto& c) { return c.container == target; });
    if (name == target || owns) {
      return std::optional<ResolvedFile>(std::move(*resolved));
    }
  }
  return std::optional<ResolvedFile>();
}

Result<int> adopt(Context& context, const AdoptOptions& options) {
  pb::AdoptRequest request;
  request.set_target(options.target);
  request.set_recreate(options.recreate);
  request.set_init(options.init);
  set_change(context, *request.mutable_change());
  MC_ASSIGN(const std::optional<ResolvedFile> found, definition_of(context, options.target));
  if (found) {
    request.mutable_definition()->set_file(found->file.path);
    request.mutable_definition()->set_toml(found->file.toml);
    request.mutable_definition()->set_resolved_json(model::canonical_json(found->service));
  }
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::AdoptReply reply, client->call<pb::AdoptReply>("Adopt", request));
  if (context.json()) {
    context.print_json(reply);
  } else {
    context.print(adopt_table(context.globals, reply));
  }
  const bool all = std::all_of(reply.rows().begin(), reply.rows().end(), [](const auto& row) {
    return row.action() != "differs" && row.action() != "missing";
  });
  return all ? dsl::kExitOk : dsl::kExitConflict;
}

}  // namespace

Command sync_command(Context& context) {
  const auto options = std::make_shared<SyncOptions>();
  Command command;
  command.name = "sync";
  command.summary = "Record definitions with the agent, restarting nothing";
  command.description =
      "Shows how each definition differs from what the agent has recorded, and records it; it "
      "takes effect at the next deploy or recreate. With --dry-run it only shows: exit code 10 "
      "when something differs.\n"
      "On a node that lost its registry --init also takes over the running containers that are "
      "what their definitions say, without a restart and with their ports, and shows which were "
      "adopted, which differ and which are missing.";
  command.examples = {"mcp sync --dry-run", "mcp sync mcr mcns",
                      "mcp sync --init     a node that lost its registry"};
  command.options = {{.name = "SERVICE",
                      .target = &options->services,
                      .help = "SERVICE, or a path ending in .toml; nothing: all",
                      .complete = "service"},
                     {.name = "--prune",
                      .target = &options->prune,
                      .help = "Mark services without a definition as inactive"},
                     {.name = "--init",
                      .target = &options->init,
                      .help = "Permit it on a node whose registry is empty"}};
  command.run = [&context, options] { return sync(context, *options); };
  return command;
}

Command adopt_command(Context& context) {
  const auto options = std::make_shared<AdoptOptions>();
  Command command;
  command.name = "adopt";
  command.summary = "Take over containers that somebody else made";
  command.description =
      "A container whose settings are what the definition says is recorded as it runs, without a "
      "restart. If anything differs, nothing is changed and the differences are shown: exit code "
      "6.";
  command.examples = {"mcp adopt mcr --dry-run", "mcp adopt mcr-api --recreate"};
  command.options = {{.name = "TARGET",
                      .target = &options->target,
                      .help = "A container, or a service for all of its containers",
                      .required = true,
                      .complete = "container"},
                     {.name = "--recreate",
                      .target = &options->recreate,
                      .help = "Make it anew at once, with the agent's labels"},
                     {.name = "--init",
                      .target = &options->init,
                      .help = "Permit it on a node whose registry is empty"}};
  command.run = [&context, options] { return adopt(context, *options); };
  return command;
}

}  // namespace mcp::cli
