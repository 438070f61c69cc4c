// node provision: the script that the program holds, and its way to a node through a real sshd. The
// node is the root of a system in a folder, on whose files the script really works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "mcp/cli/program.h"
#include "mcp/cli/ssh_server.h"
#include "support/result_matchers.h"

namespace mcp::cli::test {
namespace {

using dsl::test::require_ok;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::milliseconds kPatience{60'000};

dsl::env::Output bash(const std::string& script, std::vector<std::string> words) {
  dsl::env::Command command;
  command.argv = {"bash", "-s", "--"};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.input = script;
  return require_ok(dsl::env::system_env().processes().run(command, kPatience));
}

class PrintedScript : public testing::Test {
 protected:
  User user_;
};

TEST_F(PrintedScript, ANodeThatIsUnknownIsNoReasonNotToPrintIt) {
  const Ran ran = user_.run({"node", "provision"});

  EXPECT_EQ(ran.exit_code, dsl::kExitOk) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("mcp node provision --quiet | ssh root@NODE bash -s --"));
}

TEST_F(PrintedScript, ANodeOfTheFileIsNamedInWhatToDo) {
  const std::string file =
      user_.home().write("mcp.toml", "[[nodes]]\nname = \"rift\"\nssh = \"admin@rift\"\n");

  const Ran ran = user_.run({"--config", file, "node", "provision", "rift", "--mode", "spawn"});

  EXPECT_THAT(ran.err, AllOf(HasSubstr("mcp node provision rift --apply --mode spawn"),
                             HasSubstr("| ssh admin@rift bash -s -- --mode spawn")));
}

TEST_F(PrintedScript, WithQuietNothingIsBesideIt) {
  const Ran ran = user_.run({"node", "provision", "--quiet"});

  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, testing::StartsWith("#!/bin/bash\n"));
}

TEST_F(PrintedScript, RunsFromStandardInput) {
  const std::string script = user_.run({"node", "provision", "--quiet"}).out;

  const dsl::env::Output help = bash(script, {"--help"});

  EXPECT_EQ(help.exit_code, dsl::kExitOk) << help.err;
  EXPECT_THAT(help.out, HasSubstr("--agent FILE"));
  EXPECT_EQ(bash(script, {"--paln"}).exit_code, dsl::kExitUsage);
}

// What is cut off on its way must not begin.
TEST_F(PrintedScript, HalfOfItDoesNothing) {
  const std::string script = user_.run({"node", "provision", "--quiet"}).out;
  for (const std::size_t cut : {script.size() / 2, script.size() - 2, script.size() - 10}) {
    const dsl::env::Output output = bash(script.substr(0, cut), {"--help"});

    EXPECT_NE(output.exit_code, dsl::kExitOk) << cut;
    EXPECT_EQ(output.out, "") << cut;
  }
}

TEST_F(PrintedScript, HasTheUnitsAsTheyAre) {
  const std::string script = user_.run({"node", "provision", "--quiet"}).out;
  dsl::env::FileSystem& files = dsl::env::system_env().files();
  const std::string folder = std::string(MC_SOURCE_DIR) + "/deploy/systemd";
  for (const std::string& name : require_ok(files.list(folder))) {
    if (!name.starts_with("mcp-")) {
      continue;  // of a service, for who runs it without an agent
    }
    const std::string unit = require_ok(files.read_file(folder + "/" + name));

    EXPECT_THAT(script, HasSubstr("    " + name + ")\n      cat <<'END_OF_UNIT'\n" + unit +
                                  "END_OF_UNIT\n"));
  }
}

TEST_F(PrintedScript, WhatGoesToANodeOnlyNeedsToBeToldToGo) {
  const Ran ran = user_.run({"node", "provision", "--agent", "mcp-agent"});

  EXPECT_EQ(ran.exit_code, dsl::kExitUsage);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("add --apply"));
  EXPECT_EQ(user_.run({"node", "provision", "--plan", "--apply"}).exit_code, dsl::kExitUsage);
}

class ProvisionOverSsh : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = SshServer::unavailable();
    if (!reason.empty()) {
      GTEST_SKIP() << reason;
    }
    if (::geteuid() != 0) {
      GTEST_SKIP() << "files of other users need root";
    }
    sshd_ = std::make_unique<SshServer>();
    user_.home().write("mcp.toml", "[[nodes]]\nname = \"rift\"\nssh = \"rift\"\n");
    user_.set_variable("PATH", sshd_->client_folder() + ":/usr/bin:/bin");
    node("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    node("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nsshd:x:995:65534::/run/sshd:/bin/false\n");
    node("etc/group", "root:x:0:\nsystemd-journal:x:999:\n");
    node("etc/resolv.conf", "nameserver 192.168.88.1\n");
    // The node's own bash, for which the node is that folder.
    sshd_->install("bash", "#!/bin/sh\nexec /bin/bash \"$@\" --root " + root() + "\n");
  }

  std::string root() const { return user_.home().file("node"); }
  void node(const std::string& path, const std::string& content) const {
    const std::string full = root() + "/" + path;
    require_ok(
        dsl::env::system_env().files().make_directories(full.substr(0, full.rfind('/')), 0755));
    user_.home().write("node/" + path, content);
  }
  bool has(const std::string& path) const {
    return require_ok(dsl::env::system_env().files().exists(root() + "/" + path));
  }
  std::string read(const std::string& path) const { return user_.home().read("node/" + path); }

  Ran provision(std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {"--config", user_.home().file("mcp.toml"), "node", "provision", "rift"});
    return user_.run(std::move(words));
  }

  User user_;
  std::unique_ptr<SshServer> sshd_;
};

TEST_F(ProvisionOverSsh, ANodeThatIsDownIsUnreachable) {
  sshd_->stop();

  const Ran ran = provision({"--plan"});

  EXPECT_EQ(ran.exit_code, dsl::kExitUnreachable);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Connection refused"),
                             HasSubstr("`ssh rift` has no connection to node rift")));
}

TEST_F(ProvisionOverSsh, AFileThatIsNotHereIsNotFound) {
  EXPECT_EQ(provision({"--apply", "--agent", "/no/mcp-agent"}).exit_code, dsl::kExitNotFound);
}

TEST_F(ProvisionOverSsh, WhatTheScriptRefusesIsTheEnd) {
  node("etc/passwd", "exim:x:850:850::/var/spool/exim4:/bin/false\n");

  const Ran ran = provision({"--apply"});

  EXPECT_EQ(ran.exit_code, dsl::kExitConflict);
  EXPECT_THAT(ran.err, HasSubstr("error: uid 850 belongs to exim"));
  EXPECT_FALSE(has("srv"));
}

TEST_F(ProvisionOverSsh, APlanChangesNothing) {
  const Ran ran = provision({"--plan"});

  EXPECT_EQ(ran.exit_code, dsl::kExitChangesNeeded) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("would   user"), HasSubstr("nothing was changed")));
  EXPECT_FALSE(has("srv"));
  EXPECT_EQ(provision({"--apply", "--dry-run"}).out, ran.out);
}

TEST_F(ProvisionOverSsh, AnAgentAndItsConfigurationArriveAndTheSecondTimeNothingChanges) {
  // Larger than any buffer on the way, with every byte there is.
  std::string agent;
  for (std::size_t i = 0; i < 3'000'000; ++i) {
    agent += static_cast<char>(i * 7 + i / 255);
  }
  const std::vector<std::string> words = {"--apply",
                                          "--mode",
                                          "spawn",
                                          "--dns",
                                          "192.0.2.53",
                                          "--agent",
                                          user_.home().write("agent", agent),
                                          "--agent-config",
                                          user_.home().write("rift.toml", "# 'a' \"b\" $c\n")};

  const Ran first = provision(words);

  EXPECT_EQ(first.exit_code, dsl::kExitOk) << first.out << first.err;
  EXPECT_EQ(read("srv/mcp/mcp-agent"), agent);
  EXPECT_EQ(read("srv/mcp/mcp-agent.toml"), "# 'a' \"b\" $c\n");
  EXPECT_EQ(read("etc/resolv.conf"),
            "nameserver 192.0.2.53\nnameserver 9.9.9.9\nnameserver 1.1.1.1\n");
  EXPECT_TRUE(has("etc/systemd/system/mcp-agent-spawn.service"));

  const Ran second = provision(words);

  EXPECT_EQ(second.exit_code, dsl::kExitOk) << second.out << second.err;
  EXPECT_THAT(second.out, AllOf(HasSubstr("nothing changed\n"), Not(HasSubstr("done "))));
}

TEST_F(ProvisionOverSsh, AsJsonItIsOneDocument) {
  const Ran ran = provision({"--plan", "--json"});

  EXPECT_EQ(ran.exit_code, dsl::kExitChangesNeeded);
  EXPECT_THAT(ran.out,
              AllOf(testing::StartsWith("{\"node\":\"rift\",\"plan\":true,\"exit_code\":10"),
                    HasSubstr("would   user")));
}

}  // namespace
}  // namespace mcp::cli::test
