#include "mcp/agent/boot_runner.h"

#include <algorithm>

#include "dsl/log/log.h"
#include "dsl/thread/worker_pool.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using boot::Action;
using boot::Event;
using boot::NodeState;
using boot::RunState;
using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::db::Row;
using dsl::db::Transaction;

namespace {

const dsl::log::Logger logger("agent.boot");
constexpr std::size_t kThreadsMax = 64;
constexpr std::chrono::milliseconds kLockWait{600000};
constexpr std::chrono::milliseconds kAbortPatience{10000};

std::int64_t to_ms(dsl::env::WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

// One walk over the graph. The engine is confined to the driver thread; what others may see of it
// is copied into `items` and `state` under the runner's mutex.
struct BootRunner::Run {
  std::int64_t id = 0;
  std::string reason;
  std::string boot_id;
  std::int64_t started_ms = 0;
  std::vector<ServiceRecord> records;  // constant once running
  std::map<std::string, std::pair<const ServiceRecord*, const ComponentRecord*>> by_key;
  std::vector<std::string> notices;
  std::unique_ptr<boot::Engine> engine;
  // As of each node's last preparation: a deploy or stop during the run must not be undone by it.
  std::vector<std::shared_ptr<const ServiceRecord>> current;
  std::vector<std::string> container_ids;  // of each node, once prepared
  std::vector<std::int64_t> started_seq;   // order of first preparation
  std::vector<std::int64_t> healthy_seq;
  std::int64_t seq = 0;

  // Guarded by the runner's mutex:
  std::deque<Event> inbox;
  std::uint64_t posted = 0;
  std::uint64_t handled = 0;
  std::vector<pb::BootItem> items;
  std::vector<std::uint64_t> versions;  // rises with each change of an item
  std::uint64_t version = 0;
  std::string state = "running";
  std::string stage;
  std::int64_t ended_ms = 0;
  bool trailing = false;  // only what was left behind is still tried
  bool over = false;

  std::atomic<bool> aborted = false;
  std::unique_ptr<dsl::WorkerPool> workers;
  std::thread driver;
};

BootRunner::BootRunner(dsl::env::Env& env, const Config& config, Registry& registry,
                       Containers& containers, EventLog& events, ServiceLocks& locks)
    : env_(env),
      config_(config),
      registry_(registry),
      containers_(containers),
      events_(events),
      locks_(locks) {}

BootRunner::~BootRunner() { stop(); }

bool BootRunner::running() {
  const std::lock_guard lock(mutex_);
  return run_ && !run_->over && !run_->trailing;
}

bool BootRunner::down() const { return down_; }

Result<std::unique_ptr<BootRunner::Run>> BootRunner::build(const Request& request) {
  auto run = std::make_unique<Run>();
  run->reason = request.reason;
  run->boot_id = request.boot_id;
  MC_ASSIGN(run->records, registry_.services());
  std::vector<model::Service> services;
  for (const ServiceRecord& record : run->records) {
    const bool wanted =
        request.services.empty() || std::find(request.services.begin(), request.services.end(),
                                              record.service.name) != request.services.end();
    // A stopped component is left out: what the operator stopped stays stopped across a reboot.
    model::Service service = record.service;
    std::erase_if(service.components, [&](const model::Component& component) {
      const ComponentRecord* known = record.find(component.name);
      return known == nullptr || !known->should_run;
    });
    if (!wanted || service.components.empty()) {
      service.active = false;
    }
    services.push_back(std::move(service));
    for (const ComponentRecord& component : record.components) {
      run->by_key[text("{}/{}", record.service.name, component.name)] = {&record, &component};
    }
  }
  MC_ASSIGN(boot::BuiltGraph built, boot::build_graph(services, config_.boot_stages));
  run->notices = std::move(built.notices);
  run->engine = std::make_unique<boot::Engine>(std::move(built.graph), config_.engine_options());
  const std::size_t count = run->engine->graph().nodes.size();
  run->current.resize(count);
  run->container_ids.resize(count);
  run->started_seq.resize(count);
  run->healthy_seq.resize(count);
  run->versions.resize(count);
  run->items.resize(count);
  run->workers = std::make_unique<dsl::WorkerPool>(
      "boot", dsl::WorkerPool::Limits{.threads_max = kThreadsMax, .queue_max = 4 * count + 16});
  return run;
}

Result<std::int64_t> BootRunner::begin(const Request& request) {
  MC_ASSIGN(std::unique_ptr<Run> run, build(request));
  if (request.replace || !running()) {
    abort_present();  // one that only trails gives way
  }
  return launch(std::move(run));
}

void BootRunner::abort_present() {
  std::unique_lock lock(mutex_);
  if (!run_ || run_->over) {
    return;
  }
  run_->inbox.push_back({.kind = Event::Kind::kAbort});
  ++run_->posted;
  changed_.notify_all();
  const auto deadline = env_.clock().mono_now() + kAbortPatience;
  while (run_ && !run_->over && env_.clock().wait_until(changed_, lock, deadline)) {
  }
}

Result<std::int64_t> BootRunner::launch(std::unique_ptr<Run> run) {
  const std::lock_guard one(launching_);
  std::unique_ptr<Run> former;
  {
    const std::lock_guard lock(mutex_);
    if (run_ && !run_->over) {
      return fail(Code::kConflict, "boot run {} ({}) is under way", run_->id, run_->reason)
          .id(model::code::kBootRunning)
          .hint("mcp boot status --watch follows it; mcp boot abort ends it");
    }
    former = std::move(run_);
  }
  if (former) {
    former->driver.join();
    former->workers->stop();
  }
  Run& started = *run;
  started.started_ms = to_ms(env_.clock().now());
  if (started.id == 0) {
    MC_ASSIGN(started.id, registry_.database().write([&](Transaction& tx) -> Result<std::int64_t> {
      MC_TRY(
          tx.run("INSERT INTO boot_runs(boot_id, reason, stage, state, started_at, ended_at) "
                 "VALUES(?, ?, '', 'running', ?, 0)",
                 started.boot_id, started.reason, started.started_ms));
      return tx.last_insert_id();
    }));
  }
  for (std::size_t node = 0; node < started.items.size(); ++node) {
    started.items[node] = item(started, node);
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return fail(Code::kUnavailable, "the agent is stopping");
    }
    MC_ASSERT(run_ == nullptr, "launches follow one another");
    down_ = false;
    run_ = std::move(run);
    started.driver = std::thread([this, &started] { drive(started); });
  }
  post(started, {.kind = Event::Kind::kStart});
  return started.id;
}

Result<std::optional<std::int64_t>> BootRunner::resume(const std::string& boot_id) {
  struct Item {
    std::string key;
    NodeState state;
    int attempts;
    std::int64_t started_seq;
    std::int64_t healthy_seq;
  };
  std::int64_t id = 0;
  std::string reason;
  std::vector<Item> items;
  const Result<void> loaded = registry_.database().read([&](Transaction& tx) -> Result<void> {
    MC_TRY(tx.query(
        "SELECT id, reason FROM boot_runs WHERE boot_id = ? AND state IN ('running', 'holding', "
        "'trailing') "
        "ORDER BY id DESC LIMIT 1",
        [&](Row& row) -> Result<void> {
          id = row.integer(0);
          reason = row.text(1);
          return {};
        },
        boot_id));
    return tx.query(
        "SELECT component, state, attempts, started_seq, healthy_seq FROM boot_items WHERE run = ?",
        [&](Row& row) -> Result<void> {
          const auto state = boot::node_state_from_name(row.text(1));
          items.push_back({row.text(0), state.value_or(NodeState::kPending),
                           static_cast<int>(row.integer(2)), row.integer(3), row.integer(4)});
          return {};
        },
        id);
  });
  MC_TRY(loaded);
  if (id == 0) {
    return std::optional<std::int64_t>();
  }
  MC_ASSIGN(std::unique_ptr<Run> run, build({.reason = reason, .boot_id = boot_id}));
  run->id = id;
  const std::vector<boot::Node>& nodes = run->engine->graph().nodes;
  for (const Item& item : items) {
    const auto node = std::find_if(nodes.begin(), nodes.end(),
                                   [&](const boot::Node& n) { return n.key == item.key; });
    if (node == nodes.end()) {
      continue;
    }
    const auto index = static_cast<std::size_t>(node - nodes.begin());
    run->engine->restore(index, item.state, item.attempts);
    run->started_seq[index] = item.started_seq;
    run->healthy_seq[index] = item.healthy_seq;
    run->seq = std::max({run->seq, item.started_seq, item.healthy_seq});
    if (item.state == NodeState::kHealthy) {
      run->container_ids[index] = run->by_key.at(item.key).second->container_id;
    }
  }
  MC_ASSIGN(const std::int64_t resumed, launch(std::move(run)));
  return std::optional<std::int64_t>(resumed);
}

void BootRunner::post(Run& run, Event event) {
  const std::lock_guard lock(mutex_);
  run.inbox.push_back(std::move(event));
  ++run.posted;
  changed_.notify_all();
}

// The driver: the only thread that touches the engine.
void BootRunner::drive(Run& run) {
  while (true) {
    Event event;
    bool real = false;
    {
      std::unique_lock lock(mutex_);
      const auto ready = [&] { return stopping_ || !run.inbox.empty(); };
      const std::optional<dsl::env::MonoTime> wakeup = run.engine->next_wakeup();
      while (!ready()) {
        const auto until = wakeup.value_or(env_.clock().mono_now() + std::chrono::hours(1));
        if (!env_.clock().wait_until(changed_, lock, until) && wakeup) {
          break;
        }
      }
      if (stopping_) {
        return;
      }
      if (!run.inbox.empty()) {
        event = std::move(run.inbox.front());
        run.inbox.pop_front();
        real = true;
      }
    }
    if (event.kind == Event::Kind::kAbort) {
      run.aborted = true;
    }
    for (const Action& action : run.engine->handle(event, env_.clock().mono_now())) {
      apply(run, action);
    }
    const RunState state = run.engine->state();
    const bool over = state == RunState::kDone || state == RunState::kAborted;
    {
      const std::lock_guard lock(mutex_);
      run.handled += real ? 1 : 0;
      run.trailing = run.engine->trailing();
      run.state = run.trailing ? "trailing" : boot::name(state);
      run.stage =
          run.engine->graph().stages.empty()
              ? ""
              : run.engine->graph()
                    .stages[std::min(run.engine->stage(), run.engine->graph().stages.size() - 1)];
      run.ended_ms = over ? to_ms(env_.clock().now()) : 0;
    }
    const Result<void> saved = persist_run(run);
    if (!saved) {
      logger.failure(dsl::log::Level::kError, "boot run not recorded", saved.error());
    }
    const std::lock_guard lock(mutex_);
    run.over = over;
    changed_.notify_all();
    if (over) {
      return;
    }
  }
}

void BootRunner::apply(Run& run, const Action& action) {
  const auto node = action.node;
  switch (action.kind) {
    case Action::Kind::kPersist: {
      if (run.engine->status(node).state == NodeState::kPreparing && run.started_seq[node] == 0) {
        run.started_seq[node] = ++run.seq;
      }
      if (run.engine->status(node).state == NodeState::kHealthy) {
        run.healthy_seq[node] = ++run.seq;
      }
      const Result<void> saved = persist(run, node);
      if (!saved) {
        logger.failure(dsl::log::Level::kError, "boot item not recorded", saved.error());
      }
      return;
    }
    case Action::Kind::kPrepare:
      MC_ASSERT(run.workers->submit([this, &run, node] { prepare(run, node); }),
                "the queue holds one entry for each node");
      return;
    case Action::Kind::kGate:
    case Action::Kind::kRecheck: {
      const bool recheck = action.kind == Action::Kind::kRecheck;
      MC_ASSERT(run.workers->submit([this, &run, node, recheck] { gate(run, node, recheck); }),
                "the queue holds one entry for each node");
      return;
    }
    case Action::Kind::kAlert:
      events_.add(Severity::kError, "boot_hold", "", "", action.message);
      return;
    case Action::Kind::kStageOpened:
      logger.info("boot stage opened", {{"stage", action.message}, {"run", run.id}});
      return;
    case Action::Kind::kFinished:
      events_.add(Severity::kInfo, "boot", "", "",
                  text("boot run {} ({}) {}", run.id, run.reason, boot::name(run.engine->state())));
      return;
  }
}

void BootRunner::prepare(Run& run, std::size_t node) {
  const boot::Node& target = run.engine->graph().nodes[node];
  Event event{.kind = Event::Kind::kPrepared, .node = node};
  Result<ServiceLocks::Hold> hold =
      locks_.acquire(target.service, text("boot run {}", run.id), kLockWait);
  if (!hold) {
    event.error = hold.error().message();
    post(run, std::move(event));
    return;
  }
  Result<std::optional<ServiceRecord>> fresh = registry_.service(target.service);
  if (!fresh) {
    event.error = fresh.error().message();
    post(run, std::move(event));
    return;
  }
  const ComponentRecord* component = *fresh ? (*fresh)->find(target.component) : nullptr;
  if (component == nullptr || !component->should_run || !(*fresh)->service.active) {
    post(run, {.kind = Event::Kind::kSkip, .node = node});  // stopped or undeployed meanwhile
    post(run, std::move(event));
    return;
  }
  run.current[node] = std::make_shared<const ServiceRecord>(**fresh);
  Result<Containers::Brought> brought = containers_.bring_up(**fresh, *component);
  if (brought) {
    run.container_ids[node] = brought->id;
    const Result<void> saved = registry_.set_container(target.service, target.component,
                                                       brought->id, brought->image_digest);
    if (!saved) {
      logger.failure(dsl::log::Level::kError, "container id not recorded", saved.error());
    }
  } else {
    event.kind = brought.error().id() == model::code::kImageMissing ? Event::Kind::kImageMissing
                                                                    : Event::Kind::kPrepared;
    event.error = brought.error().message();
    if (!brought.error().hint().empty()) {
      event.error += text(" ({})", brought.error().hint());
    }
  }
  post(run, std::move(event));
}

void BootRunner::gate(Run& run, std::size_t node, bool recheck) {
  const boot::Node& target = run.engine->graph().nodes[node];
  // A node that a former agent left healthy was not prepared in this process.
  const ServiceRecord* record =
      run.current[node] ? run.current[node].get() : run.by_key.at(target.key).first;
  const model::Component& spec = *record->service.find(target.component);
  const std::string& id = run.container_ids[node];
  const boot::Answer answer =
      recheck
          ? containers_.probe_gate(*record, spec, id)
          : containers_.wait_for_gate(*record, spec, id, [&] { return stopping_ || run.aborted; });
  post(run, {.kind = recheck ? Event::Kind::kRechecked : Event::Kind::kGate,
             .node = node,
             .error = answer.pass ? "" : answer.text,
             .answer = answer.warning.empty() ? answer.text
                                              : text("{} ({})", answer.text, answer.warning)});
}

pb::BootItem BootRunner::item(const Run& run, std::size_t node) const {
  const boot::Node& target = run.engine->graph().nodes[node];
  const boot::NodeStatus& status = run.engine->status(node);
  pb::BootItem item;
  item.set_service(target.service);
  item.set_component(target.component);
  item.set_stage(run.engine->graph().stages[target.stage]);
  item.set_state(std::string(boot::name(status.state)));
  item.set_attempts(status.attempts);
  item.set_gate(status.answer);
  item.set_error(status.error);
  item.set_ms(status.took.count());
  item.set_gate_type(run.by_key.at(target.key).first->service.find(target.component)->health.type);
  for (const std::size_t blocker : status.blocked_by) {
    item.add_blocked_by(run.engine->graph().nodes[blocker].key);
  }
  return item;
}

Result<void> BootRunner::persist(Run& run, std::size_t node) {
  const pb::BootItem row = item(run, node);
  {
    const std::lock_guard lock(mutex_);
    run.items[node] = row;
    run.versions[node] = ++run.version;
    changed_.notify_all();
  }
  const std::string key = text("{}/{}", row.service(), row.component());
  return registry_.database().write([&](Transaction& tx) {
    return tx.run(
        "INSERT INTO boot_items(run, component, stage, state, attempts, gate, error, ms, "
        "started_seq, healthy_seq) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(run, component) DO UPDATE SET state = excluded.state, "
        "attempts = excluded.attempts, gate = excluded.gate, error = excluded.error, "
        "ms = excluded.ms, started_seq = excluded.started_seq, "
        "healthy_seq = excluded.healthy_seq",
        run.id, key, row.stage(), row.state(), row.attempts(), row.gate(), row.error(), row.ms(),
        run.started_seq[node], run.healthy_seq[node]);
  });
}

Result<void> BootRunner::persist_run(Run& run) {
  std::string state;
  std::string stage;
  std::int64_t ended = 0;
  {
    const std::lock_guard lock(mutex_);
    state = run.state;
    stage = run.stage;
    ended = run.ended_ms;
  }
  return registry_.database().write([&](Transaction& tx) {
    return tx.run("UPDATE boot_runs SET state = ?, stage = ?, ended_at = ? WHERE id = ?", state,
                  stage, ended, run.id);
  });
}

pb::BootRun BootRunner::describe(const Run& run) const {
  pb::BootRun out;
  out.set_id(run.id);
  out.set_reason(run.reason);
  out.set_state(run.state);
  out.set_stage(run.stage);
  out.set_started_ms(run.started_ms);
  out.set_ended_ms(run.ended_ms);
  for (const pb::BootItem& item : run.items) {
    *out.add_items() = item;
  }
  return out;
}

Result<pb::BootRun> BootRunner::status() {
  {
    const std::lock_guard lock(mutex_);
    if (run_) {
      return describe(*run_);
    }
  }
  return load_last();
}

Result<pb::BootRun> BootRunner::load_last() {
  return registry_.database().read([](Transaction& tx) -> Result<pb::BootRun> {
    pb::BootRun run;
    MC_TRY(
        tx.query("SELECT id, reason, state, stage, started_at, ended_at FROM boot_runs "
                 "ORDER BY id DESC LIMIT 1",
                 [&](Row& row) -> Result<void> {
                   run.set_id(row.integer(0));
                   run.set_reason(row.text(1));
                   run.set_state(row.text(2));
                   run.set_stage(row.text(3));
                   run.set_started_ms(row.integer(4));
                   run.set_ended_ms(row.integer(5));
                   return {};
                 }));
    if (run.id() == 0) {
      return fail(Code::kNotFound, "this node has not booted anything yet")
          .hint("mcp boot starts a run");
    }
    MC_TRY(tx.query(
        "SELECT component, stage, state, attempts, gate, error, ms FROM boot_items WHERE run = ? "
        "ORDER BY started_seq, component",
        [&](Row& row) -> Result<void> {
          pb::BootItem& item = *run.add_items();
          const std::string key = row.text(0);
          item.set_service(key.substr(0, key.find('/')));
          item.set_component(key.substr(key.find('/') + 1));
          item.set_stage(row.text(1));
          item.set_state(row.text(2));
          item.set_attempts(static_cast<std::int32_t>(row.integer(3)));
          item.set_gate(row.text(4));
          item.set_error(row.text(5));
          item.set_ms(row.integer(6));
          return {};
        },
        run.id()));
    return run;
  });
}

Result<pb::BootRun> BootRunner::follow(
    std::int64_t run, bool until_held,
    const std::function<Result<void>(const pb::BootItem&)>& on_item,
    const std::function<bool()>& abandoned) {
  std::uint64_t seen = 0;
  while (!abandoned()) {
    std::vector<std::pair<std::uint64_t, pb::BootItem>> fresh;
    std::optional<pb::BootRun> end;
    {
      std::unique_lock lock(mutex_);
      if (!run_ || run_->id != run) {
        return fail(Code::kNotFound, "boot run {} has been replaced by another", run);
      }
      const bool over = run_->over || (until_held && (run_->trailing || run_->state == "holding"));
      if (run_->version <= seen && !over) {
        (void)env_.clock().wait_until(changed_, lock,
                                      env_.clock().mono_now() + std::chrono::milliseconds(200));
      }
      for (std::size_t node = 0; node < run_->items.size(); ++node) {
        if (run_->versions[node] > seen) {
          fresh.emplace_back(run_->versions[node], run_->items[node]);
        }
      }
      seen = run_->version;
      if (over) {
        end = describe(*run_);
      }
    }
    std::sort(fresh.begin(), fresh.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [version, item] : fresh) {
      MC_TRY(on_item(item));
    }
    if (end) {
      return *end;
    }
  }
  return fail(Code::kCancelled, "the caller has left; boot run {} goes on", run);
}

Result<pb::BootRun> BootRunner::control(const pb::BootControlRequest& request) {
  static const std::map<std::string, Event::Kind> kKinds{{"retry", Event::Kind::kRetry},
                                                         {"skip", Event::Kind::kSkip},
                                                         {"proceed", Event::Kind::kProceed},
                                                         {"abort", Event::Kind::kAbort}};
  const auto kind = kKinds.find(request.action());
  if (kind == kKinds.end()) {
    return fail(Code::kInvalidArgument, "boot control \"{}\" is not known", request.action())
        .hint("retry, skip, proceed or abort");
  }
  std::unique_lock lock(mutex_);
  if (!run_ || run_->over) {
    return fail(Code::kFailedPrecondition, "no boot run is under way")
        .id(model::code::kBootIdle)
        .hint("mcp boot starts one");
  }
  Event event{.kind = kind->second};
  const bool names_item = event.kind == Event::Kind::kRetry || event.kind == Event::Kind::kSkip;
  if (names_item) {
    bool found = false;
    for (std::size_t node = 0; node < run_->items.size(); ++node) {
      const pb::BootItem& item = run_->items[node];
      const std::string key = text("{}/{}", item.service(), item.component());
      if (key == request.component() || (item.service() == request.component() && !found)) {
        event.node = node;
        found = true;
      }
    }
    if (!found) {
      return fail(Code::kNotFound, "no item {} in this boot run", request.component())
          .hint("mcp boot status lists the items as service/component");
    }
  }
  run_->inbox.push_back(std::move(event));
  const std::uint64_t number = ++run_->posted;
  changed_.notify_all();
  const std::int64_t id = run_->id;
  const auto deadline = env_.clock().mono_now() + std::chrono::seconds(5);
  while (run_ && run_->id == id && run_->handled < number &&
         env_.clock().wait_until(changed_, lock, deadline)) {
  }
  if (!run_ || run_->id != id) {
    return fail(Code::kUnavailable, "boot run {} has ended", id);
  }
  return describe(*run_);
}

Result<void> BootRunner::take_down(
    runtime::Runtime& runtime, const std::function<Result<void>(const pb::BootItem&)>& on_item) {
  if (running()) {
    return fail(Code::kConflict, "a boot run is under way")
        .id(model::code::kBootRunning)
        .hint("mcp boot abort ends it");
  }
  MC_ASSIGN(const std::unique_ptr<Run> run, build({.reason = "down"}));
  down_ = true;
  const std::vector<boot::Node>& nodes = run->engine->graph().nodes;
  for (std::size_t node = nodes.size(); node-- > 0;) {
    const auto& [record, component] = run->by_key.at(nodes[node].key);
    MC_ASSIGN(const ServiceLocks::Hold hold,
              locks_.acquire(nodes[node].service, "boot down", kLockWait));
    const auto begun = env_.clock().mono_now();
    const Result<runtime::Container> live = runtime.inspect(component->container);
    if (live) {
      MC_TRY(runtime.stop(live->id, record->service.find(component->name)->stop_timeout));
    } else if (live.error().code() != Code::kNotFound) {
      return tl::unexpected(live.error());
    }
    pb::BootItem row = item(*run, node);
    row.set_state("stopped");
    row.set_ms(
        std::chrono::duration_cast<std::chrono::milliseconds>(env_.clock().mono_now() - begun)
            .count());
    (void)on_item(row);  // whoever asked may have left; half down would be worse
  }
  events_.add(Severity::kInfo, "boot", "", "", "everything stopped in reverse boot order");
  return {};
}

void BootRunner::stop() {
  std::unique_ptr<Run> run;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    run = std::move(run_);
    changed_.notify_all();
  }
  if (run) {
    if (run->driver.joinable()) {
      run->driver.join();
    }
    run->workers->stop();
  }
}

}  // namespace mcp::agent
