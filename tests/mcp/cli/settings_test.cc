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
