#include "mcns/querylog/recorder.h"

#include <pthread.h>

namespace mcns::querylog {
namespace {

// Workers wake nobody, so it looks: seldom enough to cost nothing, often enough that a ring, which
// holds thousands of answers, is not full before. When there was something it looks again soon.
constexpr std::chrono::milliseconds kIdle{10};
constexpr std::chrono::milliseconds kBusy{1};

}  // namespace

std::unique_ptr<Recorder> Recorder::start(dsl::env::Env& env, QueryEvents& events,
                                          const RecorderOptions& options) {
  if (options.mode == LogMode::kOff && options.dnstap.place.empty()) {
    return nullptr;
  }
  return std::unique_ptr<Recorder>(new Recorder(env, events, options));
}

Recorder::Recorder(dsl::env::Env& env, QueryEvents& events, const RecorderOptions& options)
    : clock_(env.clock()), events_(events), tap_waits_(options.tap_waits) {
  if (options.mode != LogMode::kOff) {
    log_ = std::make_unique<QueryLog>(env, options.path, options.anonymize);
    events_.set_log(log_.get(), options.mode, options.share);
  }
  if (!options.dnstap.place.empty()) {
    dnstap::TapOptions tap = options.dnstap;
    tap.anonymize = options.anonymize;
    tap_ = std::make_unique<dnstap::Tap>(env, tap);
    events_.set_tap(tap_.get());
  }
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  events_.set_log(nullptr, LogMode::kOff, 0);
  events_.set_tap(nullptr);
}

void Recorder::begin_tap() {
  const std::lock_guard lock(mutex_);
  tap_waits_ = false;
  wake_.notify_all();
}

void Recorder::run() {
  (void)::pthread_setname_np(::pthread_self(), "query-log");
  bool last = false;
  bool tap_waits = false;
  while (!last) {
    {
      const std::lock_guard lock(mutex_);
      last = stopping_;
      tap_waits = tap_waits_;
    }
    const bool is_busy = events_.drain() > 0;
    if (log_) {
      log_->work();
    }
    if (tap_ && !tap_waits) {
      tap_->work();
    }
    std::unique_lock lock(mutex_);
    if (!stopping_) {
      (void)clock_.wait_until(wake_, lock, clock_.mono_now() + (is_busy ? kBusy : kIdle));
    }
  }
  if (tap_ && !tap_waits) {
    tap_->finish();
  }
}

}  // namespace mcns::querylog
