// The boot sequence as a pure state machine: events in, actions out; no I/O, no clock of its own.
// Boot, recover and (later) bootstrap walk the same engine.
//
// Rules: a node starts when its needs are healthy and its stage is open, at most `parallel` nodes
// being prepared at once (a node in gating holds no slot). The next stage opens when every
// essential node of the present one is healthy, after a re-check of the present one's gates. A node
// whose preparation or gate fails by its deadline, or whose image is missing, is retried with
// back-off (2 s doubling to 60 s) while its dependants wait. When `stage_timeout` passes: one
// alert, then hold (keep retrying; later stages wait; the run goes on by itself once healthy) or
// proceed. A healthy node is never started again; one that fails its re-check is gated anew, and
// only when that gate is given up it counts as failed. The run is done when every node, essential
// or not, is healthy or skipped.
//
// A skipped node is not waited for: neither by its stage nor by its dependants.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/clock.h"
#include "mcp/boot/graph.h"

namespace mcp::boot {

using dsl::env::MonoTime;

enum class NodeState {
  kPending,  // its stage is not open, or no slot is free
  kBlocked,  // waits for its needs
  kPreparing,
  kGating,
  kHealthy,
  kRetrying,     // failed; again at retry_at
  kSkipped,      // by the operator
  kImageMissing  // as kRetrying, since the image may be loaded meanwhile
};
std::string_view name(NodeState state);  // "pending", "image-missing", ...
std::optional<NodeState> node_state_from_name(std::string_view name);

enum class RunState { kRunning, kHolding, kDone, kAborted };
std::string_view name(RunState state);

struct EngineOptions {
  int parallel = 6;
  std::chrono::milliseconds stage_timeout{300000};
  bool proceed_on_timeout = false;
  std::chrono::milliseconds retry_first{2000};
  std::chrono::milliseconds retry_max{60000};
};

// What happened outside. Answers that nobody waits for are ignored.
struct Event {
  enum class Kind {
    kStart,         // begin (or go on with restored states)
    kPrepared,      // node's container runs, or `error` says why not
    kImageMissing,  // node's image is not in the store
    kGate,          // the gate passed (error empty) or was given up at its deadline
    kRechecked,  // re-check of a healthy node at the end of its stage: error empty = still healthy
    kTick,       // a wake-up that was asked for
    // The operator; kRetry and kSkip name a node.
    kRetry,    // a failed node now; a skipped one again
    kSkip,     // nothing for a healthy node
    kProceed,  // open the next stage, whatever the present one is like
    kAbort,
  } kind = Kind::kTick;
  std::size_t node = 0;
  std::string error{};
  std::string answer{};  // the gate's last words
};

// What to do outside. kPrepare, kGate and kRecheck are answered by exactly one event each, by the
// node's deadline at the latest; a node has at most one of them under way.
struct Action {
  enum class Kind {
    kPersist,      // commit this node's row before the actions that follow it
    kPrepare,      // make the container exist with the right spec, and run
    kGate,         // probe until it passes or the node's deadline has passed
    kRecheck,      // probe a healthy node once
    kAlert,        // `message`
    kStageOpened,  // `message` is its name
    kFinished,     // state() says how
  } kind;
  std::size_t node = 0;
  std::string message;
};

struct NodeStatus {
  NodeState state = NodeState::kPending;
  int attempts = 0;                     // preparations begun
  std::string error;                    // of the last failure; empty once healthy
  std::string answer;                   // the gate's last words
  std::vector<std::size_t> blocked_by;  // kBlocked: the needs that are not healthy
  std::chrono::milliseconds took{0};    // first preparation to healthy
  MonoTime first_prepared{};
  MonoTime retry_at{};
};

// Confined to its owner.
class Engine {
 public:
  Engine(Graph graph, EngineOptions options);

  // Before kStart: what a former, interrupted run had reached. Healthy nodes stay healthy (the
  // stage's re-check sees whether they still are) and skipped ones skipped; everything else starts
  // over. Stages are walked from the first again.
  void restore(std::size_t node, NodeState state, int attempts);

  // Actions in the order in which they must be carried out.
  std::vector<Action> handle(const Event& event, MonoTime now);
  // When kTick is due, always later than the `now` of the last event; nothing = only another event
  // can change anything.
  std::optional<MonoTime> next_wakeup() const;

  const Graph& graph() const { return graph_; }
  const NodeStatus& status(std::size_t node) const { return statuses_[node]; }
  RunState state() const { return state_; }
  // Every stage is open and what is essential in the last one is healthy; only nodes that were left
  // behind (not essential, or by kProceed), each tried at least once, are tried further. Nobody
  // needs to wait for such a run.
  bool trailing() const;
  std::size_t stage() const { return stage_; }

 private:
  // What is under way outside for a node.
  enum class Awaited { kNothing, kPrepare, kGate, kRecheck };
  // What the engine knows of a node beside its public status.
  struct Progress {
    Awaited awaited = Awaited::kNothing;
    int failures = 0;  // in a row, within this process: sets the back-off
    bool prepared_before = false;
  };

  void on_event(const Event& event);
  void on_prepared(std::size_t node, const Event& event);
  void on_gate(std::size_t node, const Event& event);
  void on_rechecked(std::size_t node, const Event& event);
  void on_retry(std::size_t node);
  void on_skip(std::size_t node);

  void become(std::size_t node, NodeState state);
  void begin_gate(std::size_t node);
  void fail_attempt(std::size_t node, NodeState state, const std::string& error);

  // The steps after every event: stages first, then the timeout of the present one, then nodes.
  void advance_stages();
  void open_stage(std::size_t stage);
  void begin_recheck();
  void check_timeout();
  void start_nodes();
  void finish(RunState state);

  bool met(std::size_t node) const;  // healthy or skipped
  bool last_stage() const;
  bool stage_met() const;  // every essential node of the present stage
  bool all_met() const;
  bool slot_free() const;
  bool rechecking() const;  // in the present stage
  std::string describe_waiting() const;
  void emit(Action::Kind kind, std::size_t node = 0, std::string message = {});

  Graph graph_;
  EngineOptions options_;
  std::vector<NodeStatus> statuses_;
  std::vector<Progress> progress_;
  RunState state_ = RunState::kRunning;
  std::size_t stage_ = 0;
  bool started_ = false;
  bool rechecked_ = false;  // the re-check of the present stage was begun and nothing failed since
  bool alerted_ = false;    // the present stage's timeout has been reported
  int preparing_ = 0;       // slots in use
  MonoTime stage_deadline_{};

  // Of the event being handled.
  MonoTime now_{};
  std::vector<Action> actions_;
};

}  // namespace mcp::boot
