#include "dsl/log/writer.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "dsl/log/line.h"

namespace dsl::log {

namespace {

// Writes all of it. A log that cannot be written has nobody to tell, so errors end the attempt.
void write_out(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      (void)::poll(&ready, 1, -1);  // a failure shows in the next write
    } else if (errno != EINTR) {
      return;
    }
  }
}

bool wants_color(const Options& options) {
  return options.format == Format::kText && ::isatty(options.fd) == 1 &&
         !env::system_env().variable("NO_COLOR");
}

env::Clock& clock_of(const Options& options) {
  return options.clock ? *options.clock : env::system_env().clock();
}

// Signals belong to the threads that handle them; SIGPIPE shows as an error of `write` then.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

Writer::Writer(const Options& options)
    : options_(options),
      clock_(clock_of(options)),
      color_(wants_color(options)),
      queue_(options.queue_max),
      thread_([this] { run(); }) {}

void Writer::write(Level level, std::string_view component, std::string_view message,
                   std::span<const Field> outer, std::span<const Field> inner, Repeats repeats) {
  if (level != Level::kError && repeats == Repeats::kSilenced) {
    const std::lock_guard lock(mutex_);
    const env::MonoTime report_before = limiter_.next_report();
    if (!limiter_.admit(level, component, message, clock_.mono_now())) {
      if (limiter_.next_report() != report_before) {
        wake_.notify_one();  // the writer has a new time to wait for
      }
      return;
    }
  }
  const std::string line = format(level, component, message, outer, inner);

  const std::lock_guard lock(mutex_);
  if (stopped_) {
    write_out(options_.fd, line);
    return;
  }
  queue_.push(level, line);
  if (idle_ || queue_.size() == options_.queue_max / 2) {
    idle_ = false;  // told once
    wake_.notify_one();
  }
}

void Writer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::uint64_t Writer::dropped() {
  const std::lock_guard lock(mutex_);
  return queue_.dropped();
}

void Writer::run() {
  block_signals();
  pthread_setname_np(pthread_self(), "log");

  std::string text;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wait_for_work(lock);
    queue_.take(text);
    text += take_reports(limiter_.expire(clock_.mono_now()));
    lock.unlock();
    write_out(options_.fd, text);
    lock.lock();
    gather(lock);
  }
  // Under the lock, so that a line logged meanwhile comes after these.
  queue_.take(text);
  write_out(options_.fd, text + take_reports(limiter_.drain()));
  stopped_ = true;
}

void Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  while (queue_.empty() && !stopping_ && limiter_.next_report() > clock_.mono_now()) {
    idle_ = true;
    if (limiter_.next_report() == env::MonoTime::max()) {
      wake_.wait(lock);
    } else {
      clock_.wait_until(wake_, lock, limiter_.next_report());
    }
  }
  idle_ = false;
}

// A line seldom comes alone: those of the next moment are written together, so that a burst does
// not wake this thread for each. The kernel's clock: a test's stands still.
void Writer::gather(std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::milliseconds kMoment{1};
  wake_.wait_for(lock, kMoment,
                 [this] { return stopping_ || queue_.size() >= options_.queue_max / 2; });
}

// Lines about lines that are missing; they pass the queue by.
std::string Writer::take_reports(const std::vector<Limiter::Suppressed>& suppressed) {
  std::string out;
  for (const Limiter::Suppressed& site : suppressed) {
    const std::array<Field, 2> fields{Field("like", site.message), Field("lines", site.lines)};
    out += format(site.level, site.component, "suppressed repeated lines", {}, fields);
  }
  if (queue_.dropped() > dropped_reported_) {
    const std::array<Field, 1> fields{Field("lines", queue_.dropped() - dropped_reported_)};
    out += format(Level::kWarn, "log", "dropped lines: the queue was full", {}, fields);
    dropped_reported_ = queue_.dropped();
  }
  return out;
}

std::string Writer::format(Level level, std::string_view component, std::string_view message,
                           std::span<const Field> outer, std::span<const Field> inner) const {
  const Line line{clock_.now(), level, options_.service, component, message, outer, inner};
  return format_line(line, options_.format, color_);
}

void write_now(const Options& options, Level level, std::string_view component,
               std::string_view message, std::span<const Field> outer,
               std::span<const Field> inner) {
  const Line line{
      clock_of(options).now(), level, options.service, component, message, outer, inner};
  write_out(options.fd, format_line(line, options.format, wants_color(options)));
}

}  // namespace dsl::log
