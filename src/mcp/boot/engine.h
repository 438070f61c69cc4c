// The boot sequence as a pure state machine: events in, actions out; no I/O, no clock of its own.
// Boot, recover and (later) bootstrap walk the same engine.
//
// Rules: a node starts when its needs are healthy and its stage is open, at most `parallel` nodes
// being prepared at once. The next stage opens when every essential node of the present one is
// healthy, after a re-check of the present one's gates. A node whose preparation or gate fails by
// its deadline is retried with back-off (2 s doubling to 60 s) while its dependants wait. When
// `stage_timeout` passes: one alert, then hold (keep retrying; later stages wait; the run goes on
// by itself once healthy) or proceed. A healthy node is never started again.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/clock.h"
#include "mcp/boot/graph.h"

namespace mcp::boot {

using dsl::env::MonoTime;

enum class NodeState {
  kPending,
  kBlocked,
  kPreparing,
  kGating,
  kHealthy,
  kRetrying,
  kSkipped,
  kImageMissing
};
std::string_view name(NodeState state);  // "pending", "image-missing", ...
std::optional<NodeState> node_state_from_name(std::string_view name);

enum class RunState { kRunning, kHolding, kDone, kAborted };
std::string_view name(RunState state);

struct EngineOptions {
  int parallel = 4;
  std::chrono::milliseconds stage_timeout{300000};
  bool proceed_on_timeout = false;
  std::chrono::milliseconds retry_first{2000};
  std::chrono::milliseconds retry_max{60000};
};

// What happened outside.
struct Event {
  enum class Kind {
    kStart,         // begin (or go on with restored states)
    kPrepared,      // node's container runs, or `error` says why not
    kImageMissing,  // node's image is not in the store
    kGate,          // the gate passed (error empty) or was given up at its deadline
    kRechecked,  // re-check of a healthy node at the end of its stage: error empty = still healthy
    kTick,       // a wake-up that was asked for
    kRetry,
    kSkip,
    kProceed,
    kAbort,  // the operator; kRetry and kSkip name a node
  } kind = Kind::kTick;
  std::size_t node = 0;
  std::string error;
  std::string answer;  // the gate's last words
};

// What to do outside; each answered by an event (except kPersist, kAlert, kStageOpened, kFinished).
struct Action {
  enum class Kind {
    kPersist,  // commit this node's row before the actions that follow it
    kPrepare,  // make the container exist with the right spec, and run
    kGate,     // probe until it passes or the node's deadline has passed
    kRecheck,  // probe a healthy node once
    kAlert,    // `message`
    kStageOpened,
    kFinished,
  } kind;
  std::size_t node = 0;
  std::string message;
};

struct NodeStatus {
  NodeState state = NodeState::kPending;
  int attempts = 0;
  std::string error;
  std::string answer;
  std::vector<std::size_t> blocked_by;
  std::chrono::milliseconds took{0};  // first preparation to healthy
  MonoTime first_prepared{};
  MonoTime retry_at{};
};

// Confined to its owner.
class Engine {
 public:
  Engine(Graph graph, EngineOptions options);

  // Before kStart: what a former, interrupted run had reached. Healthy nodes stay healthy (the
  // stage's re-check sees whether they still are); everything else starts over.
  void restore(std::size_t node, NodeState state, int attempts);

  // Actions in the order in which they must be carried out.
  std::vector<Action> handle(const Event& event, MonoTime now);
  // When kTick is due; nothing = only an event can change anything.
  std::optional<MonoTime> next_wakeup() const;

  const Graph& graph() const { return graph_; }
  const NodeStatus& status(std::size_t node) const { return statuses_[node]; }
  RunState state() const { return state_; }
  std::size_t stage() const { return stage_; }

 private:
  Graph graph_;
  EngineOptions options_;
  std::vector<NodeStatus> statuses_;
  RunState state_ = RunState::kRunning;
  std::size_t stage_ = 0;
};

}  // namespace mcp::boot
