#include "dsl/env/launch.h"

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/pidfd.h"

namespace dsl::env {
namespace {

constexpr int kFirstFreeFd = 3;
// Exit code when somebody else reaped the child (a process that ignores SIGCHLD).
constexpr int kExitUnknown = 255;

// Searched here and not by execvpe: the search must not happen after the fork.
Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return name;
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = text("{}/{}", folder.empty() ? "." : folder, name);
    if (::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return fail(Code::kNotFound, "program {} is not in PATH", name)
      .hint("install the package that has it");
}

std::vector<char*> pointers_to(const std::vector<std::string>& values) {
  std::vector<char*> pointers;
  pointers.reserve(values.size() + 1);
  for (const std::string& value : values) {
    pointers.push_back(const_cast<char*>(value.c_str()));  // execve wants it; it does not write
  }
  pointers.push_back(nullptr);
  return pointers;
}

// What the child needs, prepared by the parent.
struct Plan {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* directory;  // nullptr = ours
  bool new_session;
  bool ignore_interrupts;
  Bond bond;
  int fds[3];
  int status_fd;
  pid_t parent;
};

enum class Step : int { kSetUp, kDirectory, kExec };

struct ChildFailure {
  Step step;
  int number;
};

[[noreturn]] void give_up(const Plan& plan, Step step) {
  const ChildFailure failure{step, errno};
  // Nobody to tell if it fails; the exit code still says that the child did not run.
  (void)!::write(plan.status_fd, &failure, sizeof failure);
  ::_exit(127);
}

void restore_signals() {
  for (int number = 1; number < NSIG; ++number) {
    (void)::signal(number, SIG_DFL);  // SIGKILL and the like refuse, rightly
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const Plan& plan) {
  restore_signals();
  if (plan.ignore_interrupts) {
    (void)::signal(SIGINT, SIG_IGN);  // outlives exec
  }
  if (plan.bond == Bond::kOwnGroup) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) {
      ::_exit(127);
    }
  }
  if (plan.new_session ? ::setsid() < 0 : plan.bond == Bond::kOwnGroup && ::setpgid(0, 0) < 0) {
    give_up(plan, Step::kSetUp);
  }
  for (int fd = 0; fd < kFirstFreeFd; ++fd) {
    if (::dup2(plan.fds[fd], fd) < 0) {
      give_up(plan, Step::kSetUp);
    }
  }
  // Also those that a library forgot to mark. The status pipe lives until exec.
  if (::close_range(kFirstFreeFd, ~0u, CLOSE_RANGE_CLOEXEC) < 0) {
    give_up(plan, Step::kSetUp);
  }
  if (plan.directory != nullptr && ::chdir(plan.directory) < 0) {
    give_up(plan, Step::kDirectory);
  }
  ::execve(plan.program, plan.argv, plan.environment);
  give_up(plan, Step::kExec);
}

// Blocks all signals, so that no handler of ours runs in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

pid_t fork_child(const Plan& plan) {
  const SignalsBlocked blocked;
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(plan);
  }
  return pid;
}

// Empty when the exec succeeded: it closed the write end.
std::optional<ChildFailure> failure_in(int fd) {
  ChildFailure failure{};
  ssize_t size = 0;
  do {
    size = ::read(fd, &failure, sizeof failure);
  } while (size < 0 && errno == EINTR);
  return size == sizeof failure ? std::optional(failure) : std::nullopt;
}

Error error_of(const ChildFailure& failure, const Command& command, const std::string& program) {
  switch (failure.step) {
    case Step::kDirectory:
      return errno_error(failure.number, "enter directory", command.directory);
    case Step::kExec:
      return errno_error(failure.number, "run", program);
    case Step::kSetUp:
      return errno_error(failure.number, "set up a child for", program);
  }
  MC_ASSERT(false, "every step is listed");
}

int exit_code_of(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) {
    return fail(errno_error(errno, "make", "a pipe"));
  }
  Pipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
  for (UniqueFd* end : {&pipe.read_end, &pipe.write_end}) {
    if (end->get() < kFirstFreeFd) {
      *end = UniqueFd(::fcntl(end->get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
    }
    if (!*end) {
      return fail(errno_error(errno, "make", "a pipe"));
    }
  }
  return pipe;
}

Result<Child> launch(const Command& command, int in, int out, int err, Bond bond) {
  MC_ASSERT(!command.argv.empty(), "a command has a program");
  MC_ASSERT(in >= kFirstFreeFd && out >= kFirstFreeFd && err >= kFirstFreeFd,
            "dup2 must not overwrite a source");
  MC_ASSIGN(const std::string program, find_program(command.argv.front()));
  MC_ASSIGN(Pipe status, make_pipe());
  const std::vector<char*> argv = pointers_to(command.argv);
  const std::vector<char*> environment = pointers_to(command.environment);
  const pid_t pid = fork_child({
      .program = program.c_str(),
      .argv = argv.data(),
      .environment = command.environment.empty() ? environ : environment.data(),
      .directory = command.directory.empty() ? nullptr : command.directory.c_str(),
      .new_session = command.new_session,
      .ignore_interrupts = command.ignore_interrupts,
      .bond = bond,
      .fds = {in, out, err},
      .status_fd = status.write_end.get(),
      .parent = ::getpid(),
  });
  if (pid < 0) {
    return fail(errno_error(errno, "fork for", program));
  }
  status.write_end.reset();
  const std::optional<ChildFailure> failure = failure_in(status.read_end.get());
  // Not reaped yet, so the number cannot belong to another process.
  Child child{pid, UniqueFd(::pidfd_open(pid, 0))};
  if (failure) {
    (void)::waitpid(pid, nullptr, 0);
    return fail(error_of(*failure, command, program));
  }
  if (!child.handle) {
    const int number = errno;
    ::kill(pid, SIGKILL);
    (void)::waitpid(pid, nullptr, 0);
    return fail(errno_error(number, "watch", program));
  }
  return child;
}

std::optional<int> reap(const Child& child, bool block) {
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(child.handle.get()), &info,
                      WEXITED | (block ? 0 : WNOHANG));
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    return kExitUnknown;
  }
  return info.si_pid == 0 ? std::nullopt : std::optional(exit_code_of(info));
}

}  // namespace dsl::env
