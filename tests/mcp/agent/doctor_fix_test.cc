// MCP-A8: `doctor --fix` does what needs no guess, after asking; what needs root it prints for
// root, and as root it does the user's work as that user.

#include "mcp/agent/doctor_fix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/doctor_host.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using dsl::test::require_ok;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DoctorFix : public ::testing::Test {
 protected:
  FixReport fix(const std::string& check) {
    const auto findings = host.examine({check});
    host.tools.lines.clear();
    return require_ok(apply_repairs(host.env(), host.config, host.reach, findings, options));
  }

  DoctorHost host;
  std::vector<std::string> said;
  std::vector<std::string> asked;
  bool answer = true;
  FixOptions options{.confirm =
                         [this](const std::string& question) {
                           asked.push_back(question);
                           return Result<bool>(answer);
                         },
                     .say = [this](const std::string& line) { said.push_back(line); }};
};

TEST_F(DoctorFix, WhatNeedsRootIsPrintedForRoot) {
  host.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n");

  const FixReport report = fix("privileged_ports");

  EXPECT_EQ(report.for_root, 2);
  EXPECT_THAT(host.tools.lines, IsEmpty());
  EXPECT_THAT(asked, IsEmpty());
  EXPECT_THAT(said, Contains("privileged_ports: as root: sysctl -w "
                             "net.ipv4.ip_unprivileged_port_start=53"));
}

TEST_F(DoctorFix, RootRunsItAfterAsking) {
  host.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n");
  host.reach.euid = 0;
  host.tools.print("sysctl", "");
  host.tools.print("sh", "");

  const FixReport report = fix("privileged_ports");

  EXPECT_EQ(report.ran, 2);
  EXPECT_EQ(asked.size(), 2U);
  EXPECT_THAT(host.tools.lines, ElementsAre("sysctl -w net.ipv4.ip_unprivileged_port_start=53",
                                            "sh -c echo net.ipv4.ip_unprivileged_port_start=53 > "
                                            "/etc/sysctl.d/60-mcp-ports.conf"));
}

TEST_F(DoctorFix, NothingIsDoneWithoutAYes) {
  host.write("/srv/mcp/.config/systemd/user/default.target.wants/podman-restart.service", "x");
  answer = false;

  const FixReport report = fix("restart_unit");

  EXPECT_EQ(report.declined, 1);
  EXPECT_EQ(asked.size(), 1U) << "after a no the rest of the finding is left alone";
  EXPECT_THAT(host.tools.lines, IsEmpty());
}

TEST_F(DoctorFix, ADryRunOnlyTells) {
  host.write("/srv/mcp/.config/systemd/user/default.target.wants/podman-restart.service", "x");
  options.dry_run = true;

  fix("restart_unit");

  EXPECT_THAT(host.tools.lines, IsEmpty());
  EXPECT_THAT(said, Contains(HasSubstr("would run: ln -sfn /dev/null")));
}

TEST_F(DoctorFix, AsRootTheUsersWorkIsDoneAsThatUser) {
  host.write("/srv/mcp/.config/systemd/user/default.target.wants/podman-restart.service", "x");
  host.reach.euid = 0;
  host.tools.print("runuser", "");

  const FixReport report = fix("restart_unit");

  EXPECT_EQ(report.ran, 2);
  EXPECT_THAT(host.tools.lines,
              Contains("runuser -u mcp -- env HOME=/srv/mcp XDG_RUNTIME_DIR=/run/user/850 ln -sfn "
                       "/dev/null /srv/mcp/.config/systemd/user/podman-restart.service"));
}

TEST_F(DoctorFix, AFailureEndsThatFindingsRepairs) {
  host.write("/srv/mcp/.config/systemd/user/default.target.wants/podman-restart.service", "x");
  host.tools.refuse("mkdir", "read-only file system");

  const FixReport report = fix("restart_unit");

  EXPECT_EQ(report.failed, 1);
  EXPECT_EQ(host.tools.lines.size(), 1U);
  EXPECT_THAT(said, Contains(HasSubstr("read-only file system")));
}

// A uid that changed for good, and that the configuration declares: podman's database is put
// aside, never removed, and the registry takes the new uid, so that recover may begin.
TEST_F(DoctorFix, ADeclaredNewUidIsRecordedAndPodmansDatabaseKeptAside) {
  const std::string store = "/srv/mcp/.local/share/containers/storage";
  require_ok(host.registry().set_node({.name = "rift",
                                       .uid = 995,
                                       .gid = 995,
                                       .graph_root = store,
                                       .run_root = "/run/user/995/containers"}));
  host.write(store + "/libpod/bolt_state.db", "containers", 0600, 850);
  host.tools.print("mv", "");

  const FixReport report = fix("runroot");

  EXPECT_EQ(report.ran, 2);
  EXPECT_THAT(host.tools.lines, ElementsAre("mv " + store + "/libpod/bolt_state.db " + store +
                                            "/libpod/bolt_state.db.of-uid-995"));
  const NodeRecord node = *require_ok(host.registry().node());
  EXPECT_EQ(node.uid, 850U);
  EXPECT_EQ(node.run_root, "/run/user/850/containers");
  EXPECT_EQ(host.check("runroot").severity, "ok");
  EXPECT_EQ(host.check("uid.pinned").severity, "ok");
}

// Root does not know the user's XDG_RUNTIME_DIR, and a session may have another: that alone is no
// reason to touch podman's database.
TEST_F(DoctorFix, AnotherRuntimeFolderOfTheSameUidRepairsNothing) {
  const std::string store = "/srv/mcp/.local/share/containers/storage";
  require_ok(host.registry().set_node({.name = "rift",
                                       .uid = 850,
                                       .gid = 850,
                                       .graph_root = store,
                                       .run_root = "/elsewhere/run/containers"}));
  host.write(store + "/libpod/bolt_state.db", "containers", 0600, 850);
  EXPECT_EQ(host.check("runroot").severity, "fail");
  EXPECT_EQ(fix("runroot").ran, 0);

  host.reach.euid = 0;
  EXPECT_EQ(fix("runroot").ran, 0);
  host.make_folder("/elsewhere/run", 0700, 850);
  EXPECT_EQ(host.check("runroot").severity, "ok");
}

TEST_F(DoctorFix, AUidThatNobodyDeclaredIsNotRecorded) {
  host.config.uid = 995;
  require_ok(host.registry().set_node(
      {.name = "rift", .uid = 995, .gid = 995, .run_root = "/run/user/995/containers"}));

  const FixReport report = fix("runroot");

  EXPECT_EQ(report.ran + report.for_root, 0);
  EXPECT_EQ(require_ok(host.registry().node())->uid, 995U);
}

}  // namespace
}  // namespace mcp::agent::test
