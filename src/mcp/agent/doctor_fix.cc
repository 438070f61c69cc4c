#include "mcp/agent/doctor_fix.h"

#include "mcp/model/render.h"

namespace mcp::agent {

using dsl::text;

namespace {

// A chown over a registry's blobs on a slow disk.
constexpr std::chrono::milliseconds kRepairPatience{900000};

std::string shell_line(const std::vector<std::string>& argv) {
  std::string line;
  for (const std::string& word : argv) {
    line += (line.empty() ? "" : " ") + model::quote_shell(word);
  }
  return line;
}

class Fixer {
 public:
  Fixer(dsl::env::Env& env, const DoctorReach& reach, DoctorSubject subject,
        const FixOptions& options, std::string config_file)
      : env_(env),
        reach_(reach),
        subject_(std::move(subject)),
        options_(options),
        config_file_(std::move(config_file)) {}

  FixReport report;

  Result<void> repair(const DoctorFinding& finding) {
    for (const Repair& step : finding.repairs) {
      MC_ASSIGN(const bool go_on, apply(finding, step));
      if (!go_on) {
        break;
      }
    }
    return {};
  }

 private:
  bool is_root() const { return reach_.euid == 0; }

  // `runuser` keeps our environment, and podman finds its store by it.
  std::vector<std::string> as_owner(const std::vector<std::string>& argv) const {
    std::vector<std::string> words = {"runuser",
                                      "-u",
                                      subject_.user,
                                      "--",
                                      "env",
                                      "HOME=" + subject_.home,
                                      "XDG_RUNTIME_DIR=" + subject_.runtime_dir};
    words.insert(words.end(), argv.begin(), argv.end());
    return words;
  }

  std::vector<std::string> this_repair(const std::string& id) const {
    std::vector<std::string> argv = {
        env_.files().canonical("/proc/self/exe").value_or("mcp-agent")};
    if (!config_file_.empty()) {
      argv.insert(argv.end(), {"--config", config_file_});
    }
    argv.insert(argv.end(), {"doctor", id, "--fix", "--yes"});
    return argv;
  }

  // False: what follows in this finding is left alone.
  Result<bool> apply(const DoctorFinding& finding, const Repair& step) {
    if (step.needs_root && !is_root()) {
      options_.say(text("{}: as root: {}", finding.id, shell_line(step.argv)));
      ++report.for_root;
      return true;
    }
    const bool for_owner = !step.needs_root && is_root() && subject_.uid != 0;
    // Work of ours is done by us as that user, with all that follows in this finding.
    const bool by_another = for_owner && step.work;
    const std::vector<std::string> argv = by_another  ? as_owner(this_repair(finding.id))
                                          : for_owner ? as_owner(step.argv)
                                                      : step.argv;
    if (options_.dry_run) {
      options_.say(text("{}: would run: {}", finding.id, shell_line(argv)));
      return true;
    }
    MC_ASSIGN(const bool wanted,
              options_.confirm(text("{}: run {}?", finding.id, shell_line(argv))));
    if (!wanted) {
      ++report.declined;
      return false;
    }
    options_.say(text("{}: {}", finding.id, shell_line(argv)));
    const std::string wrong = step.work && !by_another ? outcome(step.work()) : run(argv);
    if (!wrong.empty()) {
      options_.say(text("{}: failed: {}", finding.id, wrong));
      ++report.failed;
      return false;
    }
    ++report.ran;
    return !by_another;
  }

  static std::string outcome(const Result<void>& done) {
    return done ? "" : done.error().message();
  }

  std::string run(const std::vector<std::string>& argv) {
    const auto output = env_.processes().run({.argv = argv}, kRepairPatience);
    if (!output) {
      return output.error().message();
    }
    return output->exit_code == 0 ? "" : text("exit {}: {}", output->exit_code, output->err);
  }

  dsl::env::Env& env_;
  const DoctorReach& reach_;
  const DoctorSubject subject_;
  const FixOptions& options_;
  const std::string config_file_;
};

}  // namespace

Result<FixReport> apply_repairs(dsl::env::Env& env, const Config& config, const DoctorReach& reach,
                                const std::vector<DoctorFinding>& findings,
                                const FixOptions& options) {
  Fixer fixer(env, reach, subject_of(env, config, reach), options, config.file);
  for (const DoctorFinding& finding : findings) {
    if (finding.severity == "fail" || finding.severity == "warn") {
      MC_TRY(fixer.repair(finding));
    }
  }
  return fixer.report;
}

}  // namespace mcp::agent
