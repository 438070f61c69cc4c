// mcp diff
#include "mcp/cli/commands.h"
#include "mcp/cli/definitions.h"
#include "mcp/cli/format.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Command;

namespace {

Result<int> diff(Context& context, const std::string& argument) {
  MC_ASSIGN(DefinitionFile file, read_definition(context, argument));
  MC_ASSIGN(const Surroundings surroundings, agent_surroundings(context));
  MC_ASSIGN(const ResolvedFile wanted, resolve_file(std::move(file), surroundings));
  pb::GetServiceRequest request;
  request.set_service(wanted.service.name);
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::ServiceDetail detail, client->call<pb::ServiceDetail>("GetService", request));
  MC_ASSIGN(const model::Service recorded, model::service_from_json(detail.resolved_json()));

  pb::SyncReply::Row row;
  row.set_service(wanted.service.name);
  for (const model::FieldDifference& difference : model::compare(wanted.service, recorded)) {
    pb::Difference& added = *row.add_differences();
    added.set_field(difference.field);
    added.set_want(difference.want);
    added.set_have(difference.have);
  }
  row.set_action(row.differences_size() == 0 ? "same" : "change");
  if (context.json()) {
    context.print_json(row);
  } else if (row.differences_size() == 0) {
    context.print(text("{} is deployed as {} says, generation {}\n", row.service(),
                       wanted.file.path, detail.summary().generation()));
  } else {
    context.print(text("{}: generation {} -> {}\n{}", row.service(), detail.summary().generation(),
                       wanted.file.path, difference_lines(row.differences(), "  ")));
  }
  return row.differences_size() == 0 ? dsl::kExitOk : dsl::kExitChangesNeeded;
}

}  // namespace

Command diff_command(Context& context) {
  const auto service = std::make_shared<std::string>();
  Command command;
  command.name = "diff";
  command.summary = "Show what a deploy would change";
  command.description =
      "Compares the resolved definition with what the agent has recorded, field by field. Exit "
      "code "
      "0 when they are equal, 10 when they differ.";
  command.examples = {"mcp diff mcr", "mcp diff mcr && echo nothing to deploy"};
  command.options = {{.name = "SERVICE",
                      .target = service.get(),
                      .help = "SERVICE, or a path ending in .toml",
                      .required = true,
                      .complete = "service"}};
  command.run = [&context, service] { return diff(context, *service); };
  return command;
}

}  // namespace mcp::cli
