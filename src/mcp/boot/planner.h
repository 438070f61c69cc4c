// What `recover` will do, worked out before anything is touched. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
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
  bool adopted = false;      // made by somebody else: compared by settings, not by label
};

// What is there.
struct Inventory {
  std::vector<runtime::Container> containers;  // storage-only ones included
  std::vector<runtime::Image> images;
  std::vector<std::string> archives;  // image archives that could be loaded
  std::set<std::string> live_ids;     // containers whose main process really lives
};

enum class PlanAction {
  kKeep,
  kStart,
  kRecreate,
  kReleaseName,
  kLoadImage,
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
  std::string image;         // kLoadImage: reference; or image id to retag
  std::string reason;
};

struct Plan {
  std::vector<PlanStep> steps;  // in boot order; orphans, stale and foreign ones last
  bool changes() const;         // anything beside keep and reports
  bool recoverable() const;     // nothing blocked
  int exit_code() const;        // 0 nothing to do, 10 changes needed, 11 cannot be fully recovered
};

// Deterministic. A storage-only name is released only when it belongs to a wanted component and no
// process runs in it. An image is looked up by reference, then by recorded digest under any name,
// then in the archives; never pulled.
Plan plan_recover(const std::vector<Wanted>& wanted, const Inventory& inventory,
                  const std::vector<std::string>& stages);

}  // namespace mcp::boot
