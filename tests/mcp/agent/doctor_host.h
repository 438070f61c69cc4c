// A healthy host in memory, on which one thing at a time is broken.
#pragma once

#include <string>
#include <vector>

#include "mcp/agent/doctor.h"
#include "mcp/agent/scripted_tools.h"
#include "mcp/agent/test_node.h"
#include "support/test_ca.h"

namespace mcp::agent::test {

// The agent's user is mcp, 850:850, with the subordinate ids 100000 to 165535. Two services are
// registered: mcns publishes 53 on lan and overlay, web runs on loopback; both have their data.
class DoctorHost {
 public:
  DoctorHost();

  // Of the checks named, all when none is.
  std::vector<DoctorFinding> examine(const std::vector<std::string>& only = {});
  DoctorFinding check(const std::string& id);

  void write(const std::string& path, const std::string& content, std::uint32_t mode = 0644,
             std::uint32_t owner = 0);
  void make_folder(const std::string& path, std::uint32_t mode, std::uint32_t owner);
  void remove(const std::string& path);
  // Registers `toml`, or another version of it.
  void put(const std::string& service, const std::string& toml);
  void show_certificate(const dsl::test::IssueOptions& options);

  dsl::test::TestEnv& env() { return node_.env(); }
  Registry& registry() { return *node_.core().registry; }

  ScriptedTools tools;
  Config config;
  DoctorReach reach;
  bool registry_readable = true;

 private:
  TestNode node_;
  dsl::test::TestCa ca_;
};

}  // namespace mcp::agent::test
