// A node in memory: what the registry wants, what podman has, and what carrying out a plan does.
#pragma once

#include <algorithm>
#include <deque>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "mcp/boot/planner.h"
#include "mcp/boot/settings.h"

namespace mcp::boot::testing {

class NodeModel {
 public:
  NodeModel() = default;
  NodeModel(NodeModel&&) = default;

  // A service with one component "api", whose container is named after the service.
  void add_service(const std::string& name, const std::string& tier,
                   const std::vector<std::string>& depends_on = {}, std::string image = "") {
    Entry entry;
    entry.service.name = name;
    entry.service.tier = tier;
    entry.service.depends_on = depends_on;
    model::Component component;
    component.name = "api";
    component.container = name;
    component.image = "mcr.test:8443/" + (image.empty() ? name + ":v1" : image);
    component.volumes = {{"/srv/" + name, "/srv/" + name, {}}};
    component.ports = {{.host = 28443, .container = 8443}};
    component.env = {{"MODE", "x"}};
    component.cmd = {"server"};
    entry.service.components = {component};
    entries_.push_back(std::move(entry));
  }

  // For a change of the definition: the generation rises.
  model::Service& change(const std::string& service) {
    Entry& found = entry(service);
    ++found.generation;
    return found.service;
  }
  void record_digest(const std::string& service, const std::string& digest) {
    entry(service).image_digest = digest;
  }
  void stop_wanting(const std::string& service) { entry(service).should_run = false; }
  void adopt(const std::string& service) {
    entry(service).adopted = true;
    for (Container& container : containers_) {
      if (container.name == service) {
        container.labels.clear();
      }
    }
  }

  // The component's container, made from the present definition, running; replaces the former.
  runtime::Container& run(const std::string& service, const std::string& component) {
    const Entry& wanted = entry(service);
    const model::Component& spec = *wanted.service.find(component);
    std::erase_if(containers_, [&](const Container& c) { return c.name == spec.container; });
    Container container;
    container.id = "id" + std::to_string(++ids_);
    container.name = spec.container;
    container.image = spec.image;
    container.state = runtime::State::kRunning;
    container.labels = *model::container_labels(wanted.service, spec, wanted.generation, {});
    container.user = spec.user;
    container.ports = spec.ports;
    container.mounts = spec.volumes;
    container.networks = {spec.network};
    container.restart_policy = spec.restart;
    container.command = spec.cmd.value_or(std::vector<std::string>{});
    for (const auto& [key, value] : spec.env) {
      container.env.push_back(key + "=" + value);
    }
    return add(std::move(container));
  }
  runtime::Container& add(runtime::Container container) {
    live_.insert(container.id);
    containers_.push_back(std::move(container));
    return containers_.back();
  }
  runtime::Container& add_foreign(const std::string& name) {
    Container container;
    container.id = "id" + std::to_string(++ids_);
    container.name = name;
    container.state = runtime::State::kRunning;
    return add(std::move(container));
  }

  std::string store_image(const std::string& reference, const std::string& digest) {
    runtime::Image image;
    image.id = "image" + std::to_string(++ids_);
    image.digest = digest;
    image.names = {"mcr.test:8443/" + reference};
    images_.push_back(image);
    return image.id;
  }
  void add_archive(const std::string& path) { archives_.push_back(path); }

  void lose_images() { images_.clear(); }
  void kill_processes() { live_.clear(); }
  void lose_podman_database() {
    kill_processes();
    for (Container& container : containers_) {
      container.storage_only = true;
      container.labels.clear();
      container.state = runtime::State::kUnknown;
    }
  }

  std::vector<Wanted> wanted() const {
    std::vector<Wanted> rows;
    for (const Entry& entry : entries_) {
      for (const model::Component& component : entry.service.components) {
        rows.push_back({.service = &entry.service,
                        .component = &component,
                        .generation = entry.generation,
                        .should_run = entry.should_run,
                        .image_digest = entry.image_digest,
                        .adopted = entry.adopted});
      }
    }
    return rows;
  }
  Inventory inventory() const {
    return {{containers_.begin(), containers_.end()}, images_, archives_, live_};
  }

  // Does what the agent would do; ends the test binary when a step is not possible.
  void apply(const Plan& plan) {
    for (const PlanStep& step : plan.steps) {
      switch (step.action) {
        case PlanAction::kStart:
          container(step.container_id).state = runtime::State::kRunning;
          live_.insert(step.container_id);
          break;
        case PlanAction::kReleaseName:
          MC_ASSERT(container(step.container_id).storage_only, "only such a name is released");
          remove(step.container_id);
          break;
        case PlanAction::kRecreate:
          if (!step.container_id.empty()) {
            remove(step.container_id);
          }
          MC_ASSERT(std::none_of(containers_.begin(), containers_.end(),
                                 [&](const Container& c) { return c.name == step.container; }),
                    "the name is free");
          MC_ASSERT(has_image(entry(step.service).service.find(step.component)->image),
                    "the image is there");
          run(step.service, step.component);
          break;
        case PlanAction::kLoadImage:
          load(step);
          break;
        default:
          break;
      }
    }
  }

  std::size_t foreign_count() const {
    return static_cast<std::size_t>(
        std::count_if(containers_.begin(), containers_.end(), [&](const Container& container) {
          return container.labels.empty() && !is_wanted(container.name);
        }));
  }
  // Ids that no recovery may touch: right containers that really run.
  std::vector<std::string> correct_and_live() const {
    std::vector<std::string> ids;
    for (const Container& container : containers_) {
      if (correct_.count(container.id) != 0 && live_.count(container.id) != 0) {
        ids.push_back(container.id);
      }
    }
    return ids;
  }

  // Up to eight services in any condition.
  static NodeModel random(std::uint32_t seed) {
    std::mt19937 engine(seed);
    const auto below = [&](unsigned bound) { return static_cast<unsigned>(engine() % bound); };
    NodeModel node;
    const char* tiers[] = {"foundation", "core", "services"};
    const unsigned count = below(8);
    for (unsigned i = 0; i < count; ++i) {
      const std::string name = "s" + std::to_string(i);
      node.add_service(name, tiers[below(3)],
                       i > 0 && below(2) == 0
                           ? std::vector<std::string>{"s" + std::to_string(below(i))}
                           : std::vector<std::string>{});
      node.disturb(name, below(9), below(4));
      if (below(6) == 0) {
        node.stop_wanting(name);
      }
    }
    if (below(2) == 0) {
      node.add_foreign("web");
    }
    if (below(3) == 0) {
      node.add_foreign("build").storage_only = true;
    }
    return node;
  }

 private:
  using Container = runtime::Container;

  struct Entry {
    model::Service service;
    std::int64_t generation = 1;
    bool should_run = true;
    bool adopted = false;
    std::string image_digest;
  };

  void disturb(const std::string& name, unsigned condition, unsigned image) {
    switch (image) {
      case 0:
        break;  // nowhere
      case 1:
        store_image(name + ":v1", "sha256:" + name);
        break;
      case 2:
        store_image("other-" + name + ":v1", "sha256:" + name);
        record_digest(name, "sha256:" + name);
        break;
      default:
        add_archive("/images/" + name + "_v1.tar");
    }
    if (condition == 0) {
      return;  // never made
    }
    Container& made = run(name, "api");
    const std::string id = made.id;
    switch (condition) {
      case 1:
        made.state = runtime::State::kExited;
        live_.erase(id);
        break;
      case 2:
        live_.erase(id);
        break;
      case 3:
        made.storage_only = true;
        made.labels.clear();
        live_.erase(id);
        break;
      case 4:
        made.storage_only = true;
        made.labels.clear();
        break;
      case 5:
        change(name).components[0].user = "9:9";
        break;
      case 6:
        made.labels.clear();
        break;
      case 7:
        adopt(name);
        correct_.insert(id);
        break;
      default:
        correct_.insert(id);
    }
  }

  void load(const PlanStep& step) {
    const std::string& reference = entry(step.service).service.find(step.component)->image;
    if (step.archive.empty()) {
      for (runtime::Image& image : images_) {
        if (image.id == step.image) {
          image.names.push_back(reference);
        }
      }
      return;
    }
    runtime::Image image;
    image.id = "image" + std::to_string(++ids_);
    image.names = {reference};
    images_.push_back(image);
  }

  bool has_image(const std::string& reference) const {
    return std::any_of(images_.begin(), images_.end(), [&](const runtime::Image& image) {
      return std::count(image.names.begin(), image.names.end(), reference) != 0;
    });
  }
  bool is_wanted(const std::string& name) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const Entry& entry) { return entry.service.name == name; });
  }
  Entry& entry(const std::string& service) {
    return *std::find_if(entries_.begin(), entries_.end(),
                         [&](const Entry& e) { return e.service.name == service; });
  }
  Container& container(const std::string& id) {
    return *std::find_if(containers_.begin(), containers_.end(),
                         [&](const Container& c) { return c.id == id; });
  }
  void remove(const std::string& id) {
    std::erase_if(containers_, [&](const Container& c) { return c.id == id; });
    live_.erase(id);
  }

  // Of std::deque, so that references stay valid while more is added.
  std::deque<Entry> entries_;
  std::deque<Container> containers_;
  std::vector<runtime::Image> images_;
  std::vector<std::string> archives_;
  std::set<std::string> live_;
  std::set<std::string> correct_;
  int ids_ = 0;
};

}  // namespace mcp::boot::testing
