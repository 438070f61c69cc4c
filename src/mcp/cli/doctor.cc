// mcp doctor, explain
#include "mcp/cli/commands.h"
#include "mcp/cli/format.h"
#include "mcp/cli/tables.h"
#include "mcp/model/catalogue.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;
using dsl::cli::Paint;

namespace {

Result<int> doctor(Context& context, const std::vector<std::string>& checks) {
  pb::DoctorRequest request;
  for (const std::string& check : checks) {
    request.add_checks(check);
  }
  int ok = 0;
  int warned = 0;
  int failed = 0;
  MC_ASSIGN(Client * client, context.client());
  MC_TRY(client->stream<pb::Finding>("Doctor", request,
                                     [&](const pb::Finding& finding) -> Result<void> {
                                       const bool warn = finding.severity() == "warn";
                                       const bool fails = finding.severity() == "fail";
                                       ok += finding.severity() == "ok" ? 1 : 0;
                                       warned += warn ? 1 : 0;
                                       failed += fails ? 1 : 0;
                                       if (context.json()) {
                                         context.print_json_line(finding);
                                       } else if (warn || fails || !context.globals.quiet) {
                                         context.print_now(finding_lines(context.globals, finding));
                                       }
                                       return {};
                                     }));
  context.note(text("{} ok, {} warnings, {} failed", ok, warned, failed));
  return failed > 0 ? 2 : warned > 0 ? 1 : 0;
}

std::string entry_text(const Context& context, const model::CatalogueEntry& entry) {
  std::string out = text("{}  {}\n\n{}\n\n", paint(context.globals, Paint::kBold, entry.code),
                         entry.title, wrapped(entry.meaning));
  out += text("{}\n", wrapped(text("What to do: {}", entry.fix)));
  if (!entry.check.empty()) {
    out += text("\nChecked by: mcp doctor {}\n", entry.check);
  }
  return out;
}

pb::Finding to_finding(const model::CatalogueEntry& entry) {
  pb::Finding out;
  out.set_id(std::string(entry.check));
  out.set_finding(std::string(entry.title));
  out.set_consequence(std::string(entry.meaning));
  out.set_fix(std::string(entry.fix));
  out.set_code(std::string(entry.code));
  return out;
}

Result<int> explain_all(Context& context) {
  dsl::cli::Table table({{"CODE"}, {"WHAT HAPPENED"}});
  for (const model::CatalogueEntry& entry : model::catalogue()) {
    if (context.json()) {
      context.print_json_line(to_finding(entry));
    }
    table.add({std::string(entry.code), std::string(entry.title)});
  }
  if (!context.json()) {
    context.print(table.render(context.globals));
  }
  return dsl::kExitOk;
}

Result<int> explain(Context& context, const std::string& code) {
  if (code.empty()) {
    return explain_all(context);
  }
  const model::CatalogueEntry* entry = model::explain(code);
  entry = entry != nullptr ? entry : model::explain_check(code);
  if (entry == nullptr) {
    return fail(Code::kNotFound, "there is no code {}", code)
        .hint("`mcp explain` lists all; a doctor's id such as port53 will do, too");
  }
  if (context.json()) {
    context.print_json(to_finding(*entry));
  } else {
    context.print(entry_text(context, *entry));
  }
  return dsl::kExitOk;
}

}  // namespace

Command doctor_command(Context& context) {
  const auto checks = std::make_shared<std::vector<std::string>>();
  Command command;
  command.name = "doctor";
  command.summary = "Check the node: user, podman, ports, images, registry";
  command.description =
      "Each finding comes with its consequence and the exact way out. The agent carries the checks "
      "out; when it does not run, `mcp-agent doctor` on the node does the same without it. What "
      "can be repaired without a decision is repaired there: `mcp-agent doctor --fix`. Exit "
      "code 0 when all is well, 1 with warnings, 2 with failures.";
  command.examples = {"mcp doctor", "mcp doctor uid.pinned port53", "mcp doctor --json"};
  command.options = {{.name = "CHECK", .target = checks.get(), .help = "Only these checks"}};
  command.run = [&context, checks] { return doctor(context, *checks); };
  return command;
}

Command explain_command(Context& context) {
  const auto code = std::make_shared<std::string>();
  Command command;
  command.name = "explain";
  command.summary = "Tell what an error code means and what to do";
  command.examples = {"mcp explain MCP-0301", "mcp explain port53", "mcp explain"};
  command.options = {{.name = "CODE",
                      .target = code.get(),
                      .help = "MCP-nnnn, or a check of doctor; nothing: list all",
                      .complete = "code"}};
  command.run = [&context, code] { return explain(context, *code); };
  return command;
}

}  // namespace mcp::cli
