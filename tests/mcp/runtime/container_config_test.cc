#include "mcp/runtime/container_config.h"

#include <gtest/gtest.h>

#include "mcp/runtime/service_process.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcp::runtime {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;

class ContainerConfig : public testing::Test {
 protected:
  ContainerConfig() { env_.variables["HOME"] = "/people/u"; }

  void put(const std::string& path, const std::string& content) {
    require_ok(env_.files().make_directories(path.substr(0, path.rfind('/')), 0755));
    require_ok(env_.files().write_file(path, content));
  }

  dsl::test::TestEnv env_;
};

TEST_F(ContainerConfig, AFileThatIsNotTomlIsNamed) {
  put("/etc/containers/containers.conf", "[containers\n");

  EXPECT_THAT(default_ulimits(env_),
              failed_saying(Code::kInvalidArgument, "/etc/containers/containers.conf"));
}

TEST_F(ContainerConfig, ALimitThatIsNoneIsNamed) {
  for (const char* bad : {"", "nofile", "=1", "nofile=x", "nofile=1:", "nofile=1:2:3"}) {
    EXPECT_THAT(parse_ulimit(bad), failed_with(Code::kInvalidArgument)) << bad;
  }
  EXPECT_EQ(require_ok(parse_ulimit("nofile=1:2")), (Ulimit{"nofile", 1, 2}));
  EXPECT_EQ(require_ok(parse_ulimit("nproc=7")), (Ulimit{"nproc", 7, 7}));
  EXPECT_EQ(require_ok(parse_ulimit("core=unlimited")), (Ulimit{"core", -1, -1}));
}

TEST_F(ContainerConfig, TheLastFileThatSetsLimitsWins) {
  EXPECT_TRUE(require_ok(default_ulimits(env_)).empty());

  put("/etc/containers/containers.conf", "[containers]\ndefault_ulimits=[\"nofile=1:1\"]\n");
  put("/people/u/.config/containers/containers.conf", "[engine]\nruntime=\"runc\"\n");
  EXPECT_THAT(require_ok(default_ulimits(env_)), ElementsAre(Ulimit{"nofile", 1, 1}));

  put("/people/u/.config/containers/containers.conf.d/x.conf",
      "[containers]\ndefault_ulimits=[\"nproc=2:2\"]\n");
  EXPECT_THAT(require_ok(default_ulimits(env_)), ElementsAre(Ulimit{"nproc", 2, 2}));

  put("/etc/only.conf", "");
  env_.variables["CONTAINERS_CONF"] = "/etc/only.conf";
  EXPECT_TRUE(require_ok(default_ulimits(env_)).empty());
}

TEST(SpawnMode, IsRefusedWithoutNewPrivileges) {
  dsl::test::TestEnv env;

  EXPECT_THAT(check_spawn_allowed("Name:\tx\nNoNewPrivs:\t1\n", env.files()),
              failed_saying(Code::kFailedPrecondition, "mcp-agent-spawn.service"));
}

TEST(SpawnMode, IsRefusedWithoutATunDevice) {
  dsl::test::TestEnv env;

  EXPECT_THAT(check_spawn_allowed("NoNewPrivs:\t0\n", env.files()),
              failed_saying(Code::kFailedPrecondition, "/dev/net/tun"));

  require_ok(env.files().make_directories("/dev/net", 0755));
  require_ok(env.files().write_file("/dev/net/tun", ""));
  EXPECT_THAT(check_spawn_allowed("NoNewPrivs:\t0\n", env.files()), ok());
}

}  // namespace
}  // namespace mcp::runtime
