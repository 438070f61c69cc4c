#include "dsl/net/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "dsl/env/env.h"
#include "dsl/env/errno_error.h"

namespace dsl::net {

namespace {

constexpr std::int64_t kWaitMaxMs = 3600000;  // epoll counts in an int
constexpr int kEventsMax = 256;               // of one round; the kernel hands out the others next

env::MonoTime kernel_now() { return env::system_env().clock().mono_now(); }

}  // namespace

Loop::Loop(env::UniqueFd epoll, env::UniqueFd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)), now_(kernel_now()) {}

Result<std::unique_ptr<Loop>> Loop::open() {
  env::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  env::UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (!epoll || !wake || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return fail(env::errno_error(errno, "make", "an event loop"));
  }
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(wake)));
}

Result<void> Loop::add(int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail(env::errno_error(errno, "watch", text("descriptor {}", fd)));
  }
  return {};
}

void Loop::remove(int fd) {
  // Fails only for a descriptor that is not watched, and then there is nothing to do.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::post(std::function<void()> work) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) {
      return;
    }
    first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (first) {
    (void)::eventfd_write(wake_.get(), 1);  // fails only when it is raised already
  }
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  (void)::eventfd_write(wake_.get(), 1);
}

void Loop::run() {
  std::array<epoll_event, kEventsMax> events;
  while (!stopped_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, wait_ms());
    now_ = kernel_now();
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        woken = true;
      } else {
        static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
      }
    }
    if (woken) {
      run_posted();
    }
    run_timers();
    retired_.clear();
  }
}

int Loop::wait_ms() const {
  if (timers_.empty()) {
    return -1;
  }
  // Rounded up, or the loop would spin through the last millisecond.
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - kernel_now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kWaitMaxMs));
}

void Loop::run_posted() {
  eventfd_t ignored = 0;
  (void)::eventfd_read(wake_.get(), &ignored);  // before taking the work, so that none is missed
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (const auto& each : work) {
    each();
  }
}

void Loop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_) {
    Timer* timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    timer->scheduled_ = false;
    timer->come(now_);
  }
}

Timer::Timer(Loop& loop, std::function<void()> fired) : loop_(loop), fired_(std::move(fired)) {}

Timer::~Timer() {
  if (scheduled_) {
    loop_.timers_.erase(entry_);
  }
}

void Timer::set(env::MonoTime deadline) {
  deadline_ = deadline;
  if (deadline == env::MonoTime::max() || (scheduled_ && entry_->first <= deadline)) {
    return;
  }
  schedule(deadline);
}

void Timer::schedule(env::MonoTime at) {
  if (scheduled_) {
    loop_.timers_.erase(entry_);
  }
  entry_ = loop_.timers_.emplace(at, this);
  scheduled_ = true;
}

void Timer::come(env::MonoTime now) {
  if (deadline_ == env::MonoTime::max()) {
    return;
  }
  if (deadline_ > now) {
    schedule(deadline_);
    return;
  }
  deadline_ = env::MonoTime::max();
  fired_();
}

}  // namespace dsl::net
