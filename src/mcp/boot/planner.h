// What `recover` will do, worked out before anything is touched. Pure.
//
// A container is ours by its labels (mcp.managed, mcp.service, mcp.component), or by its name when
// the component was adopted. Everything else is reported and left alone: orphans (ours, but not in
// the registry), stale ones (an older container of a component, under another name) and foreign
// ones. A foreign container that holds a wanted name blocks that component. Helpers of the agent
// (mcp.helper) are none of these: they go by themselves.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/model/model.h"
#include "mcp/runtime/runtime.h"

namespace mcp::boot {

// What the registry wants of one component.
struct Wanted {
  const model::Service* service = nullptr;  // outlives the plan
  const model::Component* component = nullptr;
  std::int64_t generation = 0;
  bool should_run = true;
  std::string image_digest;  // recorded at the last deploy; may be empty
  // Made by somebody else: compared by settings (settings.h), not by label. Its container in the
  // inventory must come from `inspect`.
  bool adopted = false;
  std::vector<model::Port> ports{};  // adopted: fixed and allocated; empty = the component's own
};

// What is there.
struct Inventory {
  std::vector<runtime::Container> containers;  // storage-only ones included
  std::vector<runtime::Image> images;
  std::vector<std::string> archives;              // image archives that could be loaded
  std::set<std::string> live_ids;                 // containers whose main process really lives
  std::map<std::string, std::string> why_dead{};  // id -> what is missing, of running ones
};

enum class PlanAction {
  kKeep,
  kStart,
  kRecreate,     // remove container_id, when there is one, and create
  kReleaseName,  // remove_storage(container_id)
  kLoadImage,    // load `archive`, or without one give `image` the component's reference
  kOrphan,
  kStale,
  kForeign,
  kBlocked
};
std::string_view name(PlanAction action);  // "keep", "release-name", ...

struct PlanStep {
  PlanAction action = PlanAction::kKeep;
  std::string service;
  std::string component;
  std::string container;     // name
  std::string container_id;  // to be removed or started; may be empty
  std::string image;         // kLoadImage: image id to retag, or the reference to be had
  std::string archive;       // kLoadImage: file to load
  std::string reason;
};

struct Plan {
  std::vector<PlanStep> steps;  // in boot order; orphans, stale and foreign ones last
  bool changes() const;         // anything beside keep and reports
  bool recoverable() const;     // nothing blocked
  int exit_code() const;        // 0 nothing to do, 10 changes needed, 11 cannot be fully recovered
};

// The name under which an archive of `reference` is looked for: "/", ":" and "@" become "_". A file
// is named so, or so for the part after the last "/" ("mcq_v1"), with .tar, .tar.zst or .tar.gz.
std::string archive_stem(std::string_view reference);

// Deterministic. Pass every component of the registry: what is not wanted here is an orphan.
// A storage-only name is released only when it belongs to a wanted component and no
// process runs in it. An image is looked up by reference, then by recorded digest under any name,
// then in the archives; never pulled.
Plan plan_recover(const std::vector<Wanted>& wanted, const Inventory& inventory,
                  const std::vector<std::string>& stages);

}  // namespace mcp::boot
