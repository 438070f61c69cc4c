// doctor --fix: what needs no guess is done, or printed for root.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mcp/agent/doctor.h"

namespace mcp::agent {

struct FixOptions {
  bool dry_run = false;
  // May this be run? An error ends it all, such as that there is nobody to ask.
  std::function<Result<bool>(const std::string& question)> confirm;
  // One line each: what is run, what root must run, what went wrong.
  std::function<void(const std::string& line)> say;
};

struct FixReport {
  int ran = 0;
  int for_root = 0;  // printed only: we are not root
  int declined = 0;
  int failed = 0;
};

// Goes through the repairs of each finding in order; after one that fails, or was declined, the
// rest of that finding is left alone. Root does the work of the agent's user as that user.
Result<FixReport> apply_repairs(dsl::env::Env& env, const Config& config, const DoctorReach& reach,
                                const std::vector<DoctorFinding>& findings,
                                const FixOptions& options);

}  // namespace mcp::agent
