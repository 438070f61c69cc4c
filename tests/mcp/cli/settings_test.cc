#include "mcp/cli/settings.h"

#include <gtest/gtest.h>

#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcp::cli {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    env_.variables["HOME"] = "/people/ada";
    env_.variables["XDG_RUNTIME_DIR"] = "/run/user/1000";
  }
  void write(const std::string& path, const std::string& content) {
    require_ok(env_.files().make_directories(path.substr(0, path.rfind('/')), 0755));
    require_ok(env_.files().write_file(path, content));
  }

  dsl::test::TestEnv env_;
};

TEST_F(SettingsTest, AFileThatWasAskedForMustBeThere) {
  EXPECT_THAT(load_settings(env_, {.config = "/nowhere.toml"}), failed_with(Code::kNotFound));
}

TEST_F(SettingsTest, AllMistakesOfTheFileAreNamedAtOnce) {
  write("/etc/mcp.toml", "[mcp]\nregistri = \"x\"\nsocket = 1\n[bild]\n");

  const auto loaded = load_settings(env_, {.config = "/etc/mcp.toml"});

  EXPECT_THAT(loaded, failed_saying(Code::kInvalidArgument, "did you mean registry?"));
  EXPECT_THAT(loaded, failed_saying(Code::kInvalidArgument, "/etc/mcp.toml:3:"));
  EXPECT_THAT(loaded, failed_saying(Code::kInvalidArgument, "did you mean build?"));
}

TEST_F(SettingsTest, AllMistakesOfTheNodesAreNamedAtOnce) {
  write("/etc/mcp.toml",
        "[[nodes]]\nssh = \"-oProxyCommand=x\"\n"
        "[[nodes]]\nname = \"Rift\"\naddreses = []\n"
        "[[nodes]]\nname = \"sol\"\naddresses = \"a:1\"\nlabels = []\narch = 1\n"
        "[[nodes]]\nname = \"sol\"\naddress = \"\"\n");

  const auto loaded = load_settings(env_, {.config = "/etc/mcp.toml"});

  for (const char* complaint :
       {"/etc/mcp.toml:1:1: a node needs a name", ":2:7: \"-oProxyCommand=x\" is no destination",
        ":4:8: \"Rift\" is no name", ":5:1: a node has no key addreses; did you mean addresses?",
        ":8:13: addresses is a list of strings", ":9:10: labels is a table of strings",
        ":10:8: arch is a string", ":11:1: there are two nodes sol",
        ":13:11: address is a string that is not empty"}) {
    EXPECT_THAT(loaded, failed_saying(Code::kInvalidArgument, complaint));
  }
}

TEST_F(SettingsTest, NodesThatAreNoTablesAreRefused) {
  write("/etc/mcp.toml", "nodes = [\"rift\"]\n");
  EXPECT_THAT(load_settings(env_, {.config = "/etc/mcp.toml"}),
              failed_saying(Code::kInvalidArgument, "a node is a table, not string"));
  write("/etc/mcp.toml", "[nodes]\nname = \"rift\"\n");
  EXPECT_THAT(load_settings(env_, {.config = "/etc/mcp.toml"}),
              failed_saying(Code::kInvalidArgument, "written as [[nodes]]"));
}

TEST_F(SettingsTest, NodesAreReadInTheOrderOfTheFile) {
  write("/people/ada/.config/mcp/mcp.toml",
        "[[nodes]]\nname = \"rift\"\naddresses = [\"10.0.0.1:9444\", \"rift:9444\"]\n"
        "ssh = \"root@rift\"\narch = \"amd64\"\nca_cert = \"~/ca.pem\"\n"
        "labels = { role = \"edge\" }\n"
        "[[nodes]]\nname = \"sol\"\naddress = \"10.0.0.2:9444\"\n");

  const Settings settings = require_ok(load_settings(env_, {}));

  ASSERT_EQ(settings.nodes.size(), 2u);
  const NodeSettings rift = require_ok(find_node(settings, "rift"));
  EXPECT_EQ(rift.addresses, (std::vector<std::string>{"10.0.0.1:9444", "rift:9444"}));
  EXPECT_EQ(rift.ssh, "root@rift");
  EXPECT_EQ(rift.arch, "amd64");
  EXPECT_EQ(rift.ca_cert, "/people/ada/ca.pem");
  EXPECT_EQ(rift.labels.at("role"), "edge");
  EXPECT_EQ(settings.nodes[1].addresses, std::vector<std::string>{"10.0.0.2:9444"});
  EXPECT_THAT(find_node(settings, "sal"), failed_saying(Code::kNotFound, "did you mean sol?"));
}

TEST_F(SettingsTest, WithoutAnythingTheUsersOwnPlacesAreTaken) {
  const Settings settings = require_ok(load_settings(env_, {}));

  EXPECT_EQ(settings.services_dir, "/people/ada/.config/mcp/services");
  EXPECT_EQ(settings.socket, "/run/user/1000/mcp/admin.sock");
}

TEST_F(SettingsTest, TheNodesSocketWinsWhenItIsThere) {
  write("/srv/mcp/admin.sock", "");

  EXPECT_EQ(require_ok(load_settings(env_, {})).socket, "/srv/mcp/admin.sock");
}

TEST_F(SettingsTest, TheFileWinsOverTheDefaults) {
  write("/people/ada/.config/mcp/mcp.toml",
        "[mcp]\nservices_dir = \"~/services\"\nsocket = \"/a.sock\"\ndefault_node = \"rift\"\n"
        "registry = \"registry.example:5000\"\n[[nodes]]\nname = \"rift\"\n");

  const Settings settings = require_ok(load_settings(env_, {}));

  EXPECT_EQ(settings.services_dir, "/people/ada/services");
  EXPECT_EQ(settings.socket, "/a.sock");
  EXPECT_EQ(settings.default_node, "rift");
  EXPECT_EQ(settings.registry, "registry.example:5000");
}

TEST_F(SettingsTest, TheEnvironmentWinsOverTheFileAndAFlagOverBoth) {
  write("/people/ada/.config/mcp/mcp.toml", "[mcp]\nsocket = \"/file.sock\"\n");
  env_.variables["MCP_SOCKET"] = "/variable.sock";
  env_.variables["MCP_SERVICES_DIR"] = "/variable";

  EXPECT_EQ(require_ok(load_settings(env_, {})).socket, "/variable.sock");
  EXPECT_EQ(require_ok(load_settings(env_, {})).services_dir, "/variable");
  EXPECT_EQ(require_ok(load_settings(env_, {.socket = "/flag.sock"})).socket, "/flag.sock");
  EXPECT_EQ(require_ok(load_settings(env_, {.services_dir = "/flag"})).services_dir, "/flag");
}

}  // namespace
}  // namespace mcp::cli
