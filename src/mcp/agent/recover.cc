#include "mcp/agent/recover.h"

#include <algorithm>
#include <set>

#include <unistd.h>

#include "mcp/model/codes.h"
#include "mcp/runtime/liveness.h"

namespace mcp::agent {

using boot::PlanAction;
using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::milliseconds kLockWait{60000};

}  // namespace

pb::PlanRow to_proto(const boot::PlanStep& step) {
  pb::PlanRow row;
  row.set_service(step.service);
  row.set_component(step.component);
  row.set_container(step.container);
  row.set_action(std::string(boot::name(step.action)));
  row.set_reason(step.reason);
  return row;
}

Result<boot::Plan> Recovery::plan(const RecoverOptions& options) {
  MC_ASSIGN(const std::vector<ServiceRecord> records, registry_.services());
  for (const std::string& name : options.services) {
    if (std::none_of(records.begin(), records.end(),
                     [&](const auto& record) { return record.service.name == name; })) {
      return fail(Code::kNotFound, "service {} is not registered on this node", name)
          .id(model::code::kUnknownService)
          .hint("mcp list shows the services");
    }
  }
  std::vector<boot::Wanted> wanted;
  for (const ServiceRecord& record : records) {
    for (const ComponentRecord& component : record.components) {
      boot::Wanted row;
      row.service = &record.service;
      row.component = record.service.find(component.name);
      row.generation = record.generation;
      row.should_run = component.should_run && record.service.active;
      row.image_digest = component.image_digest;
      row.adopted = component.adopted;
      row.ports = published_ports(record, *row.component);
      wanted.push_back(std::move(row));
    }
  }

  boot::Inventory inventory;
  MC_ASSIGN(inventory.containers, runtime_.list(true));
  MC_ASSIGN(inventory.images, runtime_.images());
  const runtime::LivenessPass alive(runtime::Proc(env_.files()), geteuid());
  for (runtime::Container& container : inventory.containers) {
    if (container.storage_only) {
      continue;
    }
    if (label(container, kLabelManaged).empty()) {
      // An adopted container is compared by its settings, which only inspect tells.
      Result<runtime::Container> full = runtime_.inspect(container.id);
      if (full) {
        container = std::move(*full);
      }
    }
    if (container.state != runtime::State::kRunning) {
      continue;
    }
    runtime::Liveness liveness = alive.check(container);
    if (liveness.state == runtime::Liveness::State::kAlive) {
      inventory.live_ids.insert(container.id);
    } else {
      inventory.why_dead[container.id] = std::move(liveness.reason);
    }
  }
  for (const std::string& directory : config_.image_dirs) {
    const Result<std::vector<std::string>> names = env_.files().list(directory);
    for (const std::string& name : names.value_or(std::vector<std::string>{})) {
      inventory.archives.push_back(directory + "/" + name);
    }
  }
  boot::Plan plan = boot::plan_recover(wanted, inventory, config_.boot_stages);
  if (!options.services.empty()) {
    std::erase_if(plan.steps, [&](const boot::PlanStep& step) {
      return std::find(options.services.begin(), options.services.end(), step.service) ==
             options.services.end();
    });
  }
  return plan;
}

// A container that is just being made is storage-only for a moment, too: so with the services'
// locks held, and only what is still lost then.
Result<void> Recovery::end_lost(const boot::Plan& plan, std::vector<runtime::Container> lost,
                                const std::string& operation_id) {
  std::set<std::string> services;
  for (const boot::PlanStep& step : plan.steps) {
    if (step.action == PlanAction::kReleaseName) {
      services.insert(step.service);
    }
  }
  std::vector<ServiceLocks::Hold> holds;
  for (const std::string& service : services) {
    MC_ASSIGN(ServiceLocks::Hold hold,
              locks_.acquire(service, text("recover {}", operation_id), kLockWait));
    holds.push_back(std::move(hold));
  }
  MC_ASSIGN(const std::vector<runtime::Container> now, runtime_.list(true));
  std::erase_if(lost, [&](const runtime::Container& container) {
    return std::none_of(now.begin(), now.end(), [&](const runtime::Container& present) {
      return present.id == container.id && present.storage_only;
    });
  });
  return containers_.end_lost(lost);
}

Result<void> Recovery::run(const boot::Plan& plan, const RecoverOptions& options,
                           const std::string& boot_id, OperationContext& operation) {
  const bool removes = options.orphans == "remove" &&
                       std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
                         return step.action == PlanAction::kOrphan;
                       });
  if (!plan.changes() && !removes) {
    operation.result().set_state("unchanged");
    return {};
  }
  std::vector<runtime::Container> lost;
  for (const boot::PlanStep& step : plan.steps) {
    if (step.action == PlanAction::kReleaseName) {
      runtime::Container container;
      container.id = step.container_id;
      container.name = step.container;
      lost.push_back(std::move(container));
    }
    if (step.action == PlanAction::kOrphan && options.orphans == "remove") {
      operation.progress(0, 0, step.container, "remove the orphan");
      MC_TRY(dsl::with_context(runtime_.remove(step.container_id, true), step.container));
    }
  }
  if (!lost.empty()) {
    operation.progress(0, 0, "",
                       text("end what runs of {} containers that podman has lost", lost.size()));
    MC_TRY(end_lost(plan, std::move(lost), operation.id()));
  }
  if (options.pull == Pull::kMissing) {
    MC_ASSIGN(const std::vector<ServiceRecord> records, registry_.services());
    for (const ServiceRecord& record : records) {
      for (const ComponentRecord& component : record.components) {
        (void)containers_.find_image({.reference = component.image,
                                      .digest = component.image_digest,
                                      .pull = Pull::kMissing});  // its own error comes at bring-up
      }
    }
  }
  MC_ASSIGN(const std::int64_t run, boot_.begin({.reason = "recover",
                                                 .boot_id = boot_id,
                                                 .services = options.services,
                                                 .replace = true}));
  MC_ASSIGN(const pb::BootRun end, boot_.follow(
                                       run, true,
                                       [&](const pb::BootItem& item) -> Result<void> {
                                         operation.boot_item(item);
                                         return {};
                                       },
                                       [&] { return operation.cancelled(); }));
  std::string waiting;
  for (const pb::BootItem& item : end.items()) {
    if (item.state() != "healthy" && item.state() != "skipped") {
      waiting += text("{}{}/{} is {}", waiting.empty() ? "" : ", ", item.service(),
                      item.component(), item.state());
    }
  }
  if (end.state() != "done" || !waiting.empty()) {
    operation.result().set_state("partial");
    return fail(Code::kFailedPrecondition, "not everything is back: {}", waiting)
        .id(model::code::kPartlyRecovered)
        .hint("mcp boot status shows what each item waits for; the run goes on by itself");
  }
  events_.add(Severity::kInfo, "recover", "", "", text("recovered; boot run {}", run));
  return {};
}

}  // namespace mcp::agent
