#include "mcp/agent/boot_runner.h"

#include <algorithm>
#include <tuple>

#include "dsl/log/log.h"
#include "mcp/agent/boot_run.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using boot::Action;
using boot::Event;
using boot::NodeState;
using boot::RunState;
using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.boot");
constexpr std::size_t kThreadsMax = 64;
constexpr std::chrono::milliseconds kAbortPatience{10000};

std::int64_t to_ms(dsl::env::WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

BootRunner::BootRunner(dsl::env::Env& env, const Config& config, Registry& registry,
                       Containers& containers, EventLog& events, ServiceLocks& locks)
    : env_(env),
      config_(config),
      registry_(registry),
      containers_(containers),
      events_(events),
      locks_(locks),
      records_(registry) {}

BootRunner::~BootRunner() { stop(); }

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
  run->just_started.resize(count);
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
    MC_ASSIGN(started.id, records_.create(started.boot_id, started.reason, started.started_ms));
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
  MC_ASSIGN(const std::optional<BootRecords::Unfinished> left, records_.unfinished(boot_id));
  if (!left) {
    return std::optional<std::int64_t>();
  }
  MC_ASSIGN(std::unique_ptr<Run> run, build({.reason = left->reason, .boot_id = boot_id}));
  run->id = left->id;
  const std::vector<boot::Node>& nodes = run->engine->graph().nodes;
  for (const BootRecords::Item& item : left->items) {
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

// The driver: the only thread that touches the engine. What is waiting is taken together: its rows
// are one commit, and only then do the actions follow.
void BootRunner::drive(Run& run) {
  while (true) {
    std::deque<Event> events;
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
      events.swap(run.inbox);
    }
    const std::size_t handled = events.size();
    if (events.empty()) {
      events.emplace_back();  // the time has come that the engine asked for
    }
    std::vector<Action> actions;
    for (const Event& event : events) {
      run.aborted = run.aborted || event.kind == Event::Kind::kAbort;
      for (Action& action : run.engine->handle(event, env_.clock().mono_now())) {
        if (action.kind == Action::Kind::kPersist) {
          note_change(run, action.node);
        } else {
          actions.push_back(std::move(action));
        }
      }
    }
    Result<void> saved = persist_items(run);
    if (!saved) {
      logger.failure(dsl::log::Level::kError, "boot items not recorded", saved.error());
    }
    for (const Action& action : actions) {
      apply(run, action);
    }
    const RunState state = run.engine->state();
    const bool over = state == RunState::kDone || state == RunState::kAborted;
    {
      const std::lock_guard lock(mutex_);
      run.handled += handled;
      run.trailing = run.engine->trailing();
      run.state = run.trailing ? "trailing" : boot::name(state);
      run.stage =
          run.engine->graph().stages.empty()
              ? ""
              : run.engine->graph()
                    .stages[std::min(run.engine->stage(), run.engine->graph().stages.size() - 1)];
      run.ended_ms = over ? to_ms(env_.clock().now()) : 0;
    }
    saved = persist_run(run);
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

// What others see of a node at once, and its row with the next commit.
void BootRunner::note_change(Run& run, std::size_t node) {
  const NodeState state = run.engine->status(node).state;
  if (state == NodeState::kPreparing && run.started_seq[node] == 0) {
    run.started_seq[node] = ++run.seq;
  }
  if (state == NodeState::kHealthy) {
    run.healthy_seq[node] = ++run.seq;
  }
  if (std::find(run.unsaved.begin(), run.unsaved.end(), node) == run.unsaved.end()) {
    run.unsaved.push_back(node);
  }
  pb::BootItem row = item(run, node);
  const std::lock_guard lock(mutex_);
  run.items[node] = std::move(row);
  run.versions[node] = ++run.version;
  changed_.notify_all();
}

void BootRunner::apply(Run& run, const Action& action) {
  const auto node = action.node;
  switch (action.kind) {
    case Action::Kind::kPersist:
      return;  // done before any action: see drive
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

// The rows are what a later agent goes on from.
Result<void> BootRunner::persist_items(Run& run) {
  if (run.unsaved.empty()) {
    return {};
  }
  std::vector<BootRecords::ItemRow> rows;
  for (const std::size_t node : run.unsaved) {
    rows.push_back({run.items[node], run.started_seq[node], run.healthy_seq[node]});
  }
  run.unsaved.clear();
  return records_.save_items(run.id, rows);
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
  // Most events change items only, and each write waits for the disk.
  const auto now = std::tuple(state, stage, ended);
  if (run.saved == now) {
    return {};
  }
  MC_TRY(records_.save_run(run.id, state, stage, ended));
  run.saved = now;
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
