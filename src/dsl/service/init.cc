#include "dsl/service/init.h"

#include <cerrno>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/result/result.h"

namespace dsl::service {

namespace {

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Nothing while `child` runs.
std::optional<int> reap(pid_t child) {
  std::optional<int> ended;
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == child) {
      ended = exit_code(status);
    }
  }
  return ended;
}

}  // namespace

std::optional<int> run_as_init(bool always) {
  if (!always && ::getpid() != 1) {
    return std::nullopt;
  }
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  // Blocked before the fork, so that no signal is lost between it and the first wait.
  MC_ASSERT(::sigprocmask(SIG_SETMASK, &all, &before) == 0, "signals can be blocked");
  const pid_t child = ::fork();
  MC_ASSERT(child >= 0, "process 1 can fork once");
  if (child == 0) {
    (void)::sigprocmask(SIG_SETMASK, &before, nullptr);
    return std::nullopt;
  }
  while (true) {
    const int number = ::sigwaitinfo(&all, nullptr);
    if (number == SIGCHLD) {
      if (const std::optional<int> ended = reap(child)) {
        return ended;
      }
    } else if (number > 0) {
      (void)::kill(child, number);  // gone already: SIGCHLD comes next
    }
  }
}

}  // namespace dsl::service
