#include "mcp/agent/doctor_command.h"

#include <algorithm>
#include <cstdio>

#include <boost/json.hpp>

#include "mcp/agent/doctor_fix.h"
#include "mcp/agent/local_commands.h"
#include "mcp/agent/unit_check.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

namespace json = boost::json;
namespace cli = dsl::cli;
using dsl::text;

namespace {

cli::Paint paint_for(const std::string& severity) {
  return severity == "ok"     ? cli::Paint::kGood
         : severity == "warn" ? cli::Paint::kWarn
         : severity == "skip" ? cli::Paint::kDim
                              : cli::Paint::kBad;
}

int exit_code(const std::vector<DoctorFinding>& findings) {
  int exit = dsl::kExitOk;
  for (const DoctorFinding& finding : findings) {
    exit = std::max(exit, finding.severity == "fail" ? 2 : finding.severity == "warn" ? 1 : 0);
  }
  return exit;
}

bool can_be_fixed(const DoctorFinding& finding) { return !finding.repairs.empty(); }

}  // namespace

cli::Command DoctorCommand::command() {
  return {.name = "doctor",
          .summary = "Checks this node: each finding with its consequence and its fix.",
          .description =
              "Needs neither the server nor a network. Runs as the agent's user, or as root, who "
              "sees more (the firewall's rules, files of sub-uids). Exit code: 0 all well, 1 "
              "warnings, 2 failures.\n"
              "\n"
              "With --fix, what needs no guess is done: runroot, privileged_ports, data and "
              "restart_unit. Each command is shown and asked for first; what needs root is run by "
              "root, and printed for root otherwise. No data is ever removed.",
          .examples = {"mcp-agent doctor", "mcp-agent doctor uid.pinned subid",
                       "mcp-agent doctor --fix data", "mcp-agent doctor --offline",
                       "mcp-agent doctor --unit /etc/systemd/system/mcp-agent-spawn.service"},
          .options = {{.name = "CHECK", .target = &checks_, .help = "only these checks"},
                      {.name = "--fix",
                       .target = &fix_,
                       .help = "do what can be done safely, asking first (--yes: without)"},
                      {.name = "--offline",
                       .target = &offline_,
                       .help = "ask no resolver and no service"},
                      {.name = "--unit",
                       .target = &unit_,
                       .help = "look at a systemd unit for spawn mode instead of this node",
                       .value_name = "FILE",
                       .complete = "file"}},
          .run = [this] { return run(); }};
}

Result<int> DoctorCommand::run() {
  if (!unit_.empty()) {
    return check_unit();
  }
  MC_TRY(known_checks(checks_));
  MC_ASSIGN(const Config config, load_config(env_, globals_.config));
  DoctorReach reach = real_reach(env_);
  reach.offline = offline_;
  MC_ASSIGN(std::vector<DoctorFinding> findings, examine(config, checks_, reach));
  if (!fix_) {
    print(findings);
    return exit_code(findings);
  }

  const auto say = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  const FixOptions options{
      .dry_run = globals_.dry_run,
      .confirm = [this](const std::string& question) { return cli::confirm(globals_, question); },
      .say = say};
  MC_ASSIGN(const FixReport report, apply_repairs(env_, config, reach, findings, options));
  if (std::none_of(findings.begin(), findings.end(), can_be_fixed)) {
    say("nothing here can be fixed without a decision");
  }
  if (report.ran > 0) {
    MC_ASSIGN(findings, examine(config, checks_, reach));
  }
  print(findings);
  return exit_code(findings);
}

Result<std::vector<DoctorFinding>> DoctorCommand::examine(const Config& config,
                                                          const std::vector<std::string>& only,
                                                          const DoctorReach& reach) const {
  Result<std::unique_ptr<Registry>> registry = dsl::fail(dsl::Code::kNotFound, "no registry yet");
  if (env_.files().exists(config.database_path).value_or(false)) {
    registry = Registry::open_as_guest(env_, config.database_path);
  }
  return examine_node(env_, config, registry ? registry->get() : nullptr, only, reach);
}

void DoctorCommand::print(const std::vector<DoctorFinding>& findings) const {
  json::array rows;
  cli::Table table({{"CHECK"}, {"STATE"}, {"FINDING"}});
  std::string fixes;
  for (const DoctorFinding& finding : findings) {
    rows.push_back({{"id", finding.id},
                    {"severity", finding.severity},
                    {"finding", finding.finding},
                    {"consequence", finding.consequence},
                    {"fix", finding.fix},
                    {"code", finding.code}});
    table.add({finding.id, cli::paint(globals_, paint_for(finding.severity), finding.severity),
               finding.finding});
    if (finding.severity == "fail" || finding.severity == "warn") {
      fixes += text("\n{} ({}): {}\n  consequence: {}\n  fix: {}\n", finding.id, finding.code,
                    finding.finding, finding.consequence, finding.fix);
      fixes += can_be_fixed(finding) ? text("  or: mcp-agent doctor {} --fix\n", finding.id) : "";
    }
  }
  if (globals_.output == cli::Output::kJson) {
    std::printf("%s\n", json::serialize(rows).c_str());
  } else {
    std::printf("%s%s", table.render(globals_).c_str(), fixes.c_str());
  }
}

Result<int> DoctorCommand::check_unit() const {
  MC_ASSIGN(const std::string unit, env_.files().read_file(unit_));
  const std::vector<UnitProblem> problems = unit_problems(unit);
  json::array rows;
  for (const UnitProblem& problem : problems) {
    const std::string where = problem.line == 0 ? unit_ : text("{}:{}", unit_, problem.line);
    if (globals_.output == cli::Output::kJson) {
      rows.push_back({{"file", unit_},
                      {"line", problem.line},
                      {"directive", problem.directive},
                      {"why", problem.why}});
    } else {
      std::printf("%s: %s: %s\n", where.c_str(), problem.directive.c_str(), problem.why.c_str());
    }
  }
  if (globals_.output == cli::Output::kJson) {
    std::printf("%s\n", json::serialize(rows).c_str());
  } else if (problems.empty()) {
    std::printf("%s: fit for spawn mode\n", unit_.c_str());
  } else {
    std::printf(
        "\n%s (%s): remove these lines where podman.mode is \"spawn\"; with \"socket\" "
        "they are right\n",
        model::code::kNoNewPrivileges, "nnp");
  }
  return problems.empty() ? dsl::kExitOk : 2;
}

}  // namespace mcp::agent
