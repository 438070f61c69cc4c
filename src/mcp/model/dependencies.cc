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

class DependencyCheck {
 public:
  DependencyCheck(const std::vector<Service>& services, const Platform& platform)
      : services_(services), platform_(platform) {
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
    if (const std::string cycle = find_cycle(edges_); !cycle.empty()) {
      found("depends_on", code::kDependencyCycle,
            dsl::text("services wait for each other: {}", cycle));
    }
    if (details_.empty()) {
      return {};
    }
    dsl::Error error(dsl::Code::kInvalidArgument,
                     details_.size() == 1
                         ? details_.front().message
                         : dsl::text("{} dependencies are wrong", details_.size()));
    error.set_id(same_id_ ? id_ : code::kDefinitionInvalid);
    for (dsl::Detail& detail : details_) {
      error.add_detail(std::move(detail.where), std::move(detail.message));
    }
    return tl::unexpected(std::move(error));
  }

 private:
  void found(std::string where, const char* id, std::string message) {
    same_id_ = same_id_ && (id_.empty() || id_ == id);
    id_ = id;
    details_.push_back({std::move(where), std::move(message)});
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
      found(service.name + ".depends_on", code::kUnknownDependency,
            dsl::text("{} depends on {}, which has no definition{}", service.name, dependency,
                      near(target)));
      return;
    }
    if (slash != std::string::npos &&
        known->second->find(dependency.substr(slash + 1)) == nullptr) {
      found(service.name + ".depends_on", code::kUnknownDependency,
            dsl::text("{} depends on {}, but {} has no such component", service.name, dependency,
                      target));
      return;
    }
    if (stage(*known->second) > stage(service)) {
      found(service.name + ".depends_on", code::kLaterTier,
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
          found(service.name + "/" + component.name + ".after", code::kUnknownDependency,
                dsl::text("{}/{} starts after {}, which is no component of {}", service.name,
                          component.name, sibling, service.name));
        }
      }
    }
    if (const std::string cycle = find_cycle(after); !cycle.empty()) {
      found(service.name + ".after", code::kDependencyCycle,
            dsl::text("components of {} wait for each other: {}", service.name, cycle));
    }
  }

  std::string near(const std::string& name) const {
    const std::string text = suggestion(name, names_);
    return text.starts_with(", did") ? text : "";  // all services would be a long list
  }

  const std::vector<Service>& services_;
  const Platform& platform_;
  std::vector<std::string> names_;
  std::map<std::string, const Service*> by_name_;
  Edges edges_;
  std::vector<dsl::Detail> details_;
  std::string id_;
  bool same_id_ = true;
};

}  // namespace

std::string find_cycle(const Edges& edges) { return CycleSearch(edges).run(); }

Result<void> check_dependencies(const std::vector<Service>& services, const Platform& platform) {
  return DependencyCheck(services, platform).run();
}

}  // namespace mcp::model
