#include "mcp/boot/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dsl/result/result.h"

namespace mcp::boot {

namespace {

using dsl::text;

constexpr std::array<std::pair<NodeState, std::string_view>, 8> kNodeStates = {{
    {NodeState::kPending, "pending"},
    {NodeState::kBlocked, "blocked"},
    {NodeState::kPreparing, "preparing"},
    {NodeState::kGating, "gating"},
    {NodeState::kHealthy, "healthy"},
    {NodeState::kRetrying, "retrying"},
    {NodeState::kSkipped, "skipped"},
    {NodeState::kImageMissing, "image-missing"},
}};

// How many nodes an alert names.
constexpr std::size_t kAlertNodesMax = 5;

bool waits_for_retry(NodeState state) {
  return state == NodeState::kRetrying || state == NodeState::kImageMissing;
}

}  // namespace

std::string_view name(NodeState state) {
  return kNodeStates[static_cast<std::size_t>(state)].second;
}

std::optional<NodeState> node_state_from_name(std::string_view name) {
  for (const auto& [state, text] : kNodeStates) {
    if (text == name) {
      return state;
    }
  }
  return std::nullopt;
}

std::string_view name(RunState state) {
  switch (state) {
    case RunState::kRunning:
      return "running";
    case RunState::kHolding:
      return "holding";
    case RunState::kDone:
      return "done";
    case RunState::kAborted:
      return "aborted";
  }
  return "running";
}

Engine::Engine(Graph graph, EngineOptions options)
    : graph_(std::move(graph)),
      options_(options),
      statuses_(graph_.nodes.size()),
      progress_(graph_.nodes.size()) {
  MC_ASSERT(options_.parallel > 0, "a boot without a slot cannot go on");
  MC_ASSERT(options_.stage_timeout.count() > 0 && options_.retry_first.count() > 0,
            "waiting takes time");
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    MC_ASSERT(graph_.nodes[i].stage < graph_.stages.size(), "every node has a stage");
    for (const std::size_t need : graph_.nodes[i].needs) {
      MC_ASSERT(need < i, "needs come first");
    }
  }
}

void Engine::restore(std::size_t node, NodeState state, int attempts) {
  MC_ASSERT(!started_, "restore comes before kStart");
  MC_ASSERT(node < statuses_.size(), "node of this graph");
  const bool kept = state == NodeState::kHealthy || state == NodeState::kSkipped;
  statuses_[node].state = kept ? state : NodeState::kPending;
  statuses_[node].attempts = attempts;
}

std::vector<Action> Engine::handle(const Event& event, MonoTime now) {
  const bool over = state_ == RunState::kDone || state_ == RunState::kAborted;
  if (over || (!started_ && event.kind != Event::Kind::kStart)) {
    return {};
  }
  // A run over no nodes is over with its kStart, so node 0 exists for any later event.
  MC_ASSERT(event.node < statuses_.size() || statuses_.empty(), "node of this graph");
  now_ = now;
  actions_.clear();
  on_event(event);
  advance_stages();
  check_timeout();
  start_nodes();
  return std::exchange(actions_, {});
}

std::optional<MonoTime> Engine::next_wakeup() const {
  std::optional<MonoTime> next;
  const auto at = [&next](MonoTime time) { next = next ? std::min(*next, time) : time; };
  if (!started_ || state_ == RunState::kDone || state_ == RunState::kAborted) {
    return next;
  }
  if (!alerted_ && !stage_met()) {
    at(stage_deadline_);
  }
  // Without a free slot a retry waits for a kPrepared anyway.
  for (const NodeStatus& status : statuses_) {
    if (slot_free() && waits_for_retry(status.state)) {
      at(status.retry_at);
    }
  }
  return next;
}

void Engine::on_event(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kStart:
      if (!started_) {
        started_ = true;
        if (graph_.stages.empty()) {
          finish(RunState::kDone);
        } else {
          open_stage(0);
        }
      }
      return;
    case Event::Kind::kPrepared:
    case Event::Kind::kImageMissing:
      return on_prepared(event.node, event);
    case Event::Kind::kGate:
      return on_gate(event.node, event);
    case Event::Kind::kRechecked:
      return on_rechecked(event.node, event);
    case Event::Kind::kRetry:
      return on_retry(event.node);
    case Event::Kind::kSkip:
      return on_skip(event.node);
    case Event::Kind::kProceed:
      if (!last_stage()) {
        open_stage(stage_ + 1);
      }
      return;
    case Event::Kind::kAbort:
      return finish(RunState::kAborted);
    case Event::Kind::kTick:
      return;
  }
}

void Engine::on_prepared(std::size_t node, const Event& event) {
  if (progress_[node].awaited != Awaited::kPrepare) {
    return;
  }
  progress_[node].awaited = Awaited::kNothing;
  --preparing_;
  if (statuses_[node].state == NodeState::kSkipped) {
    return;
  }
  if (event.kind == Event::Kind::kImageMissing) {
    fail_attempt(node, NodeState::kImageMissing, event.error);
  } else if (!event.error.empty()) {
    fail_attempt(node, NodeState::kRetrying, event.error);
  } else {
    begin_gate(node);
  }
}

void Engine::on_gate(std::size_t node, const Event& event) {
  if (progress_[node].awaited != Awaited::kGate) {
    return;
  }
  progress_[node].awaited = Awaited::kNothing;
  NodeStatus& status = statuses_[node];
  status.answer = event.answer;
  if (!event.error.empty()) {
    if (status.state != NodeState::kSkipped) {
      fail_attempt(node, NodeState::kRetrying, event.error);
    }
    return;
  }
  // A skipped node whose gate passes after all is healthy: that is the truth.
  status.error.clear();
  progress_[node].failures = 0;
  if (progress_[node].prepared_before) {
    status.took = std::chrono::ceil<std::chrono::milliseconds>(now_ - status.first_prepared);
  }
  become(node, NodeState::kHealthy);
}

void Engine::on_rechecked(std::size_t node, const Event& event) {
  if (progress_[node].awaited != Awaited::kRecheck) {
    return;
  }
  progress_[node].awaited = Awaited::kNothing;
  statuses_[node].answer = event.answer;
  if (!event.error.empty()) {
    statuses_[node].error = event.error;
    begin_gate(node);
  }
}

void Engine::on_retry(std::size_t node) {
  NodeStatus& status = statuses_[node];
  if (waits_for_retry(status.state)) {
    progress_[node].failures = 0;
    status.retry_at = now_;
  } else if (status.state == NodeState::kSkipped) {
    // What was under way when it was skipped goes on.
    const Awaited awaited = progress_[node].awaited;
    become(node, awaited == Awaited::kPrepare ? NodeState::kPreparing
                 : awaited == Awaited::kGate  ? NodeState::kGating
                                              : NodeState::kPending);
  }
}

void Engine::on_skip(std::size_t node) {
  if (!met(node)) {
    become(node, NodeState::kSkipped);
  }
}

void Engine::become(std::size_t node, NodeState state) {
  if (statuses_[node].state == state) {
    return;
  }
  statuses_[node].state = state;
  statuses_[node].blocked_by.clear();
  emit(Action::Kind::kPersist, node);
}

void Engine::begin_gate(std::size_t node) {
  progress_[node].awaited = Awaited::kGate;
  become(node, NodeState::kGating);
  emit(Action::Kind::kGate, node);
}

void Engine::fail_attempt(std::size_t node, NodeState state, const std::string& error) {
  auto delay = options_.retry_first;
  for (int i = 0; i < progress_[node].failures && delay < options_.retry_max; ++i) {
    delay *= 2;
  }
  ++progress_[node].failures;
  statuses_[node].error = error;
  statuses_[node].retry_at = now_ + std::min(delay, options_.retry_max);
  become(node, state);
}

// One event may open several stages: an empty one, or one whose nodes were all restored or skipped.
void Engine::advance_stages() {
  while (state_ == RunState::kRunning || state_ == RunState::kHolding) {
    if (!stage_met()) {
      rechecked_ = false;
      return;
    }
    state_ = RunState::kRunning;
    if (last_stage() && !all_met()) {
      return;
    }
    if (!rechecked_ && !rechecking()) {
      begin_recheck();
    }
    if (rechecking()) {
      return;
    }
    if (last_stage()) {
      return finish(RunState::kDone);
    }
    open_stage(stage_ + 1);
  }
}

bool Engine::all_met() const {
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (!met(i)) {
      return false;
    }
  }
  return true;
}

bool Engine::trailing() const {
  if (state_ != RunState::kRunning || !last_stage() || !stage_met()) {
    return false;
  }
  bool behind = false;
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const bool tried = progress_[i].failures > 0 || statuses_[i].state == NodeState::kBlocked;
    if (!met(i) && !tried) {
      return false;
    }
    behind = behind || !met(i);
  }
  return behind;
}

void Engine::open_stage(std::size_t stage) {
  stage_ = stage;
  stage_deadline_ = now_ + options_.stage_timeout;
  alerted_ = false;
  rechecked_ = false;
  state_ = RunState::kRunning;
  emit(Action::Kind::kStageOpened, 0, graph_.stages[stage]);
}

void Engine::begin_recheck() {
  rechecked_ = true;
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (graph_.nodes[i].stage == stage_ && statuses_[i].state == NodeState::kHealthy) {
      progress_[i].awaited = Awaited::kRecheck;
      emit(Action::Kind::kRecheck, i);
    }
  }
}

void Engine::check_timeout() {
  if (state_ != RunState::kRunning || now_ < stage_deadline_ || stage_met()) {
    return;
  }
  const bool proceed = options_.proceed_on_timeout && !last_stage();
  if (!alerted_) {
    alerted_ = true;
    emit(Action::Kind::kAlert, 0,
         text("stage {} is not healthy after {} s, {}: {}", graph_.stages[stage_],
              std::chrono::duration_cast<std::chrono::seconds>(options_.stage_timeout).count(),
              proceed ? "going on without it" : "holding", describe_waiting()));
  }
  if (proceed) {
    open_stage(stage_ + 1);
    advance_stages();
  } else {
    state_ = RunState::kHolding;
  }
}

void Engine::start_nodes() {
  if (state_ != RunState::kRunning && state_ != RunState::kHolding) {
    return;
  }
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    NodeStatus& status = statuses_[i];
    const bool fresh = status.state == NodeState::kPending || status.state == NodeState::kBlocked;
    const bool due = waits_for_retry(status.state) && status.retry_at <= now_;
    if ((!fresh && !due) || graph_.nodes[i].stage > stage_) {
      continue;
    }
    std::vector<std::size_t> unmet;
    for (const std::size_t need : graph_.nodes[i].needs) {
      if (!met(need)) {
        unmet.push_back(need);
      }
    }
    if (!unmet.empty()) {
      become(i, NodeState::kBlocked);
      status.blocked_by = std::move(unmet);
      continue;
    }
    if (!slot_free()) {
      if (status.state == NodeState::kBlocked) {
        become(i, NodeState::kPending);
      }
      continue;
    }
    ++preparing_;
    ++status.attempts;
    if (!progress_[i].prepared_before) {
      progress_[i].prepared_before = true;
      status.first_prepared = now_;
    }
    progress_[i].awaited = Awaited::kPrepare;
    become(i, NodeState::kPreparing);
    emit(Action::Kind::kPrepare, i);
  }
}

void Engine::finish(RunState state) {
  state_ = state;
  emit(Action::Kind::kFinished);
}

bool Engine::met(std::size_t node) const {
  const NodeState state = statuses_[node].state;
  return state == NodeState::kHealthy || state == NodeState::kSkipped;
}

bool Engine::last_stage() const { return stage_ + 1 >= graph_.stages.size(); }

bool Engine::stage_met() const {
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (graph_.nodes[i].stage == stage_ && graph_.nodes[i].essential && !met(i)) {
      return false;
    }
  }
  return true;
}

bool Engine::slot_free() const { return preparing_ < options_.parallel; }

bool Engine::rechecking() const {
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (graph_.nodes[i].stage == stage_ && progress_[i].awaited == Awaited::kRecheck) {
      return true;
    }
  }
  return false;
}

std::string Engine::describe_waiting() const {
  std::string list;
  std::size_t named = 0;
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    if (node.stage != stage_ || !node.essential || met(i)) {
      continue;
    }
    if (++waiting > kAlertNodesMax) {
      continue;
    }
    const NodeStatus& status = statuses_[i];
    std::string why = status.error;
    if (!status.blocked_by.empty()) {
      why = "by " + graph_.nodes[status.blocked_by.front()].key;
    }
    list += text("{}{} is {}{}", named++ == 0 ? "" : "; ", node.key, name(status.state),
                 why.empty() ? "" : " (" + why + ")");
  }
  return waiting > named ? text("{}; and {} more", list, waiting - named) : list;
}

void Engine::emit(Action::Kind kind, std::size_t node, std::string message) {
  actions_.push_back({kind, node, std::move(message)});
}

}  // namespace mcp::boot
