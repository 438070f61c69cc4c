// mcp lint
#include <algorithm>

#include "mcp/cli/commands.h"
#include "mcp/cli/definitions.h"
#include "mcp/cli/tables.h"

namespace mcp::cli {

using dsl::Error;
using dsl::text;
using dsl::cli::Command;
using dsl::cli::Paint;

namespace {

// Prints what it finds, and counts. Findings of a definition are `pb::Finding`s in JSON.
class LintReport {
 public:
  explicit LintReport(const Context& context) : context_(context) {}

  void error(const std::string& file, const Error& error) {
    if (error.details().empty()) {
      const bool placed = error.message().starts_with(file + ":");
      add("fail", error.id(), placed ? error.message() : text("{}: {}", file, error.message()),
          error.hint());
    }
    for (const dsl::Detail& detail : error.details()) {
      // "[MCP-0104] ..." where the problems of a definition have several codes.
      const std::size_t end = detail.message.starts_with("[MCP-") ? detail.message.find("] ") : 0;
      const bool own = end != 0 && end != std::string::npos;
      add("fail", own ? detail.message.substr(1, end - 1) : error.id(),
          text("{}: {}", detail.where.empty() ? file : detail.where,
               own ? detail.message.substr(end + 2) : detail.message),
          error.hint());
    }
    if (!context_.json() && !error.hint().empty()) {
      context_.print(text("  hint: {}\n", error.hint()));
    }
  }

  // "L-SRCIP: mcns/api publishes ..."
  void warning(const std::string& file, const std::string& warning) {
    const std::size_t colon = std::min(warning.find(": "), warning.size());
    add("warn", warning.substr(0, colon),
        text("{}: {}", file, colon == warning.size() ? "" : warning.substr(colon + 2)), "");
  }

  int finish(std::size_t files) const {
    context_.note(text("{} {}, {} {}, {} {}", files, files == 1 ? "definition" : "definitions",
                       errors_, errors_ == 1 ? "error" : "errors", warnings_,
                       warnings_ == 1 ? "warning" : "warnings"));
    return errors_ > 0 ? dsl::kExitUsage : dsl::kExitOk;
  }

 private:
  void add(const std::string& severity, const std::string& id, const std::string& message,
           const std::string& fix) {
    (severity == "fail" ? errors_ : warnings_) += 1;
    if (context_.json()) {
      pb::Finding finding;
      finding.set_id(id);
      finding.set_severity(severity);
      finding.set_finding(message);
      finding.set_fix(fix);
      finding.set_code(id.starts_with("MCP-") ? id : "");
      context_.print_json_line(finding);
      return;
    }
    const bool bad = severity == "fail";
    const std::string word =
        paint(context_.globals, bad ? Paint::kBad : Paint::kWarn, bad ? "error" : "warning");
    // file:line:column first, so that editors jump to it.
    const std::size_t space = message.find(": ");
    context_.print(text("{}: {}{}: {}\n", message.substr(0, space), word,
                        id.empty() ? "" : text("[{}]", id), message.substr(space + 2)));
  }

  const Context& context_;
  int errors_ = 0;
  int warnings_ = 0;
};

// "mcr.depends_on" -> "services/mcr.toml:4:1"; of what has no line of its own, the file alone.
std::string place_of(std::string_view where, const std::vector<DefinitionFile>& files) {
  const std::string_view service = where.substr(0, where.find_first_of("./"));
  const auto file = std::find_if(files.begin(), files.end(),
                                 [&](const DefinitionFile& f) { return f.name == service; });
  MC_ASSERT(file != files.end(), "only services that are asked about have findings");
  const auto definition = model::parse_definition(file->toml, file->path);
  const dsl::config::TomlValue* key = definition && where.ends_with(".depends_on")
                                          ? definition->document.find("depends_on")
                                          : nullptr;
  return key == nullptr ? file->path : dsl::config::at(file->path, key->position);
}

// Edges go over all definitions of the folder; what is told concerns those asked about.
void check_edges(Context& context, const Surroundings& surroundings,
                 std::vector<model::Service> services, const std::vector<DefinitionFile>& files,
                 LintReport& report) {
  std::vector<std::string> asked;
  asked.reserve(services.size());
  for (const model::Service& service : services) {
    asked.push_back(service.name);
  }
  const Result<std::vector<std::string>> names = definition_names(context);
  for (const std::string& name : names.value_or(std::vector<std::string>{})) {
    const bool known = std::any_of(services.begin(), services.end(),
                                   [&](const model::Service& s) { return s.name == name; });
    Result<DefinitionFile> file = read_definition(context, name);
    if (known || !file) {
      continue;
    }
    Result<ResolvedFile> other = resolve_file(std::move(*file), surroundings);
    if (other) {
      services.push_back(std::move(other->service));
    }
  }
  const Result<void> checked = model::check_dependencies(services, surroundings.platform, asked);
  if (!checked) {
    const Error& found = checked.error();
    Error placed(found.code(), found.message());
    placed.set_id(found.id());
    for (const dsl::Detail& detail : found.details()) {
      placed.add_detail(place_of(detail.where, files), detail.message);
    }
    report.error("", placed);
  }
}

Result<int> lint(Context& context, const std::vector<std::string>& arguments) {
  MC_ASSIGN(std::vector<DefinitionFile> files, read_definitions(context, arguments));
  MC_ASSIGN(const Surroundings surroundings, best_surroundings(context, StandIn::kAddresses));
  LintReport report(context);
  std::vector<model::Service> services;
  std::vector<DefinitionFile> sound;
  const std::size_t count = files.size();
  bool all_resolved = true;
  for (DefinitionFile& file : files) {
    const std::string path = file.path;
    Result<ResolvedFile> resolved = resolve_file(std::move(file), surroundings);
    if (!resolved) {
      report.error(path, resolved.error());
      all_resolved = false;
      continue;
    }
    for (const std::string& warning : model::lint(resolved->service)) {
      report.warning(path, warning);
    }
    services.push_back(std::move(resolved->service));
    sound.push_back(std::move(resolved->file));
  }
  // With a service missing, edges to it would be errors that are none.
  if (all_resolved) {
    check_edges(context, surroundings, std::move(services), sound, report);
  }
  return report.finish(count);
}

}  // namespace

Command lint_command(Context& context) {
  const auto arguments = std::make_shared<std::vector<std::string>>();
  Command command;
  command.name = "lint";
  command.summary = "Check definitions without deploying them";
  command.description =
      "Reports every problem with file, line and column, dependencies that are unknown or "
      "circular, "
      "and warnings (L-...) about what is allowed but seldom meant. Needs no agent; when one "
      "answers, its addresses and settings are used. Exit code 2 when there are errors.";
  command.examples = {"mcp lint                 everything in the services folder",
                      "mcp lint mcr mcns", "mcp lint ./mcq.toml --json"};
  command.options = {{.name = "SERVICE",
                      .target = arguments.get(),
                      .help = "SERVICE, or a path ending in .toml",
                      .complete = "service"}};
  command.run = [&context, arguments] { return lint(context, *arguments); };
  return command;
}

}  // namespace mcp::cli
