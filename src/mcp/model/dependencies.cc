// Edges between services and between the components of one.
#include <algorithm>
#include <set>

#include "mcp/model/problems.h"
#include "mcp/model/resolve_parts.h"

namespace mcp::model {

namespace {

using Edges = std::map<std::string, std::vector<std::string>>;

// Depth-first with an explicit stack: the graph is foreign input, and as deep as it likes.
class CycleSearch {
 public:
  explicit CycleSearch(const Edges& edges) : edges_(edges) {}

  std::string run() {
    for (const auto& [name, targets] : edges_) {
      (void)targets;
      if (std::string cycle = from(name); !cycle.empty()) {
        return cycle;
      }
    }
    return "";
  }

 private:
  struct Frame {
    std::string name;
    std::size_t next = 0;
  };

  std::string from(const std::string& start) {
    if (!done_.contains(start)) {
      push(start);
    }
    while (!path_.empty()) {
      Frame& frame = path_.back();
      const auto found = edges_.find(frame.name);
      if (found == edges_.end() || frame.next == found->second.size()) {
        on_path_.erase(frame.name);
        done_.insert(frame.name);
        path_.pop_back();
        continue;
      }
      const std::string& target = found->second[frame.next++];
      if (on_path_.contains(target)) {
        return printed(target);
      }
      if (!done_.contains(target)) {
        push(target);
      }
    }
    return "";
  }

  void push(const std::string& name) {
    on_path_.insert(name);
    path_.push_back({name});
  }

  // The path from `back` to the top, closed.
  std::string printed(const std::string& back) const {
    auto at = std::find_if(path_.begin(), path_.end(),
                           [&](const Frame& frame) { return frame.name == back; });
    std::string text;
    for (; at != path_.end(); ++at) {
      text += at->name + " -> ";
    }
    return text + back;
  }

  const Edges& edges_;
  std::vector<Frame> path_;
  std::set<std::string> on_path_;
  std::set<std::string> done_;
};

// The shortest cycle through `name`, as the names on it, `name` at both ends; or nothing.
std::vector<std::string> cycle_through(const Edges& edges, const std::string& name) {
  std::map<std::string, std::string> reached_from;
  std::vector<std::string> queue{name};
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const std::string from = queue[i];
    const auto targets = edges.find(from);
    if (targets == edges.end()) {
      continue;
    }
    for (const std::string& target : targets->second) {
      if (target == name) {
        std::vector<std::string> cycle{name};
        for (std::string at = from; at != name; at = reached_from[at]) {
          cycle.push_back(at);
        }
        cycle.push_back(name);
        std::reverse(cycle.begin(), cycle.end());
        return cycle;
      }
      if (reached_from.emplace(target, from).second) {
        queue.push_back(target);
      }
    }
  }
  return {};
}

class DependencyCheck {
 public:
  DependencyCheck(const std::vector<Service>& services, const Platform& platform,
                  const std::vector<std::string>& only)
      : services_(services), platform_(platform), only_(only.begin(), only.end()) {
    for (const Service& service : services) {
      names_.push_back(service.name);
      by_name_[service.name] = &service;
    }
  }

  Result<void> run() {
    for (const Service& service : services_) {
      for (const std::string& dependency : service.depends_on) {
        edge(service, dependency);
      }
      components(service);
    }
    cycles();
    if (details_.empty()) {
      return {};
    }
    dsl::Error error(dsl::Code::kInvalidArgument,
                     details_.size() == 1
                         ? dsl::text("{}: {}", details_[0].where, details_[0].message)
                         : dsl::text("{} dependencies are wrong", details_.size()));
    error.set_id(same_id_ ? id_ : code::kDefinitionInvalid);
    for (dsl::Detail& detail : details_) {
      error.add_detail(std::move(detail.where), std::move(detail.message));
    }
    return tl::unexpected(std::move(error));
  }

 private:
  bool asked_about(const std::string& service) const {
    return only_.empty() || only_.contains(service);
  }

  // Each cycle once, at the first of its services that was asked about.
  void cycles() {
    if (find_cycle(edges_).empty()) {
      return;  // the search of each service takes longer
    }
    std::set<std::string> told;
    for (const Service& service : services_) {
      if (!asked_about(service.name) || told.contains(service.name)) {
        continue;
      }
      const std::vector<std::string> cycle = cycle_through(edges_, service.name);
      std::string shown;
      for (const std::string& name : cycle) {
        shown += (shown.empty() ? "" : " -> ") + name;
        told.insert(name);
      }
      if (!cycle.empty()) {
        found(service, ".depends_on", code::kDependencyCycle,
              dsl::text("services wait for each other: {}", shown));
      }
    }
  }

  void found(const Service& service, const std::string& place, const char* id,
             std::string message) {
    if (!asked_about(service.name)) {
      return;
    }
    same_id_ = same_id_ && (id_.empty() || id_ == id);
    id_ = id;
    details_.push_back({service.name + place, std::move(message)});
  }

  std::size_t stage(const Service& service) const {
    const auto at = std::find(platform_.stages.begin(), platform_.stages.end(), service.tier);
    return static_cast<std::size_t>(at - platform_.stages.begin());
  }

  void edge(const Service& service, const std::string& dependency) {
    const std::size_t slash = dependency.find('/');
    const std::string target = dependency.substr(0, slash);
    const auto known = by_name_.find(target);
    if (known == by_name_.end()) {
      found(service, ".depends_on", code::kUnknownDependency,
            dsl::text("{} depends on {}, which has no definition{}", service.name, dependency,
                      near(target)));
      return;
    }
    if (slash != std::string::npos &&
        known->second->find(dependency.substr(slash + 1)) == nullptr) {
      found(service, ".depends_on", code::kUnknownDependency,
            dsl::text("{} depends on {}, but {} has no such component", service.name, dependency,
                      target));
      return;
    }
    if (stage(*known->second) > stage(service)) {
      found(service, ".depends_on", code::kLaterTier,
            dsl::text("{} ({}) depends on {} of the later tier {}", service.name, service.tier,
                      dependency, known->second->tier));
    }
    edges_[service.name].push_back(target);
  }

  void components(const Service& service) {
    Edges after;
    for (const Component& component : service.components) {
      after[component.name] = component.after;
      for (const std::string& sibling : component.after) {
        if (service.find(sibling) == nullptr) {
          found(service, "/" + component.name + ".after", code::kUnknownDependency,
                dsl::text("{}/{} starts after {}, which is no component of {}", service.name,
                          component.name, sibling, service.name));
        }
      }
    }
    if (const std::string cycle = find_cycle(after); !cycle.empty()) {
      found(service, ".after", code::kDependencyCycle,
            dsl::text("components of {} wait for each other: {}", service.name, cycle));
    }
  }

  std::string near(const std::string& name) const {
    const std::string text = suggestion(name, names_);
    return text.starts_with(", did") ? text : "";  // all services would be a long list
  }

  const std::vector<Service>& services_;
  const Platform& platform_;
  const std::set<std::string> only_;
  std::vector<std::string> names_;
  std::map<std::string, const Service*> by_name_;
  Edges edges_;
  std::vector<dsl::Detail> details_;
  std::string id_;
  bool same_id_ = true;
};

}  // namespace

std::string find_cycle(const Edges& edges) { return CycleSearch(edges).run(); }

Result<void> check_dependencies(const std::vector<Service>& services, const Platform& platform,
                                const std::vector<std::string>& only) {
  return DependencyCheck(services, platform, only).run();
}

}  // namespace mcp::model
