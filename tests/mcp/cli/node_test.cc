// node list, node show, and the choice of a way to a node.
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

}  // namespace
}  // namespace mcp::cli::test
