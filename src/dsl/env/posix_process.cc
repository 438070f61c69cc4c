#include "dsl/env/posix_process.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "dsl/env/clock.h"
#include "dsl/env/errno_error.h"
#include "dsl/env/launch.h"
#include "dsl/env/pidfd.h"

namespace dsl::env {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kOutputBytesMax = 8u << 20;
constexpr std::size_t kChunkBytes = 64u << 10;
// Stands above 0, 1 and 2 so that dup2 in the child cannot overwrite it.
constexpr int kFirstFreeFd = 3;

// The kernel's clock: a child is outside the simulated time.
MonoTime mono_now() { return std::chrono::steady_clock::now(); }

int ms_until(MonoTime deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - mono_now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

Result<UniqueFd> open_above_stdio(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (fd && fd.get() < kFirstFreeFd) {
    fd = UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
  }
  if (!fd) {
    return fail(errno_error(errno, "open", path));
  }
  return fd;
}

// A child that ends without reading must not end us: SIGPIPE is blocked for this thread and, when
// one came, taken off again.
class SigpipeBlocked {
 public:
  SigpipeBlocked() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~SigpipeBlocked() {
    if (::sigismember(&before_, SIGPIPE) == 0) {
      const timespec now{};
      (void)::sigtimedwait(&pipe_, nullptr, &now);
      ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

// One `run`: moves bytes between us and the child until it has ended.
class Exchange {
 public:
  Exchange(const Command& command, Child child, UniqueFd in, UniqueFd out, UniqueFd err)
      : program_(command.argv.front()),
        input_(command.input),
        child_(std::move(child)),
        in_(std::move(in)),
        out_(std::move(out)),
        err_(std::move(err)) {
    for (const UniqueFd* fd : {&in_, &out_, &err_}) {
      (void)::fcntl(fd->get(), F_SETFL, O_NONBLOCK);  // cannot fail on an open pipe
    }
    if (input_.empty()) {
      in_.reset();
    }
  }

  // An end without a result kills the child and all of its process group.
  ~Exchange() {
    if (!exit_code_) {
      ::kill(-child_.pid, SIGKILL);
      (void)reap(child_, true);
    }
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Result<Output> finish(milliseconds timeout) {
    const MonoTime deadline = mono_now() + timeout;
    while (!exit_code_) {
      MC_TRY(wait_for_event(timeout, deadline));
      write_input();
      // Asked before reading: what the child wrote before its end is then in the pipe.
      // Grandchildren may hold the pipe open for ever, so its end is not waited for.
      const std::optional<int> ended = reap(child_, false);
      MC_TRY(drain(out_, output_.out));
      MC_TRY(drain(err_, output_.err));
      exit_code_ = ended;
    }
    output_.exit_code = *exit_code_;
    return std::move(output_);
  }

 private:
  Result<void> wait_for_event(milliseconds timeout, MonoTime deadline) {
    // poll skips negative descriptors.
    std::array<pollfd, 4> fds{{{child_.handle.get(), POLLIN, 0},
                               {in_.get(), POLLOUT, 0},
                               {out_.get(), POLLIN, 0},
                               {err_.get(), POLLIN, 0}}};
    const int ready = ::poll(fds.data(), fds.size(), ms_until(deadline));
    if (ready < 0 && errno != EINTR) {
      return fail(errno_error(errno, "wait for", program_));
    }
    // Also when there is output to read: a child that never stops printing must not go on for ever.
    if (mono_now() >= deadline && fds[0].revents == 0) {
      return fail(Code::kDeadlineExceeded, "{} did not end within {} ms", program_, timeout.count())
          .hint(output_.err.empty() ? std::string()
                                    : "its last words: " + output_.err.substr(tail_start()));
    }
    return {};
  }

  std::size_t tail_start() const {
    constexpr std::size_t kTailBytes = 300;
    return output_.err.size() > kTailBytes ? output_.err.size() - kTailBytes : 0;
  }

  void write_input() {
    while (in_) {
      const ssize_t size = ::write(in_.get(), input_.data(), input_.size());
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
      }
      // EPIPE: the child does not want the rest, which is its right.
      input_.remove_prefix(size < 0 ? input_.size() : static_cast<std::size_t>(size));
      if (input_.empty()) {
        in_.reset();
      }
    }
  }

  Result<void> drain(UniqueFd& fd, std::string& into) {
    std::array<char, kChunkBytes> chunk;
    while (fd) {
      const ssize_t size = ::read(fd.get(), chunk.data(), chunk.size());
      if (size < 0 && errno == EINTR) {
        continue;
      }
      if (size < 0 && errno == EAGAIN) {
        return {};
      }
      if (size <= 0) {
        fd.reset();
        return {};
      }
      if (static_cast<std::size_t>(size) > kOutputBytesMax - into.size()) {
        return fail(Code::kTooLarge, "{} printed more than {} bytes", program_, kOutputBytesMax)
            .hint("let it write to a file");
      }
      into.append(chunk.data(), static_cast<std::size_t>(size));
    }
    return {};
  }

  std::string program_;
  std::string_view input_;  // of the command, which outlives the exchange
  Child child_;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  Output output_;
  std::optional<int> exit_code_;
  SigpipeBlocked sigpipe_;
};

class PosixProcess final : public Process {
 public:
  PosixProcess(Child child, std::string program)
      : child_(std::move(child)), program_(std::move(program)) {}

  // One last look, so that a child that has ended does not stay a zombie.
  ~PosixProcess() override { (void)PosixProcess::poll(); }

  pid_t pid() const override { return child_.pid; }

  std::optional<int> poll() override {
    if (!exit_code_) {
      exit_code_ = reap(child_, false);
    }
    return exit_code_;
  }

  Result<int> wait(milliseconds timeout) override {
    const MonoTime deadline = mono_now() + timeout;
    while (!poll()) {
      pollfd fd{child_.handle.get(), POLLIN, 0};
      const int ready = ::poll(&fd, 1, ms_until(deadline));
      if (ready < 0 && errno != EINTR) {
        return fail(errno_error(errno, "wait for", program_));
      }
      if (ready <= 0 && mono_now() >= deadline) {
        return fail(Code::kDeadlineExceeded, "{} (process {}) did not end within {} ms", program_,
                    child_.pid, timeout.count());
      }
    }
    return *exit_code_;
  }

  void signal(int number) override {
    // Through the handle: never reaches another process. Fails only when the child has ended.
    (void)::pidfd_send_signal(child_.handle.get(), number, nullptr, 0);
  }

 private:
  Child child_;
  std::string program_;
  std::optional<int> exit_code_;
};

}  // namespace

Result<Output> PosixSpawner::run(const Command& command, milliseconds timeout) {
  MC_ASSIGN(Pipe in, make_pipe());
  MC_ASSIGN(Pipe out, make_pipe());
  MC_ASSIGN(Pipe err, make_pipe());
  MC_ASSIGN(Child child, launch(command, in.read_end.get(), out.write_end.get(),
                                err.write_end.get(), Bond::kOwnGroup));
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();
  Exchange exchange(command, std::move(child), std::move(in.write_end), std::move(out.read_end),
                    std::move(err.read_end));
  return exchange.finish(timeout);
}

Result<std::unique_ptr<Process>> PosixSpawner::start(const Command& command) {
  MC_ASSIGN(const UniqueFd in, open_above_stdio("/dev/null", O_RDONLY));
  const bool to_file = !command.output_path.empty();
  MC_ASSIGN(const UniqueFd out, open_above_stdio(to_file ? command.output_path : "/dev/null",
                                                 O_WRONLY | O_APPEND | (to_file ? O_CREAT : 0)));
  const bool handed = command.stdio_fd >= 0;
  MC_ASSIGN(
      Child child,
      launch(command, handed ? command.stdio_fd : in.get(), handed ? command.stdio_fd : out.get(),
             command.stderr_fd >= 0 ? command.stderr_fd : out.get(), Bond::kLoose));
  return std::make_unique<PosixProcess>(std::move(child), command.argv.front());
}

}  // namespace dsl::env
