// Runs the boot engine against a scripted world on a simulated clock, checks the promises that hold
// in every run, and keeps a log of what happened.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mcp/boot/engine.h"

namespace mcp::boot::testing {

using std::chrono::milliseconds;

// How one node's container behaves. Times count from the beginning of the simulation.
struct Behaviour {
  milliseconds prepare_takes{1000};
  milliseconds prepare_fails_until{0};
  milliseconds image_missing_until{0};
  milliseconds gate_takes{500};
  std::vector<std::pair<milliseconds, milliseconds>> unhealthy;  // [from, until)

  bool healthy_at(milliseconds time) const {
    return std::none_of(unhealthy.begin(), unhealthy.end(), [&](const auto& window) {
      return window.first <= time && time < window.second;
    });
  }
};

inline std::string show_time(milliseconds time) {
  const auto tenths = time.count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

class Simulation {
 public:
  Simulation(Graph graph, EngineOptions options, std::vector<Behaviour> world)
      : graph_(graph),
        options_(options),
        world_(std::move(world)),
        rows_(graph.nodes.size()),
        failed_recheck_(graph.nodes.size(), false),
        engine_(std::move(graph), options) {}

  // The operator's doing at `time`.
  void at(milliseconds time, Event event) { later(time, {Entry::Kind::kOperator, event}); }
  // The process dies at `time`, or before it carries out its `count`th action, and starts again at
  // once from what it had committed.
  void kill_at(milliseconds time) { later(time, {Entry::Kind::kKill, {}}); }
  void kill_before_action(std::size_t count) { kills_.insert(count); }

  // Until the run is over or nothing can happen any more, or `limit` has passed.
  void run(milliseconds limit = std::chrono::hours(24)) {
    feed({.kind = Event::Kind::kStart});
    while (!over()) {
      const auto tick = engine_.next_wakeup();
      if (tick && *tick <= clock()) {
        violation("a wake-up is not in the future");
        return;
      }
      const bool tick_first =
          tick && (queue_.empty() || *tick < MonoTime{} + queue_.begin()->first.first);
      if (!tick_first && queue_.empty()) {
        violation("nothing under way, and the run is not over");
        return;
      }
      if (tick_first) {
        now_ = std::chrono::ceil<milliseconds>(*tick - MonoTime{});
      } else {
        now_ = queue_.begin()->first.first;
      }
      if (now_ > limit) {
        return;
      }
      if (tick_first) {
        feed({.kind = Event::Kind::kTick});
        continue;
      }
      const Entry entry = queue_.begin()->second;
      queue_.erase(queue_.begin());
      if (entry.kind == Entry::Kind::kKill) {
        crash();
      } else {
        if (entry.kind == Entry::Kind::kAnswer) {
          under_way_.erase(entry.event.node);
          note_answer(entry.event);
        }
        feed(entry.event);
      }
    }
  }

  bool over() const {
    return engine_.state() == RunState::kDone || engine_.state() == RunState::kAborted;
  }
  const Engine& engine() const { return engine_; }
  const std::vector<std::string>& log() const { return log_; }
  const std::vector<std::string>& violations() const { return violations_; }
  std::size_t actions() const { return action_count_; }
  milliseconds now() const { return now_; }

 private:
  struct Entry {
    enum class Kind { kAnswer, kOperator, kKill } kind;
    Event event;
  };
  struct Row {
    NodeState state = NodeState::kPending;
    int attempts = 0;
    bool operator==(const Row&) const = default;
  };

  MonoTime clock() const { return MonoTime{} + now_; }

  void later(milliseconds time, Entry entry) {
    queue_.emplace(std::pair(time, ++sequence_), std::move(entry));
  }

  void answer(milliseconds delay, Event event) {
    under_way_[event.node] = event.kind;
    later(now_ + delay, {Entry::Kind::kAnswer, std::move(event)});
  }

  void say(const std::string& what) { log_.push_back(show_time(now_) + " " + what); }
  void violation(const std::string& what) { violations_.push_back(show_time(now_) + " " + what); }

  void feed(const Event& event) {
    const std::vector<Action> actions = engine_.handle(event, clock());
    for (const Action& action : actions) {
      if (kills_.count(++action_count_) != 0) {
        crash();
        return;
      }
      carry_out(action);
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i] != row_of(i) && row_of(i) != Row{}) {
        violation("state of " + key(i) + " was not committed");
      }
    }
    if (engine_.state() != last_state_) {
      last_state_ = engine_.state();
      say(std::string(name(last_state_)));
    }
  }

  // Everything in memory is lost, with the calls under way.
  void crash() {
    say("killed");
    for (auto entry = queue_.begin(); entry != queue_.end();) {
      entry = entry->second.kind == Entry::Kind::kAnswer ? queue_.erase(entry) : std::next(entry);
    }
    under_way_.clear();
    open_stages_ = 0;
    last_state_ = RunState::kRunning;
    engine_ = Engine(graph_, options_);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      engine_.restore(i, rows_[i].state, rows_[i].attempts);
      if (rows_[i].state == NodeState::kHealthy && row_of(i) != rows_[i]) {
        violation(key(i) + " was healthy before the kill and is not restored as such");
      }
      rows_[i] = row_of(i);
    }
    feed({.kind = Event::Kind::kStart});
  }

  void carry_out(const Action& action) {
    const std::size_t node = action.node;
    switch (action.kind) {
      case Action::Kind::kPersist:
        commit(node);
        return;
      case Action::Kind::kPrepare:
        check_prepare(node);
        return prepare(node);
      case Action::Kind::kGate:
        check_answered(node);
        if (rows_[node].state != NodeState::kGating) {
          violation("gate of " + key(node) + " begins before its row is committed");
        }
        return gate(node);
      case Action::Kind::kRecheck:
        check_answered(node);
        return recheck(node);
      case Action::Kind::kAlert:
        return say("alert: " + action.message);
      case Action::Kind::kStageOpened:
        ++open_stages_;
        return say("stage " + action.message);
      case Action::Kind::kFinished:
        return;
    }
  }

  void commit(std::size_t node) {
    const NodeStatus& status = engine_.status(node);
    if (rows_[node].state == NodeState::kHealthy && status.state != NodeState::kHealthy &&
        !failed_recheck_[node]) {
      violation(key(node) + " was healthy and is now " + std::string(name(status.state)));
    }
    rows_[node] = row_of(node);
    std::string line = key(node) + " " + std::string(name(status.state));
    if (!status.blocked_by.empty()) {
      line += " by " + key(status.blocked_by.front());
    } else if (status.state == NodeState::kRetrying || status.state == NodeState::kImageMissing) {
      line += " at " + show_time(std::chrono::ceil<milliseconds>(status.retry_at - MonoTime{})) +
              ": " + status.error;
    }
    say(line);
  }

  void check_answered(std::size_t node) {
    if (under_way_.count(node) != 0) {
      violation(key(node) + " has two things under way");
    }
  }

  void check_prepare(std::size_t node) {
    check_answered(node);
    if (rows_[node].state != NodeState::kPreparing) {
      violation(key(node) + " is prepared before its row is committed");
    }
    if (graph_.nodes[node].stage >= open_stages_) {
      violation(key(node) + " is prepared before its stage opens");
    }
    for (const std::size_t need : graph_.nodes[node].needs) {
      const NodeState state = rows_[need].state;
      if (state != NodeState::kHealthy && state != NodeState::kSkipped) {
        violation(key(node) + " is prepared before " + key(need) + " is healthy");
      }
    }
    int preparing = 1;
    for (const auto& [other, kind] : under_way_) {
      preparing += kind == Event::Kind::kPrepared || kind == Event::Kind::kImageMissing ? 1 : 0;
    }
    if (preparing > options_.parallel) {
      violation("too many are prepared at once");
    }
  }

  void prepare(std::size_t node) {
    const Behaviour& behaviour = world_[node];
    Event event{.kind = Event::Kind::kPrepared, .node = node};
    if (now_ < behaviour.image_missing_until) {
      event.kind = Event::Kind::kImageMissing;
      event.error = "no image";
    } else if (now_ < behaviour.prepare_fails_until) {
      event.error = "cannot start";
    }
    answer(behaviour.prepare_takes, event);
  }

  void gate(std::size_t node) {
    const Behaviour& behaviour = world_[node];
    const milliseconds deadline = now_ + graph_.nodes[node].deadline;
    milliseconds passes = now_ + behaviour.gate_takes;
    while (passes <= deadline && !behaviour.healthy_at(passes)) {
      passes += milliseconds(100);
    }
    if (passes <= deadline) {
      answer(passes - now_, {.kind = Event::Kind::kGate, .node = node, .answer = "200 ok"});
    } else {
      answer(deadline - now_,
             {.kind = Event::Kind::kGate, .node = node, .error = "refused", .answer = "refused"});
    }
  }

  void recheck(std::size_t node) {
    say("recheck " + key(node));
    const bool healthy = world_[node].healthy_at(now_);
    answer(milliseconds(10), {.kind = Event::Kind::kRechecked,
                              .node = node,
                              .error = healthy ? "" : "refused",
                              .answer = healthy ? "200 ok" : "refused"});
  }

  void note_answer(const Event& event) {
    if (event.kind == Event::Kind::kRechecked) {
      failed_recheck_[event.node] = !event.error.empty();
    }
  }

  Row row_of(std::size_t node) const {
    return {engine_.status(node).state, engine_.status(node).attempts};
  }
  const std::string& key(std::size_t node) const { return graph_.nodes[node].key; }

  Graph graph_;
  EngineOptions options_;
  std::vector<Behaviour> world_;
  std::vector<Row> rows_;  // what is on disk
  std::vector<bool> failed_recheck_;
  Engine engine_;
  milliseconds now_{0};
  std::size_t sequence_ = 0;
  std::map<std::pair<milliseconds, std::size_t>, Entry> queue_;
  std::map<std::size_t, Event::Kind> under_way_;
  std::set<std::size_t> kills_;
  std::size_t action_count_ = 0;
  std::size_t open_stages_ = 0;
  RunState last_state_ = RunState::kRunning;
  std::vector<std::string> log_;
  std::vector<std::string> violations_;
};

}  // namespace mcp::boot::testing
