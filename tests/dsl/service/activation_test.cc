// Sockets handed over by systemd, and by somebody who gets it wrong.
#include "dsl/service/activation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::service::test {
namespace {

using dsl::test::require_ok;
using dsl::test::TempDir;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::chrono::milliseconds kPatience{30'000};

class Activation : public testing::Test {
 protected:
  // The probe, started by a shell that has said `before` to it: its process keeps the shell's id.
  env::Output started_after(const std::string& before) const {
    env::Command command;
    command.argv = {"bash", "-c",
                    before + " exec " MC_PROBE " server --once --config " + dir_.file("none.toml")};
    return require_ok(env::system_env().processes().run(command, kPatience));
  }

  // The probe behind Python, which has bound one socket for each of `names`.
  env::Output activated(const std::string& names) const {
    env::Command command;
    command.argv = {
        "/usr/bin/python3",    "-c", R"py(
import fcntl, os, socket, sys
names, *argv = sys.argv[1:]
sockets = [socket.socket() for _ in names.split(':')]
for each in sockets:
    each.bind(('127.0.0.1', 0))
    each.listen()
copies = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD, 100) for each in sockets]
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=names)
os.execv(argv[0], argv)
)py", names, MC_PROBE, "server", "--once", "--config",
        dir_.file("none.toml")};
    return require_ok(env::system_env().processes().run(command, kPatience));
  }

  TempDir dir_;
  const std::string config_ = dir_.write("none.toml", "");
};

TEST_F(Activation, ANumberThatIsNoneIsRefused) {
  for (const char* count : {"lots", "0", "-1", "65", "1 "}) {
    const env::Output probe =
        started_after("LISTEN_PID=$$ LISTEN_FDS='" + std::string(count) + "'");

    EXPECT_EQ(probe.exit_code, kExitUsage) << count;
    EXPECT_THAT(probe.err, HasSubstr("is not a number from 1 to")) << count;
  }
}

TEST_F(Activation, ADescriptorThatIsNoSocketIsRefused) {
  const env::Output probe =
      started_after("exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=door");

  EXPECT_EQ(probe.exit_code, kExitUsage);
  EXPECT_THAT(probe.err, HasSubstr("descriptor 3 (door) of LISTEN_FDS is no socket"));
}

TEST_F(Activation, NamesThatDoNotFitTheNumberAreRefused) {
  const env::Output probe = started_after("LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=door");

  EXPECT_EQ(probe.exit_code, kExitUsage);
  EXPECT_THAT(probe.err, HasSubstr("1 names for 2 descriptors"));
}

TEST_F(Activation, ASocketThatTheServiceDoesNotServeEndsIt) {
  const env::Output probe = activated("door:window");

  EXPECT_EQ(probe.exit_code, kExitUsage);
  EXPECT_THAT(probe.out, Not(HasSubstr("start")));
  EXPECT_THAT(probe.err, HasSubstr("window"));
  EXPECT_THAT(probe.err, HasSubstr("FileDescriptorName="));
}

TEST_F(Activation, SocketsMeantForAParentAreNotOurs) {
  const env::Output probe = started_after("LISTEN_PID=1 LISTEN_FDS=1 LISTEN_FDNAMES=door");

  EXPECT_EQ(probe.exit_code, kExitOk);
  EXPECT_THAT(probe.out, HasSubstr("start hello\n"));
}

TEST_F(Activation, SocketsComeByNameAndNoChildInheritsThem) {
  const env::Output probe = activated("door:door");

  EXPECT_EQ(probe.exit_code, kExitOk) << probe.err;
  EXPECT_EQ(probe.out, "adopts a door\nadopts a door\nstart hello\nstop 30000\nstopped\n");
}

TEST(ActivatedSockets, WithoutSystemdThereAreNone) {
  ActivatedSockets sockets = require_ok(ActivatedSockets::from_environment(env::system_env()));

  EXPECT_TRUE(sockets.empty());
  EXPECT_THAT(sockets.take("door"), IsEmpty());
}

}  // namespace
}  // namespace dsl::service::test
