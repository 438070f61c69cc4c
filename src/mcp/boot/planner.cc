#include "mcp/boot/planner.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dsl/result/result.h"
#include "mcp/boot/graph.h"
#include "mcp/boot/settings.h"

namespace mcp::boot {

namespace {

using dsl::text;
using runtime::Container;
using runtime::Image;
using runtime::State;

constexpr std::array<std::string_view, 9> kActionNames = {"keep",         "start",      "recreate",
                                                          "release-name", "load-image", "orphan",
                                                          "stale",        "foreign",    "blocked"};

// How many differing settings a reason names.
constexpr std::size_t kReasonFieldsMax = 4;

std::string label(const Container& container, const char* name) {
  const auto found = container.labels.find(name);
  return found == container.labels.end() ? "" : found->second;
}

bool managed(const Container& container) { return label(container, "mcp.managed") == "1"; }

std::string key_of(const Wanted& wanted) {
  return wanted.service->name + "/" + wanted.component->name;
}
std::string key_of(const Container& container) {
  return label(container, "mcp.service") + "/" + label(container, "mcp.component");
}

// Boot order. Services that cannot be put in one order (a cycle, an edge to nowhere) are still
// recovered: then by stage and key.
std::vector<const Wanted*> in_boot_order(const std::vector<Wanted>& wanted,
                                         const std::vector<std::string>& stages) {
  std::vector<model::Service> services;
  std::unordered_set<std::string> seen;
  for (const Wanted& each : wanted) {
    MC_ASSERT(each.service != nullptr && each.component != nullptr, "a component that is known");
    if (seen.insert(each.service->name).second) {
      services.push_back(*each.service);
    }
  }
  std::unordered_map<std::string, std::size_t> positions;
  if (const auto built = build_graph(services, stages)) {
    for (const Node& node : built->graph.nodes) {
      positions.emplace(node.key, positions.size());
    }
  }
  using Rank = std::tuple<std::ptrdiff_t, std::size_t, std::string>;
  std::vector<std::pair<Rank, const Wanted*>> ranked;
  for (const Wanted& each : wanted) {
    const auto stage = std::find(stages.begin(), stages.end(), each.service->tier);
    const auto position = positions.find(key_of(each));
    ranked.emplace_back(Rank{stage - stages.begin(),
                             position == positions.end() ? std::numeric_limits<std::size_t>::max()
                                                         : position->second,
                             key_of(each)},
                        &each);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<const Wanted*> ordered;
  for (const auto& [rank, each] : ranked) {
    ordered.push_back(each);
  }
  return ordered;
}

// The digests by which an image is known, without repositories.
std::vector<std::string> digests_of(const Image& image) {
  std::vector<std::string> digests = {image.digest};
  for (const std::string& name : image.digests) {
    digests.push_back(name.substr(name.rfind('@') + 1));
  }
  return digests;
}

bool has_digest(const Image& image, const std::string& digest) {
  const auto digests = digests_of(image);
  return std::find(digests.begin(), digests.end(), digest) != digests.end();
}

std::string stem_of(const std::string& path) {
  std::string stem = path.substr(path.rfind('/') + 1);
  for (const std::string_view ending : {".zst", ".gz", ".tar"}) {
    if (stem.size() > ending.size() &&
        stem.compare(stem.size() - ending.size(), ending.size(), ending) == 0) {
      stem.resize(stem.size() - ending.size());
    }
  }
  return stem;
}

class Planner {
 public:
  Planner(const std::vector<Wanted>& wanted, const Inventory& inventory,
          const std::vector<std::string>& stages)
      : inventory_(inventory), ordered_(in_boot_order(wanted, stages)) {
    for (const Container& container : inventory_.containers) {
      // A name that podman knows goes before one that only the image store knows.
      const auto [entry, is_new] = by_name_.emplace(container.name, &container);
      if (!is_new && entry->second->storage_only) {
        entry->second = &container;
      }
    }
    for (const Image& image : inventory_.images) {
      for (const auto* names : {&image.names, &image.digests}) {
        for (const std::string& reference : *names) {
          by_reference_.emplace(reference, &image);
          by_reference_.emplace(normal_reference(reference), &image);
        }
      }
      for (const std::string& digest : digests_of(image)) {
        by_digest_.emplace(digest, &image);
      }
    }
    for (const Wanted* each : ordered_) {
      wanted_keys_.insert(key_of(*each));
      wanted_names_.insert(each->component->container);
    }
  }

  Plan plan() {
    for (const Wanted* each : ordered_) {
      plan_component(*each);
    }
    report_others();
    return std::move(plan_);
  }

 private:
  PlanStep& add(const Wanted& wanted, PlanAction action, std::string reason,
                const Container* container = nullptr) {
    PlanStep step;
    step.action = action;
    step.service = wanted.service->name;
    step.component = wanted.component->name;
    step.container = wanted.component->container;
    step.container_id = container == nullptr ? "" : container->id;
    step.reason = std::move(reason);
    plan_.steps.push_back(std::move(step));
    return plan_.steps.back();
  }

  std::string why_dead(const Container& container) const {
    const auto found = inventory_.why_dead.find(container.id);
    return found == inventory_.why_dead.end() ? "its process is gone" : found->second;
  }

  // Every branch of the decision; the helpers below only look.
  void plan_component(const Wanted& wanted) {
    const auto found = by_name_.find(wanted.component->container);
    const Container* container = found == by_name_.end() ? nullptr : found->second;
    const bool lives = container != nullptr && inventory_.live_ids.count(container->id) != 0;

    if (container != nullptr && !container->storage_only && !ours(wanted, *container)) {
      add(wanted, PlanAction::kBlocked, holder_reason(*container), container);
      return;
    }
    if (!wanted.should_run) {
      const bool runs = container != nullptr && container->state == State::kRunning && lives;
      add(wanted, PlanAction::kKeep,
          runs ? "runs, though it is wanted stopped: left alone" : "wanted stopped", container);
      return;
    }
    if (container == nullptr) {
      return recreate(wanted, "missing", nullptr);
    }
    if (container->storage_only) {
      if (lives) {
        add(wanted, PlanAction::kBlocked,
            "the image store holds the name, and a process runs in that container", container);
        return;
      }
      return recreate(wanted, "unknown to podman", container);
    }
    if (const std::string difference = difference_of(wanted, *container); !difference.empty()) {
      return recreate(wanted, difference, container);
    }
    switch (container->state) {
      case State::kRunning:
        if (lives) {
          add(wanted, PlanAction::kKeep, "running", container);
          return;
        }
        return recreate(wanted, "podman says running, " + why_dead(*container), container);
      case State::kPaused:
        add(wanted, PlanAction::kKeep, "paused: left alone", container);
        return;
      case State::kCreated:
      case State::kExited:
      case State::kStopped:
        add(wanted, PlanAction::kStart, "not running", container);
        return;
      case State::kRemoving:
      case State::kUnknown:
        return recreate(wanted, "in no state to be started", container);
    }
  }

  // The image first: without it the old container stays as it is.
  void recreate(const Wanted& wanted, std::string reason, const Container* container) {
    if (!ensure_image(wanted, reason)) {
      return;
    }
    const bool release = container != nullptr && container->storage_only;
    if (release) {
      add(wanted, PlanAction::kReleaseName, "the image store holds the name", container);
    }
    add(wanted, PlanAction::kRecreate, std::move(reason), release ? nullptr : container);
  }

  bool ensure_image(const Wanted& wanted, std::string& reason) {
    const std::string& reference = wanted.component->image;
    const std::string& digest = wanted.image_digest;
    if (const Image* image = find_image(reference)) {
      if (!digest.empty() && !has_digest(*image, digest)) {
        reason += "; its image has another digest than the one recorded";
      }
      return true;
    }
    if (handled_images_.count(reference) != 0) {
      return true;  // an earlier step brings it
    }
    if (!digest.empty()) {
      if (const auto found = by_digest_.find(digest); found != by_digest_.end()) {
        add(wanted, PlanAction::kLoadImage, "known under another name").image = found->second->id;
        handled_images_.insert(reference);
        return true;
      }
    }
    if (const std::string* archive = find_archive(reference)) {
      PlanStep& step = add(wanted, PlanAction::kLoadImage, "from " + *archive);
      step.image = reference;
      step.archive = *archive;
      handled_images_.insert(reference);
      return true;
    }
    add(wanted, PlanAction::kBlocked,
        text("image {} is neither in the store nor in an archive: podman load -i FILE", reference));
    return false;
  }

  const Image* find_image(const std::string& reference) const {
    auto found = by_reference_.find(reference);
    if (found == by_reference_.end()) {
      found = by_reference_.find(normal_reference(reference));
    }
    return found == by_reference_.end() ? nullptr : found->second;
  }

  const std::string* find_archive(const std::string& reference) const {
    const std::string full = archive_stem(reference);
    const std::string bare = archive_stem(reference.substr(reference.rfind('/') + 1));
    const std::string* match = nullptr;
    for (const std::string& path : inventory_.archives) {
      const std::string stem = stem_of(path);
      if (stem == full) {
        return &path;
      }
      if (stem == bare && match == nullptr) {
        match = &path;
      }
    }
    return match;
  }

  bool ours(const Wanted& wanted, const Container& container) const {
    return managed(container) ? key_of(container) == key_of(wanted) : wanted.adopted;
  }

  std::string holder_reason(const Container& container) const {
    if (!managed(container)) {
      return text("{} is a container that mcp did not make: mcp adopt takes it over",
                  container.name);
    }
    return text("{} is a container of {}", container.name, key_of(container));
  }

  // Empty when the container is what is wanted.
  std::string difference_of(const Wanted& wanted, const Container& container) {
    if (!managed(container)) {
      std::string fields;
      const auto differences = compare_settings(
          *wanted.component, wanted.ports.empty() ? wanted.component->ports : wanted.ports,
          container);
      for (std::size_t i = 0; i < differences.size() && i < kReasonFieldsMax; ++i) {
        fields += (i == 0 ? "" : ", ") + differences[i].field;
      }
      return differences.empty() ? "" : "adopted, but differs in " + fields;
    }
    if (label(container, "mcp.component.sha256") ==
        model::component_sha256(*wanted.service, *wanted.component)) {
      return "";
    }
    return text("made from another specification (generation {}, want {})",
                label(container, "mcp.generation"), wanted.generation);
  }

  void report_others() {
    std::vector<const Container*> others;
    for (const Container& container : inventory_.containers) {
      const bool taken = wanted_names_.count(container.name) != 0 &&
                         by_name_.at(container.name) == &container &&
                         (container.storage_only || !managed(container) ||
                          wanted_keys_.count(key_of(container)) != 0);
      if (!taken && label(container, "mcp.helper").empty()) {
        others.push_back(&container);
      }
    }
    std::sort(others.begin(), others.end(), [](const Container* a, const Container* b) {
      return std::tie(a->name, a->id) < std::tie(b->name, b->id);
    });
    for (const PlanAction action :
         {PlanAction::kOrphan, PlanAction::kStale, PlanAction::kForeign}) {
      for (const Container* container : others) {
        if (kind_of(*container) == action) {
          report(*container, action);
        }
      }
    }
  }

  PlanAction kind_of(const Container& container) const {
    if (!managed(container)) {
      return PlanAction::kForeign;
    }
    return wanted_keys_.count(key_of(container)) == 0 ? PlanAction::kOrphan : PlanAction::kStale;
  }

  void report(const Container& container, PlanAction action) {
    PlanStep step;
    step.action = action;
    step.service = label(container, "mcp.service");
    step.component = label(container, "mcp.component");
    step.container = container.name;
    step.container_id = container.id;
    step.reason = action == PlanAction::kOrphan  ? "not in the registry"
                  : action == PlanAction::kStale ? text("generation {} of a registered component",
                                                        label(container, "mcp.generation"))
                  : container.storage_only       ? "known to the image store only"
                                                 : "not made by mcp";
    plan_.steps.push_back(std::move(step));
  }

  const Inventory& inventory_;
  std::vector<const Wanted*> ordered_;
  std::unordered_map<std::string, const Container*> by_name_;
  std::unordered_map<std::string, const Image*> by_reference_;
  std::unordered_map<std::string, const Image*> by_digest_;
  std::unordered_set<std::string> wanted_keys_;
  std::unordered_set<std::string> wanted_names_;
  std::unordered_set<std::string> handled_images_;
  Plan plan_;
};

}  // namespace

std::string_view name(PlanAction action) { return kActionNames[static_cast<std::size_t>(action)]; }

bool Plan::changes() const {
  return std::any_of(steps.begin(), steps.end(), [](const PlanStep& step) {
    return step.action == PlanAction::kStart || step.action == PlanAction::kRecreate ||
           step.action == PlanAction::kReleaseName || step.action == PlanAction::kLoadImage;
  });
}

bool Plan::recoverable() const {
  return std::none_of(steps.begin(), steps.end(),
                      [](const PlanStep& step) { return step.action == PlanAction::kBlocked; });
}

int Plan::exit_code() const {
  if (!recoverable()) {
    return dsl::kExitNotRecoverable;
  }
  return changes() ? dsl::kExitChangesNeeded : dsl::kExitOk;
}

std::string archive_stem(std::string_view reference) {
  std::string stem(reference);
  std::replace_if(
      stem.begin(), stem.end(), [](char c) { return c == '/' || c == ':' || c == '@'; }, '_');
  return stem;
}

Plan plan_recover(const std::vector<Wanted>& wanted, const Inventory& inventory,
                  const std::vector<std::string>& stages) {
  return Planner(wanted, inventory, stages).plan();
}

}  // namespace mcp::boot
