#include "dsl/service/signals.h"

#include <algorithm>
#include <array>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dsl/result/result.h"

namespace dsl::service {

namespace {

sigset_t ours() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) {
    sigaddset(&set, number);
  }
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = ours();
  MC_ASSERT(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0, "signals can be blocked");
  // A peer that hangs up is seen where we write.
  (void)::signal(SIGPIPE, SIG_IGN);
  signals_ = env::UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  wake_ = env::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  MC_ASSERT(signals_ && wake_, "a new process has descriptors left");
  thread_ = std::thread([this] { run(); });
}

Signals::~Signals() {
  (void)::eventfd_write(wake_.get(), 1);  // cannot fail: the counter is far from full
  thread_.join();
  // They stay blocked: one that comes this late must not turn a clean exit into a death by signal.
}

void Signals::run() {
  pthread_setname_np(pthread_self(), "signals");
  bool stop_seen = false;
  std::array<pollfd, 2> waits{{{wake_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
  while (true) {
    (void)::poll(waits.data(), waits.size(), -1);  // EINTR: look and wait again
    if (waits[0].revents != 0) {
      return;
    }
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
      continue;
    }
    if (info.ssi_signo == SIGHUP) {
      post(Event::kReload);
    } else if (info.ssi_signo == SIGUSR2) {
      post(Event::kUpgrade);
    } else if (stop_seen) {
      ::_exit(kExitInterrupted);
    } else {
      stop_seen = true;
      post(Event::kStop);
    }
  }
}

void Signals::post(Event event) {
  const std::lock_guard lock(mutex_);
  if (std::find(events_.begin(), events_.end(), event) == events_.end()) {
    events_.push_back(event);
  }
  changed_.notify_all();
}

std::optional<Signals::Event> Signals::wait(env::Clock& clock, env::MonoTime deadline) {
  std::unique_lock lock(mutex_);
  while (events_.empty()) {
    if (deadline == env::MonoTime::max()) {
      changed_.wait(lock);
    } else if (!clock.wait_until(changed_, lock, deadline)) {
      return std::nullopt;
    }
  }
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

}  // namespace dsl::service
