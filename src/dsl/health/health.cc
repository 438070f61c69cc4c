#include "dsl/health/health.h"

#include <mutex>

#include "dsl/log/log.h"

namespace dsl::health {

namespace {

const log::Logger logger("health");

// Long enough for any number of load balancers to cost no more than one, short enough to matter.
constexpr std::chrono::seconds kFresh{2};
constexpr std::chrono::seconds kHangs{10};

}  // namespace

struct Health::Impl {
  struct Check {
    Probe probe;
    Status status;
  };

  explicit Impl(env::Clock& clock_in) : clock(clock_in) {}

  void refresh();
  void record(Check& check, const Result<void>& result);
  std::vector<Status> statuses();

  env::Clock& clock;
  std::mutex mutex;
  std::vector<Check> checks;  // their statuses are guarded by mutex, as all below
  bool draining = false;
  env::WallTime draining_since{};
  bool running = false;
  std::size_t at = 0;  // while running: the check whose probe is called
  env::MonoTime probe_began{};
  env::MonoTime fresh_until = env::MonoTime::min();
};

// Runs every probe, unless somebody does already or the last answers are fresh.
void Health::Impl::refresh() {
  std::unique_lock lock(mutex);
  if (running || clock.mono_now() < fresh_until) {
    return;
  }
  running = true;
  for (at = 0; at < checks.size(); ++at) {
    Check& check = checks[at];
    probe_began = clock.mono_now();
    lock.unlock();
    const Result<void> result = check.probe();
    lock.lock();
    record(check, result);
  }
  running = false;
  fresh_until = clock.mono_now() + kFresh;
}

void Health::Impl::record(Check& check, const Result<void>& result) {
  Status& status = check.status;
  const State state = result ? State::kOk : State::kFailing;
  if (state != status.state) {
    if (!result) {
      logger.failure(log::Level::kWarn, text("check {} fails", status.name), result.error());
    } else if (status.state == State::kFailing) {
      logger.info("a check is ok again", {{"check", status.name}});
    }
    status.state = state;
    status.since = clock.now();
  }
  status.message = result ? "" : result.error().message();
}

std::vector<Status> Health::Impl::statuses() {
  refresh();
  const std::lock_guard lock(mutex);
  std::vector<Status> all;
  if (draining) {
    all.push_back({"draining", State::kFailing, draining_since, "the service stops"});
  }
  for (const Check& check : checks) {
    all.push_back(check.status);
  }
  if (running && clock.mono_now() - probe_began > kHangs) {
    Status& hanging = all[all.size() - checks.size() + at];
    hanging.state = State::kFailing;
    hanging.message = text("has not answered for {} s", kHangs.count());
  }
  return all;
}

Health::Health(env::Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
Health::~Health() = default;

void Health::add(std::string name, Probe probe) {
  const std::lock_guard lock(impl_->mutex);
  impl_->checks.push_back(
      {std::move(probe), {std::move(name), State::kUnknown, impl_->clock.now(), ""}});
}

void Health::drain() {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->draining) {
    impl_->draining = true;
    impl_->draining_since = impl_->clock.now();
  }
}

bool Health::ready() {
  for (const Status& status : impl_->statuses()) {
    if (status.state != State::kOk) {
      return false;
    }
  }
  return true;
}

std::vector<Status> Health::statuses() { return impl_->statuses(); }

}  // namespace dsl::health
