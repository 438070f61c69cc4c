// The remote break-glass: mcp, the real ssh, a real sshd, the real `mcp-agent stdio`, and behind it
// an agent's socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/result/result.h"
#include "mcp/cli/canned_agent.h"
#include "mcp/cli/program.h"
#include "mcp/cli/ssh_server.h"

namespace mcp::cli::test {
namespace {

using testing::HasSubstr;

class ViaSsh : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = SshServer::unavailable();
    if (!reason.empty()) {
      GTEST_SKIP() << reason;
    }
    sshd_ = std::make_unique<SshServer>();
    user_.home().write("mcp.toml", "[[nodes]]\nname = \"rift\"\nssh = \"rift\"\n");
    user_.set_variable("PATH", sshd_->client_folder() + ":/usr/bin:/bin");
    // What is near is not what is asked.
    user_.set_variable("MCP_SOCKET", user_.home().file("elsewhere.sock"));
  }

  // mcp-agent, with a configuration that names the canned agent's socket.
  void install_agent() {
    user_.home().write("mcp-agent.toml", "[node]\nname = \"rift\"\n[socket]\npath = \"" +
                                             user_.home().file("node.sock") + "\"\n");
    sshd_->install("mcp-agent", "#!/bin/sh\nexec " MC_AGENT_BINARY " --config " +
                                    user_.home().file("mcp-agent.toml") + " \"$@\"\n");
  }

  Ran via_ssh(std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {"--config", user_.home().file("mcp.toml"), "--via", "ssh", "--node", "rift"});
    return user_.run(std::move(words));
  }

  User user_;
  std::unique_ptr<SshServer> sshd_;
};

TEST_F(ViaSsh, WithoutSshItSaysWhatToInstall) {
  user_.set_variable("PATH", user_.home().path());

  const Ran ran = via_ssh({"ps"});

  EXPECT_EQ(ran.exit_code, dsl::kExitConflict);
  EXPECT_THAT(ran.err, HasSubstr("hint: install openssh-client"));
}

TEST_F(ViaSsh, ANodeThatIsDownIsUnreachable) {
  sshd_->stop();

  const Ran ran = via_ssh({"ps"});

  EXPECT_EQ(ran.exit_code, dsl::kExitUnreachable);
  EXPECT_THAT(ran.err, HasSubstr("cannot reach node rift by `ssh rift`"));
  EXPECT_THAT(ran.err, HasSubstr("Connection refused"));
  EXPECT_THAT(ran.err, HasSubstr("hint: is it up"));
}

TEST_F(ViaSsh, ANodeWithoutMcpAgentSaysHowToPutItThere) {
  const Ran ran = via_ssh({"ps"});

  EXPECT_EQ(ran.exit_code, dsl::kExitUnreachable);
  EXPECT_THAT(ran.err, HasSubstr("node rift has no mcp-agent in the PATH"));
  EXPECT_THAT(ran.err, HasSubstr("ln -s /srv/mcp/mcp-agent /usr/local/bin/"));
}

TEST_F(ViaSsh, AnAgentThatIsOlderThanStdioIsNamed) {
  sshd_->install("mcp-agent",
                 "#!/bin/sh\necho 'error: mcp-agent has no command \"stdio\"' >&2\nexit 2\n");

  const Ran ran = via_ssh({"ps"});

  EXPECT_EQ(ran.exit_code, dsl::kExitUnreachable);
  EXPECT_THAT(ran.err, HasSubstr("no command \"stdio\""));
  EXPECT_THAT(ran.err, HasSubstr("may be older"));
}

TEST_F(ViaSsh, AnAgentThatIsNotRunningThereIsSaidToBe) {
  install_agent();

  const Ran ran = via_ssh({"ps"});

  EXPECT_EQ(ran.exit_code, dsl::kExitUnreachable);
  EXPECT_THAT(ran.err, HasSubstr("the agent of node rift does not answer"));
  EXPECT_THAT(ran.err, HasSubstr("node.sock"));
}

TEST_F(ViaSsh, ANodeThatIsNotInTheFileIsNotFound) {
  const Ran ran = user_.run(
      {"--config", user_.home().file("mcp.toml"), "--via", "ssh", "--node", "rifd", "ps"});

  EXPECT_EQ(ran.exit_code, dsl::kExitNotFound);
  EXPECT_THAT(ran.err, HasSubstr("did you mean rift?"));
}

// With no TLS, no token and no name service, an operator elsewhere reads and changes the node.
TEST_F(ViaSsh, CallsAndStreamsReachTheAgentOfTheNode) {
  install_agent();
  CannedAgent agent(user_.home().file("node.sock"));
  user_.define("mcq", "name = \"mcq\"\nversion = \"v1.0.0\"\n");

  const Ran shown = via_ssh({"--json", "ps"});
  EXPECT_EQ(shown.exit_code, dsl::kExitOk) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("\"containers\""));

  const Ran deployed = via_ssh({"deploy", "mcq"});
  EXPECT_EQ(deployed.exit_code, dsl::kExitOk) << deployed.err;
  ASSERT_EQ(agent.deploys().size(), 1u);
  EXPECT_EQ(agent.deploys().front().service(), "mcq");
}

TEST_F(ViaSsh, WhatTheAgentSaysPassesAsItIs) {
  install_agent();
  const CannedAgent agent(user_.home().file("node.sock"));

  const Ran ran = via_ssh({"status", "nothing"});

  EXPECT_EQ(ran.exit_code, dsl::kExitNotFound);
  EXPECT_THAT(ran.err, HasSubstr("service nothing is not registered"));
}

}  // namespace
}  // namespace mcp::cli::test
