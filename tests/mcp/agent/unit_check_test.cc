#include "mcp/agent/unit_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using dsl::test::require_ok;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const std::string kSpawn = "[Service]\nKillMode=process\nDelegate=yes\n";

std::vector<std::string> directives(const std::string& unit) {
  std::vector<std::string> out;
  for (const UnitProblem& problem : unit_problems(unit)) {
    out.push_back(problem.directive);
  }
  return out;
}

std::string shipped(const std::string& name) {
  return require_ok(
      dsl::env::system_env().files().read_file(MC_SOURCE_DIR "/deploy/systemd/" + name));
}

// MCP-A8: a unit for spawn mode with a directive that implies no-new-privileges is found, with the
// line.
TEST(UnitCheck, NamesLineAndDirective) {
  const auto problems = unit_problems(kSpawn + "# NoNewPrivileges=yes\nPrivateDevices=yes\n");

  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].line, 5U);
  EXPECT_EQ(problems[0].directive, "PrivateDevices=yes");
}

TEST(UnitCheck, TheLastLineOfASwitchCounts) {
  EXPECT_THAT(directives(kSpawn + "NoNewPrivileges=yes\nNoNewPrivileges=no\n"), IsEmpty());
  EXPECT_THAT(directives(kSpawn + "NoNewPrivileges=no\nNoNewPrivileges=yes\n"),
              Contains("NoNewPrivileges=yes"));
}

TEST(UnitCheck, AnEmptyListIsOffButAnEmptyBoundingSetIsNot) {
  EXPECT_THAT(directives(kSpawn + "SystemCallFilter=\n"), IsEmpty());
  EXPECT_THAT(directives(kSpawn + "CapabilityBoundingSet=\n"), Contains("CapabilityBoundingSet="));
}

TEST(UnitCheck, OtherSectionsDoNotCount) {
  EXPECT_THAT(directives("[Unit]\nPrivateTmp=yes\n" + kSpawn), IsEmpty());
}

TEST(UnitCheck, WhatKeepsContainersAliveMustBeThere) {
  EXPECT_THAT(directives("[Service]\nType=notify\n"),
              UnorderedElementsAre("KillMode=process", "Delegate=yes"));
}

TEST(UnitCheck, TheShippedUnitsAreWhatTheySay) {
  EXPECT_THAT(directives(shipped("mcp-agent-spawn.service")), IsEmpty());
  EXPECT_THAT(directives(shipped("mcp-agent.service")), Contains("NoNewPrivileges=yes"));
}

}  // namespace
}  // namespace mcp::agent::test
