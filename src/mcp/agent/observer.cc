#include "mcp/agent/observer.h"

#include <algorithm>

#include <unistd.h>

#include "dsl/log/log.h"
#include "mcp/agent/drift.h"

namespace mcp::agent {

using dsl::text;
using runtime::State;

namespace {

const dsl::log::Logger logger("agent.observer");
constexpr std::chrono::milliseconds kForwarderPatience{3000};
constexpr std::chrono::milliseconds kStreamRetry{1000};
constexpr std::chrono::milliseconds kSoon{1000};
constexpr std::chrono::milliseconds kEventDelay{50};  // gathers a burst into one look
// Podman answers a list only when it is done with each container that it starts, so that looks
// and a boot run hold each other up.
constexpr std::chrono::milliseconds kBusyPause{5000};
constexpr std::chrono::milliseconds kBusyCheck{100};
constexpr std::chrono::milliseconds kFirstLookPatience{10000};
constexpr int kFlapLogLines = 50;
constexpr std::chrono::milliseconds kFlapGrace{2000};
constexpr int kEscapesMax = 3;  // our own stop is a death, too

std::string exited(int code) { return text("exited({})", code); }

bool needs_attention(const std::string& observed) {
  return observed == "starting" || observed == "unhealthy" || observed == "flapping";
}

// What is known of a registered container without looking at it.
pb::ContainerState registered_state(const ServiceRecord& record, const ComponentRecord& wanted) {
  pb::ContainerState state;
  state.set_service(wanted.service);
  state.set_component(wanted.name);
  state.set_container(wanted.container);
  state.set_stage(record.service.tier);
  state.set_kind(wanted.adopted ? "adopted" : "managed");
  state.set_desired(wanted.should_run && record.service.active ? "running" : "stopped");
  state.set_image(wanted.image);
  state.set_image_digest(wanted.image_digest);
  if (const model::Component* component = record.service.find(wanted.name)) {
    for (const model::Port& port : published_ports(record, *component)) {
      state.add_ports(port_text(port));
    }
    for (const model::Socket& socket : component->sockets) {
      state.add_ports(socket_text(socket));
    }
  }
  return state;
}

}  // namespace

// What a look remembers of one registered container.
struct Observer::Watched {
  explicit Watched(const FlapLimits& limits) : flap(limits) {}

  runtime::Container inspected;  // refreshed when id, state or start time changed
  std::vector<model::FieldDifference> drift;
  std::string drift_sha;  // of the specification that `drift` was computed against
  FlapControl flap;
  int escapes = 0;  // deaths since flap control has stopped it
  bool healthy = false;
  std::string gate_answer;
  dsl::env::MonoTime gate_at{};
  std::string reported;      // last observed state that was told as an event
  std::string socket_error;  // why its sockets are not held, as told
};

Observer::Observer(dsl::env::Env& env, const Config& config, Registry& registry,
                   runtime::Runtime& runtime, Containers& containers, SocketKeeper& sockets,
                   EventLog& events, ServiceLocks& locks)
    : env_(env),
      config_(config),
      registry_(registry),
      runtime_(runtime),
      containers_(containers),
      sockets_(sockets),
      events_(events),
      locks_(locks) {}

Observer::~Observer() { stop(); }

void Observer::start() {
  if (const Result<std::vector<ServiceRecord>> records = registry_.services()) {
    states_ = unknown(*records, "not looked at yet");  // no thread of ours runs yet
  }
  reader_ = std::thread([this] { read_events(); });
  looker_ = std::thread([this] { look_forever(); });
}

void Observer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (reader_.joinable()) {
    reader_.join();
  }
  if (looker_.joinable()) {
    looker_.join();
  }
}

void Observer::read_events() {
  while (!stopping_) {
    const Result<void> ended = runtime_.events(
        [this](const runtime::RuntimeEvent& event) {
          if (event.type == "container") {
            // Who holds the service's lock ends its containers on purpose.
            const auto service = event.attributes.find(std::string(kLabelService));
            const bool meant = service != event.attributes.end() && locks_.held(service->second);
            const std::lock_guard lock(mutex_);
            if (event.action == "died" && !meant) {
              deaths_.push_back({event.name, event.id});
            }
            dirty_ = true;
            changed_.notify_all();
          }
          return !stopping_;
        },
        [this] { return stopping_.load(); });
    if (!ended && !stopping_) {
      logger.failure(dsl::log::Level::kWarn, "event stream ended", ended.error());
    }
    std::unique_lock lock(mutex_);
    dirty_ = true;  // whatever happened in the gap
    changed_.notify_all();
    const auto until = env_.clock().mono_now() + kStreamRetry;
    while (!stopping_ && env_.clock().wait_until(changed_, lock, until)) {
    }
  }
}

void Observer::look_forever() {
  auto next_full = env_.clock().mono_now();
  while (!stopping_) {
    const bool full = env_.clock().mono_now() >= next_full;
    look(full);
    if (full) {
      next_full = env_.clock().mono_now() + config_.watch_interval;
    }
    wait_for_cause(next_full);
    rest_while_busy(env_.clock().mono_now() + kBusyPause);
  }
}

void Observer::wait_for_cause(dsl::env::MonoTime next_full) {
  std::unique_lock lock(mutex_);
  const auto soon = env_.clock().mono_now() + kSoon;
  const auto until = starting_ ? std::min(soon, next_full) : next_full;
  while (!stopping_ && !dirty_ && env_.clock().wait_until(changed_, lock, until)) {
  }
  if (dirty_ && !stopping_) {
    const auto gathered = env_.clock().mono_now() + kEventDelay;
    while (!stopping_ && env_.clock().wait_until(changed_, lock, gathered)) {
    }
  }
  dirty_ = false;
}

void Observer::rest_while_busy(dsl::env::MonoTime until) {
  while (!stopping_ && busy_ && busy_() && env_.clock().mono_now() < until) {
    std::unique_lock lock(mutex_);
    (void)env_.clock().wait_until(changed_, lock, env_.clock().mono_now() + kBusyCheck);
  }
}

void Observer::refresh() { look(true); }

// Nothing is known: say so, keep the desired state, change nothing.
std::map<std::string, pb::ContainerState> Observer::unknown(
    const std::vector<ServiceRecord>& records, const std::string& why) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, pb::ContainerState> states = states_;
  for (const ServiceRecord& record : records) {
    for (const ComponentRecord& wanted : record.components) {
      states.try_emplace(wanted.container, registered_state(record, wanted));
    }
  }
  for (auto& [name, state] : states) {
    state.set_observed("unknown");
    state.set_note(why);
  }
  return states;
}

void Observer::look(bool probe_all) {
  const std::lock_guard one(looking_);
  const Result<std::vector<ServiceRecord>> records = registry_.services();
  if (!records) {
    logger.failure(dsl::log::Level::kError, "registry not readable", records.error());
    return;
  }
  // Sampled before the list, too: work that ends while we look explains what we saw.
  busy_services_.clear();
  for (const ServiceRecord& record : *records) {
    if (locks_.held(record.service.name)) {
      busy_services_.insert(record.service.name);
    }
  }
  const Result<std::vector<runtime::Container>> listed = runtime_.list(true);
  {
    const std::lock_guard lock(mutex_);
    runtime_error_ = listed ? "" : listed.error().message();
  }
  if (!listed) {
    publish(unknown(*records, listed.error().message()));
    return;
  }
  std::map<std::string, pb::ContainerState> next;
  std::map<std::string, const runtime::Container*> by_name;
  for (const runtime::Container& container : *listed) {
    by_name[container.name] = &container;
  }
  handle_deaths(by_name);
  const runtime::LivenessPass alive(runtime::Proc(env_.files()), geteuid());
  std::set<std::string> registered;
  for (const ServiceRecord& record : *records) {
    for (const ComponentRecord& wanted : record.components) {
      registered.insert(wanted.container);
      const auto found = by_name.find(wanted.container);
      look_at(record, wanted, found == by_name.end() ? nullptr : found->second, alive, probe_all,
              next);
    }
  }
  for (const runtime::Container& container : *listed) {
    if (registered.contains(container.name) || !label(container, kLabelHelper).empty()) {
      continue;
    }
    pb::ContainerState state;
    state.set_container(container.name);
    state.set_container_id(container.id);
    state.set_image(container.image);
    state.set_service(label(container, kLabelService));
    state.set_component(label(container, kLabelComponent));
    state.set_kind(label(container, kLabelManaged).empty() ? "foreign" : "orphan");
    state.set_observed(container.storage_only               ? "storage-only"
                       : container.state == State::kRunning ? "running"
                                                            : exited(container.exit_code));
    state.set_pid(container.pid);
    next[container.name] = std::move(state);
  }
  std::erase_if(watched_, [&](const auto& entry) { return !registered.contains(entry.first); });
  publish(std::move(next));
}

void Observer::look_at(const ServiceRecord& record, const ComponentRecord& wanted,
                       const runtime::Container* listed, const runtime::LivenessPass& alive,
                       bool probe_all, std::map<std::string, pb::ContainerState>& next) {
  std::unique_ptr<Watched>& slot = watched_[wanted.container];
  if (!slot) {
    slot = std::make_unique<Watched>(FlapLimits{
        .deaths = static_cast<std::size_t>(config_.flap_deaths), .window = config_.flap_window});
  }
  Watched& watched = *slot;
  const bool run = wanted.should_run && record.service.active;
  pb::ContainerState state = registered_state(record, wanted);
  if (listed == nullptr || listed->storage_only) {
    state.set_observed("missing");
    if (listed != nullptr) {
      state.set_note("podman has lost it; its name is still reserved: mcp agent recover");
    }
    watched.healthy = false;
  } else {
    examine(watched, record, wanted, *listed, alive, state);
    if (state.observed() == "running") {
      judge_gate(watched, record, wanted, probe_all, state);
      if (run) {
        mind_sockets(watched, record, wanted, state);
      }
    }
  }
  if (watched.flap.flapping()) {
    hold_down(wanted, watched);
    state.set_observed("flapping");
    state.set_note(text("stopped after too many deaths; next try within {} s",
                        watched.flap.backoff().count() / 1000));
  }
  if (state.observed() == "healthy" || state.observed() == "running") {
    watched.flap.healthy(env_.clock().mono_now());
  }
  if (run) {
    retry_flapping(record, wanted, watched);
  }
  // The first look finds what is there, it reports no change.
  const bool first = watched.reported.empty();
  const bool bad = state.observed() == "stale" || state.observed() == "port-dead" ||
                   state.observed() == "unhealthy" || (run && state.observed() == "missing");
  // While somebody is at work on the service its containers come and go on purpose.
  const bool meant = busy_services_.contains(wanted.service) || locks_.held(wanted.service);
  if (!first && !meant && watched.reported != state.observed() && bad) {
    events_.add(Severity::kWarn, "state", wanted.service, wanted.name,
                text("{} is {}: {}", wanted.container, state.observed(), state.note()));
  }
  watched.reported = state.observed();
  if (run && !watched.flap.flapping() && record.service.reconcile != "report") {
    reconcile(record, wanted, state);
  }
  next[wanted.container] = std::move(state);
}

void Observer::examine(Watched& watched, const ServiceRecord& record, const ComponentRecord& wanted,
                       const runtime::Container& listed, const runtime::LivenessPass& alive,
                       pb::ContainerState& state) {
  const bool changed = watched.inspected.id != listed.id ||
                       watched.inspected.state != listed.state ||
                       watched.inspected.pid != listed.pid;
  if (changed) {
    const Result<runtime::Container> full = runtime_.inspect(listed.id);
    if (!full) {
      state.set_observed("unknown");
      state.set_note(full.error().message());
      return;
    }
    watched.inspected = *full;
    watched.healthy = false;
    watched.gate_answer.clear();
    watched.drift_sha.clear();
  }
  const runtime::Container& live = watched.inspected;
  if (watched.drift_sha != wanted.sha256) {
    const Result<std::optional<runtime::Image>> image = runtime_.image(live.image_id);
    const std::string digest = image && *image ? digest_of(**image) : "";
    watched.drift = drift(record, wanted, live, digest);
    watched.drift_sha = wanted.sha256;
  }
  for (const model::FieldDifference& difference : watched.drift) {
    pb::Difference& row = *state.add_drift();
    row.set_field(difference.field);
    row.set_want(difference.want);
    row.set_have(difference.have);
  }
  state.set_container_id(live.id);
  state.set_pid(live.pid);
  state.set_started_ms(live.started.time_since_epoch().count());
  state.set_restarts(live.restarts);
  switch (live.state) {
    case State::kCreated:
      state.set_observed("created");
      return;
    case State::kExited:
    case State::kStopped:
      state.set_observed(state.desired() == "stopped" ? "stopped" : exited(live.exit_code));
      return;
    case State::kRunning:
      break;
    default:
      state.set_observed("unknown");
      return;
  }
  const runtime::Liveness liveness = alive.check(live);
  // Podman reports a start a moment before the port forwarder listens.
  const bool young = env_.clock().now() - live.started < kForwarderPatience;
  const bool port_dead = liveness.state == runtime::Liveness::State::kPortDead;
  state.set_observed(liveness.state == runtime::Liveness::State::kStale ? "stale"
                     : port_dead && !young                              ? "port-dead"
                     : port_dead                                        ? "starting"
                                                                        : "running");
  state.set_note(liveness.reason);
}

void Observer::judge_gate(Watched& watched, const ServiceRecord& record,
                          const ComponentRecord& wanted, bool probe_all,
                          pb::ContainerState& state) {
  const model::Component& component = *record.service.find(wanted.name);
  if (component.health.type == "none") {
    return;
  }
  const auto now = env_.clock().mono_now();
  if (probe_all || !watched.healthy) {
    const boot::Answer answer = containers_.probe_gate(record, component, watched.inspected.id);
    watched.healthy = answer.pass;
    watched.gate_answer = answer.text;
    watched.gate_at = now;
  }
  const auto age = env_.clock().now() - watched.inspected.started;
  const bool young = age < component.health.deadline + component.health.start_period;
  const bool was_healthy = watched.reported == "healthy" || watched.reported == "unhealthy";
  state.set_observed(watched.healthy         ? "healthy"
                     : young && !was_healthy ? "starting"
                                             : "unhealthy");
  state.set_note(watched.gate_answer);
}

// A running container whose sockets are not held, because an agent could not take them back, or
// somebody had the address: tried again with each look, since its next restart would be without.
void Observer::mind_sockets(Watched& watched, const ServiceRecord& record,
                            const ComponentRecord& wanted, pb::ContainerState& state) {
  const model::Component& component = *record.service.find(wanted.name);
  const bool made_by_hand = label(watched.inspected, kLabelManaged).empty();
  if (made_by_hand || sockets_.holds(wanted.service, component)) {
    watched.socket_error.clear();
    return;
  }
  const Result<ServiceLocks::Hold> hold =
      locks_.acquire(wanted.service, "sockets", std::chrono::milliseconds(0));
  if (!hold) {
    return;  // somebody is at work on it
  }
  // As it is now that nobody else is at work: the look took a while.
  const Result<std::optional<ServiceRecord>> now = registry_.service(record.service.name);
  const ComponentRecord* present = now && *now ? (*now)->find(wanted.name) : nullptr;
  if (present == nullptr || !present->should_run || (*now)->generation != record.generation) {
    return;
  }
  const Result<void> restored = sockets_.restore(**now, *present);
  if (restored) {
    watched.socket_error.clear();
    return;
  }
  state.set_note(restored.error().message());
  if (watched.socket_error != restored.error().message()) {
    watched.socket_error = restored.error().message();
    events_.add(Severity::kWarn, "sockets", wanted.service, wanted.name, watched.socket_error);
  }
}

// Only for services that ask for it: start what should run, or recreate what differs.
void Observer::reconcile(const ServiceRecord& record, const ComponentRecord& wanted,
                         const pb::ContainerState& state) {
  const std::string& observed = state.observed();
  const bool gone = observed == "missing" || observed.starts_with("exited") ||
                    observed == "created" || observed == "stale" || observed == "port-dead";
  const bool drifted = record.service.reconcile == "enforce" && !state.drift().empty();
  if ((!gone && !drifted) || (busy_ && busy_())) {
    return;
  }
  Result<ServiceLocks::Hold> hold =
      locks_.acquire(record.service.name, "reconciliation", std::chrono::milliseconds(0));
  if (!hold) {
    return;  // somebody is at work on it; the next look sees the outcome
  }
  // As it is now that nobody else is at work: the look took a while.
  const Result<std::optional<ServiceRecord>> now = registry_.service(record.service.name);
  const ComponentRecord* present = now && *now ? (*now)->find(wanted.name) : nullptr;
  if (present == nullptr || !present->should_run || (*now)->generation != record.generation) {
    return;
  }
  const Result<Containers::Brought> brought =
      drifted ? containers_.recreate(**now, *present) : containers_.bring_up(**now, *present);
  events_.add(
      brought ? Severity::kInfo : Severity::kError, "reconcile", wanted.service, wanted.name,
      brought ? text("{} was {}; brought back", wanted.container, observed)
              : text("{} is {}: {}", wanted.container, observed, brought.error().message()));
}

void Observer::handle_deaths(const std::map<std::string, const runtime::Container*>& by_name) {
  std::vector<Death> deaths;
  {
    const std::lock_guard lock(mutex_);
    deaths.swap(deaths_);
  }
  for (const auto& [name, id] : deaths) {
    const auto watched = watched_.find(name);
    const auto listed = by_name.find(name);
    // Of a container that has gone or has another name since, somebody wanted the end. Podman may
    // tell of it when the lock is free again.
    const bool present = listed != by_name.end() && listed->second->id == id;
    if (watched == watched_.end() || !present) {
      continue;
    }
    watched->second->escapes += watched->second->flap.flapping() ? 1 : 0;
    if (!watched->second->flap.died(env_.clock().mono_now())) {
      continue;
    }
    watched->second->escapes = 0;
    const runtime::Container& container = *listed->second;
    std::string log;
    for (const std::string& line : containers_.log_tail(container.id, kFlapLogLines)) {
      log += line + "\n";
    }
    const Result<void> stopped = runtime_.stop(container.id, kFlapGrace);
    events_.add(Severity::kError, "flap", label(container, kLabelService),
                label(container, kLabelComponent),
                text("{} died too often and was stopped; next try in {} s{}", name,
                     watched->second->flap.backoff().count() / 1000,
                     stopped ? "" : ": " + stopped.error().message()),
                log);
  }
}

// Podman's restart policy is not bound by our stop when the container was just dead: the stop found
// nothing that ran, and podman started it again. So it is stopped again, and when it keeps dying in
// between, removed: the next try makes it anew.
void Observer::hold_down(const ComponentRecord& wanted, Watched& watched) {
  const runtime::Container& live = watched.inspected;
  // One that somebody has started by hand counts no restarts.
  const bool escaped = live.state == State::kRunning && live.restarts > 0;
  if (!escaped && watched.escapes == 0) {
    return;
  }
  Result<ServiceLocks::Hold> hold =
      locks_.acquire(wanted.service, "flap control", std::chrono::milliseconds(0));
  if (!hold) {
    return;  // somebody is at work on it
  }
  if (watched.escapes < kEscapesMax) {
    if (escaped) {
      (void)runtime_.stop(live.id, kFlapGrace);  // in vain? then its next death comes here again
    }
    return;
  }
  const Result<void> removed = runtime_.remove(live.id, true);
  events_.add(Severity::kError, "flap", wanted.service, wanted.name,
              removed
                  ? text("{} was restarted and died {} times after its stop; removed, the next "
                         "try makes it anew",
                         wanted.container, watched.escapes)
                  : text("{} is not held down: {}", wanted.container, removed.error().message()));
  watched.escapes = 0;
  watched.inspected = {};
}

void Observer::retry_flapping(const ServiceRecord& record, const ComponentRecord& wanted,
                              Watched& watched) {
  if (!watched.flap.due(env_.clock().mono_now())) {
    return;
  }
  Result<ServiceLocks::Hold> hold =
      locks_.acquire(record.service.name, "flap control", std::chrono::milliseconds(0));
  if (!hold) {
    watched.flap.put_off(env_.clock().mono_now());
    return;
  }
  const Result<std::optional<ServiceRecord>> now = registry_.service(record.service.name);
  const ComponentRecord* present = now && *now ? (*now)->find(wanted.name) : nullptr;
  if (present == nullptr || !present->should_run) {
    return;
  }
  const Result<Containers::Brought> brought = containers_.bring_up(**now, *present);
  if (!brought) {
    watched.flap.put_off(env_.clock().mono_now());
    events_.add(Severity::kError, "flap", wanted.service, wanted.name, brought.error().message());
  }
}

void Observer::publish(std::map<std::string, pb::ContainerState> next) {
  const std::lock_guard lock(mutex_);
  starting_ = std::any_of(next.begin(), next.end(), [](const auto& entry) {
    return needs_attention(entry.second.observed());
  });
  const bool same =
      next.size() == states_.size() &&
      std::equal(next.begin(), next.end(), states_.begin(), [](const auto& a, const auto& b) {
        return a.first == b.first && a.second.observed() == b.second.observed() &&
               a.second.container_id() == b.second.container_id() &&
               a.second.drift_size() == b.second.drift_size() && a.second.note() == b.second.note();
      });
  states_ = std::move(next);
  if (!same || !looked_) {
    looked_ = true;
    ++version_;
    changed_.notify_all();
  }
}

std::vector<pb::ContainerState> Observer::states(bool foreign) {
  {
    std::unique_lock lock(mutex_);
    const auto until = env_.clock().mono_now() + kFirstLookPatience;
    while (!looked_ && !stopping_ && env_.clock().wait_until(changed_, lock, until)) {
    }
  }
  return seen_states(foreign);
}

std::vector<pb::ContainerState> Observer::seen_states(bool foreign) {
  const std::lock_guard lock(mutex_);
  std::vector<pb::ContainerState> out;
  for (const auto& [name, state] : states_) {
    if (foreign || state.kind() != "foreign") {
      out.push_back(state);
    }
  }
  return out;
}

std::uint64_t Observer::wait_after(std::uint64_t version, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const auto until = env_.clock().mono_now() + patience;
  while (!stopping_ && version_ <= version && env_.clock().wait_until(changed_, lock, until)) {
  }
  return version_;
}

std::string Observer::runtime_error() {
  const std::lock_guard lock(mutex_);
  return runtime_error_;
}

}  // namespace mcp::agent
