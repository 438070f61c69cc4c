// mcp-agent doctor
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/doctor.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class DoctorCommand {
 public:
  DoctorCommand(dsl::env::Env& env, const dsl::cli::Globals& globals)
      : env_(env), globals_(globals) {}

  dsl::cli::Command command();

 private:
  Result<int> run();
  Result<int> check_unit() const;
  Result<std::vector<DoctorFinding>> examine(const Config& config,
                                             const std::vector<std::string>& only,
                                             const DoctorReach& reach) const;
  void print(const std::vector<DoctorFinding>& findings) const;

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  std::vector<std::string> checks_;
  std::string unit_;
  bool fix_ = false;
  bool offline_ = false;
};

}  // namespace mcp::agent
