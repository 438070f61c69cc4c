#include "mcp/boot/graph.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <set>

namespace mcp::boot {

namespace {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

// How many findings one error lists; the rest is only counted.
constexpr std::size_t kDetailsMax = 50;

// A node before the nodes are put in order; `needs` are keys.
struct Draft {
  Node node;
  std::set<std::string> needs;
};

class Builder {
 public:
  Builder(const std::vector<model::Service>& services, const std::vector<std::string>& stages)
      : services_(services), stages_(stages) {}

  Result<BuiltGraph> build() {
    collect_nodes();
    collect_edges();
    if (problems_.details().empty()) {
      check_stages();
    }
    if (problems_.details().empty()) {
      order_nodes();
    }
    if (!problems_.details().empty()) {
      return tl::unexpected(problems_);
    }
    return std::move(built_);
  }

 private:
  void problem(const std::string& where, std::string message) {
    if (problems_.details().size() < kDetailsMax) {
      problems_.add_detail(where, std::move(message));
    }
  }

  void collect_nodes() {
    for (const model::Service& service : services_) {
      if (!by_name_.emplace(service.name, &service).second) {
        problem(service.name, "is defined twice");
        continue;
      }
      const auto stage = std::find(stages_.begin(), stages_.end(), service.tier);
      if (stage == stages_.end()) {
        problem(service.name, text("unknown stage {}", service.tier));
        continue;
      }
      if (!service.active) {
        continue;
      }
      for (const model::Component& component : service.components) {
        Draft draft;
        draft.node.key = service.name + "/" + component.name;
        draft.node.service = service.name;
        draft.node.component = component.name;
        draft.node.stage = static_cast<std::size_t>(stage - stages_.begin());
        draft.node.essential = service.essential;
        draft.node.deadline = component.health.deadline + component.health.start_period;
        const std::string key = draft.node.key;
        if (!drafts_.emplace(key, std::move(draft)).second) {
          problem(key, "is defined twice");
        }
      }
    }
  }

  void collect_edges() {
    for (const auto& [name, service] : by_name_) {
      if (!service->active) {
        continue;
      }
      std::set<std::string> outside;
      for (const std::string& target : service->depends_on) {
        add_targets(*service, target, outside);
      }
      for (const model::Component& component : service->components) {
        const auto draft = drafts_.find(name + "/" + component.name);
        if (draft == drafts_.end()) {
          continue;  // its stage is unknown: already reported
        }
        draft->second.needs.insert(outside.begin(), outside.end());
        for (const std::string& sibling : component.after) {
          const std::string key = name + "/" + sibling;
          if (drafts_.count(key) == 0) {
            problem(draft->first, text("after = \"{}\": {} has no such component", sibling, name));
            continue;
          }
          draft->second.needs.insert(key);
        }
      }
    }
  }

  // Adds the keys that `target` ("service" or "service/component") stands for.
  void add_targets(const model::Service& service, const std::string& target,
                   std::set<std::string>& keys) {
    const std::size_t slash = target.find('/');
    const std::string wanted = target.substr(0, slash);
    const auto found = by_name_.find(wanted);
    if (found == by_name_.end()) {
      problem(service.name, text("depends_on = \"{}\": no such service", target));
      return;
    }
    const auto& components = found->second->components;
    const auto matches = [&](const model::Component& component) {
      return slash == std::string::npos || component.name == target.substr(slash + 1);
    };
    if (slash != std::string::npos && std::none_of(components.begin(), components.end(), matches)) {
      problem(service.name, text("depends_on = \"{}\": no such component", target));
      return;
    }
    if (!found->second->active) {
      built_.notices.push_back(
          text("{} depends on {}, which is not active: not waited for", service.name, target));
      return;
    }
    for (const model::Component& component : components) {
      if (matches(component)) {
        keys.insert(wanted + "/" + component.name);
      }
    }
  }

  void check_stages() {
    for (const auto& [key, draft] : drafts_) {
      for (const std::string& need : draft.needs) {
        const std::size_t stage = drafts_.at(need).node.stage;
        if (stage > draft.node.stage) {
          problem(key, text("stage {} needs {} of the later stage {}", stages_[draft.node.stage],
                            need, stages_[stage]));
        }
      }
    }
  }

  // Kahn's algorithm; the queue yields the lowest (stage, key) among the nodes whose needs are
  // placed. No edge leads to a later stage, so a whole stage comes out before the next.
  void order_nodes() {
    std::map<std::string, std::size_t> missing;
    std::map<std::string, std::vector<std::string>> wanted_by;
    using Entry = std::pair<std::size_t, std::string>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    for (const auto& [key, draft] : drafts_) {
      missing[key] = draft.needs.size();
      for (const std::string& need : draft.needs) {
        wanted_by[need].push_back(key);
      }
      if (draft.needs.empty()) {
        ready.emplace(draft.node.stage, key);
      }
    }
    std::map<std::string, std::size_t> placed;
    while (!ready.empty()) {
      const std::string key = ready.top().second;
      ready.pop();
      Draft& draft = drafts_.at(key);
      for (const std::string& need : draft.needs) {
        draft.node.needs.push_back(placed.at(need));
      }
      std::sort(draft.node.needs.begin(), draft.node.needs.end());
      placed[key] = built_.graph.nodes.size();
      built_.graph.nodes.push_back(draft.node);
      for (const std::string& dependant : wanted_by[key]) {
        if (--missing[dependant] == 0) {
          ready.emplace(drafts_.at(dependant).node.stage, dependant);
        }
      }
    }
    if (placed.size() < drafts_.size()) {
      report_cycle(placed);
    }
    built_.graph.stages = stages_;
  }

  // Each node that could not be placed needs another such one: following these needs must come back
  // to a node already seen, and what lies between is a cycle.
  void report_cycle(const std::map<std::string, std::size_t>& placed) {
    const auto unplaced = [&](const std::string& key) { return placed.count(key) == 0; };
    std::string key;
    for (const auto& entry : drafts_) {
      if (unplaced(entry.first)) {
        key = entry.first;
        break;
      }
    }
    std::vector<std::string> path;
    while (std::find(path.begin(), path.end(), key) == path.end()) {
      path.push_back(key);
      const auto& needs = drafts_.at(key).needs;
      key = *std::find_if(needs.begin(), needs.end(), unplaced);
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), key));
    // Begin at the lowest key, so that one cycle has one rendering.
    std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
    std::string cycle;
    for (const std::string& each : path) {
      cycle += each + " -> ";
    }
    problem(path.front(), text("dependency cycle: {}{}", cycle, path.front()));
  }

  const std::vector<model::Service>& services_;
  const std::vector<std::string>& stages_;
  std::map<std::string, const model::Service*> by_name_;
  std::map<std::string, Draft> drafts_;
  BuiltGraph built_;
  Error problems_ = fail(Code::kUnprocessable, "the services cannot be put in a boot order")
                        .hint("correct depends_on, after or tier of the services named");
};

}  // namespace

Result<BuiltGraph> build_graph(const std::vector<model::Service>& services,
                               const std::vector<std::string>& stages) {
  return Builder(services, stages).build();
}

}  // namespace mcp::boot
