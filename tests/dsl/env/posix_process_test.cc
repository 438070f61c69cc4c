#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::env {
namespace {

using namespace std::chrono_literals;
using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::HasSubstr;

Spawner& spawner() { return system_env().processes(); }

Result<Output> shell(const std::string& script, std::chrono::milliseconds timeout = 30s) {
  return spawner().run({.argv = {"sh", "-c", script}}, timeout);
}

bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }

// Whether a process that is no child of ours goes away, or is a zombie of an idle init.
bool ends(pid_t pid) {
  for (int tries = 0; tries < 1000; ++tries) {
    const auto status = system_env().files().read_file(text("/proc/{}/stat", pid));
    if (!status || status->find(") Z") != std::string::npos) {
      return true;
    }
    system_env().clock().sleep_for(5ms);
  }
  return false;
}

TEST(Run, UnknownProgramIsNotFound) {
  EXPECT_THAT(spawner().run({.argv = {"no-such-program-here"}}, 5s),
              failed_saying(Code::kNotFound, "no-such-program-here is not in PATH"));
  EXPECT_THAT(spawner().run({.argv = {"/no/such/program"}}, 5s), failed_with(Code::kNotFound));
}

TEST(Run, FileThatIsNotExecutableIsDenied) {
  const test::TempDir dir;

  EXPECT_THAT(spawner().run({.argv = {dir.write("data", "not a program")}}, 5s),
              failed_with(Code::kPermissionDenied));
}

TEST(Run, MissingDirectoryIsNamed) {
  EXPECT_THAT(spawner().run({.argv = {"true"}, .directory = "/no/such/folder"}, 5s),
              failed_saying(Code::kNotFound, "/no/such/folder"));
}

TEST(Run, DeadlineKillsTheChildAndItsChildren) {
  const test::TempDir dir;
  const std::string pid_file = dir.file("pid");

  const auto output = shell("sleep 1000 & echo $! > " + pid_file + "; echo words >&2; wait", 300ms);

  EXPECT_THAT(output, failed_saying(Code::kDeadlineExceeded, "did not end within 300 ms"));
  EXPECT_THAT(output, failed_saying(Code::kDeadlineExceeded, "words"));
  EXPECT_TRUE(ends(std::stoi(dir.read("pid"))));
}

TEST(Run, DeadlineHoldsForAChildThatNeverStopsPrinting) {
  EXPECT_THAT(shell("while :; do echo; sleep 0.01; done", 200ms),
              failed_with(Code::kDeadlineExceeded));
}

TEST(Run, TooMuchOutputIsRefused) {
  EXPECT_THAT(shell("head -c 9000000 /dev/zero"), failed_with(Code::kTooLarge));
}

TEST(Run, CollectsOutputAndExitCode) {
  const Output output = require_ok(shell("echo out; echo err >&2; exit 3"));

  EXPECT_EQ(output.out, "out\n");
  EXPECT_EQ(output.err, "err\n");
  EXPECT_EQ(output.exit_code, 3);
}

TEST(Run, EndBySignalIsReportedAsShellsDo) {
  EXPECT_EQ(require_ok(shell("kill -TERM $$")).exit_code, 128 + SIGTERM);
}

TEST(Run, PassesInputLargerThanAPipe) {
  const std::string input(3u << 20, 'x');

  const Output output = require_ok(spawner().run({.argv = {"cat"}, .input = input}, 30s));

  EXPECT_EQ(output.out, input);
}

TEST(Run, ChildThatDoesNotReadItsInputIsNoError) {
  const Command command{.argv = {"true"}, .input = std::string(1u << 20, 'x')};

  EXPECT_EQ(require_ok(spawner().run(command, 30s)).exit_code, 0);
}

TEST(Run, ArgumentsAreNotInterpreted) {
  const Output output = require_ok(spawner().run({.argv = {"echo", "$HOME; *"}}, 30s));

  EXPECT_EQ(output.out, "$HOME; *\n");
}

TEST(Run, EnvironmentAndDirectoryAreThoseAskedFor) {
  const test::TempDir dir;

  const Output output = require_ok(spawner().run({.argv = {"sh", "-c", "echo $COLOUR; pwd"},
                                                  .environment = {"COLOUR=red"},
                                                  .directory = dir.path()},
                                                 30s));

  EXPECT_EQ(output.out, "red\n" + dir.path() + "\n");
}

TEST(Run, NoDescriptorLeaksIntoTheChild) {
  const int leaky = ::dup(STDERR_FILENO);  // not marked close-on-exec

  const Output output = require_ok(shell("ls /proc/self/fd"));

  ::close(leaky);
  EXPECT_EQ(output.out, "0\n1\n2\n3\n") << "3 is the folder that ls itself reads";
}

TEST(Run, ChildHasDefaultSignalsAndAnEmptyMask) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);

  const Output output = require_ok(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"));

  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  (void)::signal(SIGPIPE, before);
  EXPECT_THAT(output.out, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(output.out, HasSubstr("SigIgn:\t0000000000000000"));
}

TEST(Run, GrandchildThatKeepsThePipeOpenDoesNotHoldUsUp) {
  const Output output = require_ok(shell("sleep 20 & echo $!", 10s));

  ::kill(std::stoi(output.out), SIGKILL);
  EXPECT_EQ(output.exit_code, 0);
}

TEST(Start, OutputIsAppendedToTheFile) {
  const test::TempDir dir;
  dir.write("log", "before\n");

  const auto child = require_ok(spawner().start(
      {.argv = {"sh", "-c", "echo out; echo err >&2"}, .output_path = dir.file("log")}));

  EXPECT_EQ(require_ok(child->wait(30s)), 0);
  EXPECT_EQ(dir.read("log"), "before\nout\nerr\n");
}

TEST(Start, WaitGivesUpAtItsDeadlineAndTheChildGoesOn) {
  const auto child = require_ok(spawner().start({.argv = {"sleep", "1000"}}));

  EXPECT_THAT(child->wait(20ms), failed_with(Code::kDeadlineExceeded));
  EXPECT_FALSE(child->poll());

  child->signal(SIGKILL);
  EXPECT_EQ(require_ok(child->wait(30s)), 128 + SIGKILL);
  EXPECT_EQ(child->poll(), 128 + SIGKILL);
  child->signal(SIGTERM);  // of no effect
}

TEST(Start, NewSessionMakesTheChildItsLeader) {
  const auto child = require_ok(spawner().start({.argv = {"sleep", "1000"}, .new_session = true}));

  EXPECT_EQ(::getsid(child->pid()), child->pid());

  child->signal(SIGKILL);
  EXPECT_THAT(child->wait(30s), ok());
}

TEST(Start, DescriptorsOfOursBecomeItsStandardOnes) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd errors(ends[0]);
  UniqueFd their_errors(ends[1]);

  const auto child = require_ok(spawner().start({.argv = {"sh", "-c", "cat; echo oops >&2"},
                                                 .stdio_fd = theirs.get(),
                                                 .stderr_fd = their_errors.get()}));
  theirs.reset();
  their_errors.reset();
  ASSERT_EQ(::write(ours.get(), "hello", 5), 5);
  ASSERT_EQ(::shutdown(ours.get(), SHUT_WR), 0);

  EXPECT_EQ(require_ok(child->wait(30s)), 0);
  char bytes[16];
  EXPECT_EQ(::read(ours.get(), bytes, sizeof bytes), 5);
  EXPECT_EQ(::read(errors.get(), bytes, sizeof bytes), 5);
}

TEST(Start, AnInterruptOfTheTerminalIsForUsAloneWhenAskedFor) {
  const auto child = require_ok(
      spawner().start({.argv = {"sh", "-c", "kill -INT $$; exit 3"}, .ignore_interrupts = true}));

  EXPECT_EQ(require_ok(child->wait(30s)), 3);
}

TEST(Start, DestroyingDoesNotEndTheChild) {
  auto child = require_ok(spawner().start({.argv = {"sleep", "1000"}}));
  const pid_t pid = child->pid();

  child.reset();

  EXPECT_TRUE(alive(pid));
  ::kill(pid, SIGKILL);
}

}  // namespace
}  // namespace dsl::env
