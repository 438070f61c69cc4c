#include "mcp/agent/service_ops.h"

#include <algorithm>

#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

bool selected(const ComponentRecord& record, const std::string& component) {
  return component.empty() || record.name == component;
}

// Components with those that come `after` them later.
std::vector<const ComponentRecord*> ordered(const ServiceRecord& record) {
  std::vector<const ComponentRecord*> out;
  const auto placed = [&](const std::string& name) {
    return std::any_of(out.begin(), out.end(), [&](const auto* c) { return c->name == name; });
  };
  for (std::size_t round = 0; round < record.components.size(); ++round) {
    for (const ComponentRecord& component : record.components) {
      const model::Component* spec = record.service.find(component.name);
      if (spec != nullptr && !placed(component.name) &&
          std::all_of(spec->after.begin(), spec->after.end(), placed)) {
        out.push_back(&component);
      }
    }
  }
  return out;
}

}  // namespace

Result<ServiceRecord> ServiceOps::find(const std::string& service, const std::string& component) {
  MC_ASSIGN(std::optional<ServiceRecord> record, registry_.service(service));
  if (!record) {
    return fail(Code::kNotFound, "service {} is not registered on this node", service)
        .id(model::code::kUnknownService)
        .hint(text("mcp list shows the services; mcp deploy {} makes it one", service));
  }
  if (!component.empty() && record->find(component) == nullptr) {
    std::string names;
    for (const ComponentRecord& known : record->components) {
      names += (names.empty() ? "" : ", ") + known.name;
    }
    return fail(Code::kNotFound, "service {} has no component {}", service, component)
        .hint(text("it has: {}", names));
  }
  return *record;
}

Result<void> ServiceOps::set_desired(const ServiceRecord& record, const std::string& component,
                                     bool run) {
  for (const ComponentRecord& wanted : record.components) {
    if (selected(wanted, component)) {
      MC_TRY(registry_.set_should_run(record.service.name, wanted.name, run));
    }
  }
  MC_ASSIGN(const std::optional<ServiceRecord> now, registry_.service(record.service.name));
  return now ? mirror_.write(*now) : Result<void>();
}

Result<void> ServiceOps::stop_containers(const ServiceRecord& record, const std::string& component,
                                         OperationContext& operation) {
  std::vector<const ComponentRecord*> order = ordered(record);
  std::reverse(order.begin(), order.end());
  int step = 0;
  for (const ComponentRecord* wanted : order) {
    if (!selected(*wanted, component)) {
      continue;
    }
    operation.progress(++step, static_cast<int>(order.size()), wanted->name, "stop");
    const Result<runtime::Container> live = runtime_.inspect(wanted->container);
    if (live) {
      MC_TRY(runtime_.stop(live->id, record.service.find(wanted->name)->stop_timeout));
    } else if (live.error().code() != Code::kNotFound) {
      return tl::unexpected(live.error());
    }
  }
  return {};
}

Result<void> ServiceOps::start_containers(const ServiceRecord& record, const std::string& component,
                                          OperationContext& operation) {
  const std::vector<const ComponentRecord*> order = ordered(record);
  int step = 0;
  for (const ComponentRecord* wanted : order) {
    if (!selected(*wanted, component)) {
      continue;
    }
    const model::Component& spec = *record.service.find(wanted->name);
    const int total = static_cast<int>(2 * order.size());
    operation.progress(++step, total, wanted->name, "start");
    MC_ASSIGN(const Containers::Brought brought, containers_.bring_up(record, *wanted));
    MC_TRY(registry_.set_container(record.service.name, wanted->name, brought.id,
                                   brought.image_digest));
    operation.progress(++step, total, wanted->name, text("wait for the {} gate", spec.health.type));
    const boot::Answer answer =
        containers_.wait_for_gate(record, spec, brought.id, [&] { return operation.cancelled(); });
    if (!answer.pass) {
      for (const std::string& line : containers_.log_tail(brought.id, 20)) {
        operation.result().add_log_tail(line);
      }
      return fail(Code::kFailedPrecondition, "{} runs but is not healthy: {}", wanted->container,
                  answer.text)
          .id(model::code::kGateFailed)
          .hint("its last log lines are above");
    }
  }
  return {};
}

Result<void> ServiceOps::start(const std::string& service, const std::string& component,
                               OperationContext& operation) {
  MC_ASSIGN(const ServiceRecord record, find(service, component));
  MC_TRY(set_desired(record, component, true));
  MC_TRY(start_containers(record, component, operation));
  events_.add(Severity::kInfo, "start", service, component, "started");
  return {};
}

Result<void> ServiceOps::stop(const std::string& service, const std::string& component,
                              OperationContext& operation) {
  MC_ASSIGN(const ServiceRecord record, find(service, component));
  MC_TRY(set_desired(record, component, false));
  MC_TRY(stop_containers(record, component, operation));
  for (const ComponentRecord& wanted : record.components) {
    if (selected(wanted, component)) {
      sockets_.close(service, wanted.name);
    }
  }
  events_.add(Severity::kInfo, "stop", service, component, "stopped");
  return {};
}

Result<void> ServiceOps::restart(const std::string& service, const std::string& component,
                                 OperationContext& operation) {
  MC_ASSIGN(const ServiceRecord record, find(service, component));
  MC_TRY(set_desired(record, component, true));
  const auto down_since = env_.clock().mono_now();
  MC_TRY(stop_containers(record, component, operation));
  MC_TRY(start_containers(record, component, operation));
  const auto down = env_.clock().mono_now() - down_since;
  operation.result().set_downtime_ms(
      std::chrono::duration_cast<std::chrono::milliseconds>(down).count());
  events_.add(Severity::kInfo, "restart", service, component, "restarted");
  return {};
}

Result<void> ServiceOps::undeploy(const std::string& service, const std::string& component,
                                  OperationContext& operation) {
  if (!component.empty()) {
    return fail(Code::kInvalidArgument, "undeploy takes a whole service, not {}/{}", service,
                component)
        .hint("remove the component from the definition and deploy again");
  }
  MC_ASSIGN(const ServiceRecord record, find(service, ""));
  MC_TRY(set_desired(record, "", false));
  MC_TRY(stop_containers(record, "", operation));
  for (const ComponentRecord& wanted : record.components) {
    const Result<runtime::Container> live = runtime_.inspect(wanted.container);
    if (live) {
      MC_TRY(runtime_.remove(live->id, true));
    } else if (live.error().code() != Code::kNotFound) {
      return tl::unexpected(live.error());
    }
  }
  sockets_.keep_only(service, nullptr);
  MC_TRY(registry_.remove_service(service));
  MC_TRY(mirror_.remove(service));
  for (const model::Component& spec : record.service.components) {
    for (const model::Volume& volume : spec.volumes) {
      operation.notice(text("{} stays as it is", volume.host));
    }
  }
  events_.add(Severity::kInfo, "undeploy", service, "", "undeployed; its data stays");
  return {};
}

}  // namespace mcp::agent
