// node list, show, add and remove, and the choice of a way to a node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/result/result.h"
#include "mcp/cli/program.h"

namespace mcp::cli::test {
namespace {

using testing::HasSubstr;

constexpr char kNodes[] =
    "[mcp]\ndefault_node = \"rift\"\n"
    "[[nodes]]\nname = \"rift\"\naddresses = [\"10.0.0.1:9444\", \"rift:9444\"]\n"
    "ssh = \"root@rift\"\narch = \"amd64\"\nlabels = { role = \"edge\" }\n"
    "[[nodes]]\nname = \"sol\"\naddress = \"10.0.0.2:9444\"\n";

class Nodes : public testing::Test {
 protected:
  Ran run(std::vector<std::string> words, const std::string& file = kNodes) const {
    words.insert(words.begin(), {"--config", user_.home().write("mcp.toml", file)});
    return user_.run(std::move(words));
  }

  User user_;
};

TEST_F(Nodes, OneThatIsNotThereIsNotFound) {
  const Ran ran = run({"node", "show", "sal"});

  EXPECT_EQ(ran.exit_code, dsl::kExitNotFound);
  EXPECT_THAT(ran.err, HasSubstr("hint: did you mean sol?"));
}

TEST_F(Nodes, AWayThatCannotBeGoneIsAMistakeInUsage) {
  const auto complaint = [&](std::vector<std::string> words, const std::string& file = kNodes) {
    const Ran ran = run(std::move(words), file);
    EXPECT_EQ(ran.exit_code, dsl::kExitUsage);
    return ran.err;
  };

  EXPECT_THAT(complaint({"--via", "pigeon", "ps"}), HasSubstr("not one of ssh"));
  EXPECT_THAT(complaint({"--via", "ssh", "--node", "sol", "ps"}), HasSubstr("no ssh destination"));
  EXPECT_THAT(complaint({"--via", "ssh", "--socket", "/x", "ps"}),
              HasSubstr("--socket is on this"));
  EXPECT_THAT(complaint({"--via", "ssh", "ps"}, ""), HasSubstr("which node? "));
}

TEST_F(Nodes, WithoutATokenNoneIsAskedOverTheNetwork) {
  const Ran ran = run({"--node", "sol", "ps"}, kNodes);

  EXPECT_EQ(ran.exit_code, dsl::kExitDenied);
  EXPECT_THAT(ran.err, HasSubstr("there is no token to sign in with"));
  EXPECT_THAT(ran.err, HasSubstr("mcp token add"));
}

TEST_F(Nodes, WithoutAnyThereIsNothingToList) {
  const Ran ran = run({"node", "list"}, "");

  EXPECT_EQ(ran.exit_code, dsl::kExitOk);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("has no [[nodes]]"));
}

TEST_F(Nodes, AreListedAndShownWithoutBeingAsked) {
  EXPECT_EQ(run({"node", "list"}).out,
            "NODE    ADDRESSES                 SSH\n"
            "rift *  10.0.0.1:9444, rift:9444  root@rift\n"
            "sol     10.0.0.2:9444\n");
  EXPECT_THAT(run({"node", "list", "--output", "wide"}).out, HasSubstr("amd64  role=edge"));
  EXPECT_EQ(run({"node", "show", "rift"}).out,
            "node rift (default)\n"
            "  addresses: 10.0.0.1:9444, rift:9444\n"
            "  ssh:       root@rift\n"
            "  arch:      amd64\n"
            "  labels:    role=edge\n");
  EXPECT_EQ(run({"node", "show", "sol", "--json"}).out,
            "{\"name\":\"sol\",\"default\":false,\"addresses\":[\"10.0.0.2:9444\"],\"ssh\":\"\","
            "\"arch\":\"\",\"ca_cert\":\"\",\"labels\":{}}\n");
}

class NodeFile : public Nodes {
 protected:
  // Works on mcp.toml as the run before left it.
  Ran again(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--config", user_.home().file("mcp.toml")});
    return user_.run(std::move(words));
  }
  std::string content() const { return user_.home().read("mcp.toml"); }
};

TEST_F(NodeFile, WhatIsNoNodeIsNotAdded) {
  EXPECT_EQ(run({"node", "add", "Rift", "10.0.0.9"}).exit_code, dsl::kExitUsage);
  EXPECT_EQ(run({"node", "add", "vade"}).exit_code, dsl::kExitUsage);
  EXPECT_EQ(run({"node", "add", "vade", "a:b"}).exit_code, dsl::kExitUsage);
  EXPECT_EQ(run({"node", "add", "vade", "x", "--ca-cert", "ca.crt"}).exit_code, dsl::kExitUsage);
  EXPECT_EQ(run({"node", "add", "vade", "x", "--ca-cert", "/no/ca"}).exit_code, dsl::kExitNotFound);
  EXPECT_EQ(run({"node", "add", "sol", "10.0.0.9"}).exit_code, dsl::kExitConflict);
  EXPECT_EQ(content(), kNodes);
}

TEST_F(NodeFile, AddedIsThereWithTheUsualPort) {
  ASSERT_EQ(
      run({"node", "add", "vade", "10.0.0.9", "::1", "vade:1", "--ssh", "root@vade"}).exit_code,
      dsl::kExitOk);

  EXPECT_EQ(again({"node", "show", "vade"}).out,
            "node vade\n"
            "  addresses: 10.0.0.9:9444, [::1]:9444, vade:1\n"
            "  ssh:       root@vade\n");
  EXPECT_THAT(content(), testing::StartsWith(kNodes));
}

TEST_F(NodeFile, TheFirstMakesTheFileForItsOwnerAlone) {
  const Ran ran = user_.run({"node", "add", "vade", "vade"});

  EXPECT_EQ(ran.exit_code, dsl::kExitOk);
  EXPECT_THAT(ran.err, HasSubstr("mcp --node vade status"));
  EXPECT_EQ(user_.run({"node", "list"}).out, "NODE  ADDRESSES  SSH\nvade  vade:9444\n");
}

TEST_F(NodeFile, ADryRunChangesNothing) {
  const Ran ran = run({"node", "add", "vade", "vade", "--dry-run"});

  EXPECT_THAT(ran.out, HasSubstr("addresses = [\"vade:9444\"]"));
  EXPECT_EQ(content(), kNodes);
}

TEST_F(NodeFile, RemovedIsGoneAndTheRestStaysAsItWasWritten) {
  const std::string before = "# mine\n[mcp]\ndefault_node = \"sol\"  # for now\n\n";
  const std::string vade =
      "# the Pi in the attic\n[[nodes]]\nname = \"vade\"\naddress = \"vade:1\"\n";
  const std::string rift =
      "[[nodes]]\nname = \"rift\"\naddresses = [\n  \"10.0.0.1:1\",\n]\n"
      "[nodes.labels]\nrole = \"edge\"\n\n";

  ASSERT_EQ(run({"node", "remove", "rift"}, before + rift + vade).exit_code, dsl::kExitOk);
  EXPECT_EQ(content(), before + vade);

  ASSERT_EQ(again({"node", "remove", "vade"}).exit_code, dsl::kExitOk);
  EXPECT_EQ(again({"node", "list"}).out, "");
  EXPECT_THAT(content(), testing::StartsWith(before.substr(0, before.size() - 1)));
}

TEST_F(NodeFile, OneWrittenInLineIsLeftToPeople) {
  const Ran ran =
      run({"node", "remove", "rift"}, "nodes = [{ name = \"rift\", ssh = \"rift\" }]\n");

  EXPECT_EQ(ran.exit_code, dsl::kExitConflict);
  EXPECT_THAT(ran.err, HasSubstr("by hand"));
}

TEST_F(NodeFile, OneThatIsNotThereCannotBeRemoved) {
  EXPECT_EQ(run({"node", "remove", "sal"}).exit_code, dsl::kExitNotFound);
}

}  // namespace
}  // namespace mcp::cli::test
