#include "mcp/cli/ssh_process.h"

#include <array>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::env::UniqueFd;

namespace {

constexpr int kLowestFd = 3;  // what a child is given lies above its standard descriptors
constexpr int kConnectSeconds = 10;
constexpr int kAliveSeconds = 15;  // three of them without an answer end the connection

struct TwoEnds {
  UniqueFd ours;
  UniqueFd theirs;
};

UniqueFd above_stdio(int fd) {
  if (fd >= kLowestFd) {
    return UniqueFd(fd);
  }
  UniqueFd low(fd);
  return UniqueFd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kLowestFd));
}

Result<TwoEnds> socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail(Code::kUnavailable, "cannot make a socket pair: too many open files");
  }
  return TwoEnds{above_stdio(ends[0]), above_stdio(ends[1])};
}

Result<TwoEnds> pipe_for_words() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Code::kUnavailable, "cannot make a pipe: too many open files");
  }
  TwoEnds pipe{above_stdio(ends[0]), above_stdio(ends[1])};
  (void)::fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);  // cannot fail on an open pipe
  return pipe;
}

Result<TwoEnds> ends_for_words(SshWords words) {
  if (words == SshWords::kRead) {
    return pipe_for_words();
  }
  return TwoEnds{UniqueFd(), UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kLowestFd))};
}

}  // namespace

Result<SshProcess> start_ssh(dsl::env::Env& env, const NodeSettings& node,
                             const SshCommand& command) {
  if (node.ssh.empty()) {
    return fail(Code::kInvalidArgument, "node {} has no ssh destination", node.name)
        .hint("give its [[nodes]] ssh = \"user@host\"");
  }
  MC_ASSIGN(TwoEnds bytes, socket_pair());
  MC_ASSIGN(TwoEnds words, ends_for_words(command.stderr_to));
  dsl::env::Command ssh;
  ssh.argv = {"ssh", "-T",
              "-o",  text("ConnectTimeout={}", kConnectSeconds),
              "-o",  text("ServerAliveInterval={}", kAliveSeconds),
              "-o",  "ClearAllForwardings=yes",
              "--",  node.ssh};
  ssh.argv.insert(ssh.argv.end(), command.words.begin(), command.words.end());
  ssh.stdio_fd = bytes.theirs.get();
  ssh.stderr_fd = words.theirs.get();
  ssh.ignore_interrupts = command.ignore_interrupts;
  auto started = env.processes().start(ssh);
  if (!started && started.error().code() == Code::kNotFound) {
    return fail(Code::kFailedPrecondition, "node {} is reached by ssh, which is not in PATH",
                node.name)
        .hint("install openssh-client");
  }
  if (!started) {
    return tl::unexpected(started.error());
  }
  return SshProcess{std::move(*started), std::move(bytes.ours), std::move(words.ours)};
}

}  // namespace mcp::cli
