#include "mcp/agent/handlers_change.h"

#include <algorithm>

#include "mcp/agent/agent.h"
#include "mcp/agent/handlers_read.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::rpc::CallContext;
using dsl::rpc::Writer;

namespace {

constexpr std::chrono::milliseconds kLockWaitMax{600000};

// An uninitialized registry changes no container until somebody says so. True when this is the
// change that says it: `initialize` follows once it is known to be a good one.
Result<bool> begins_registry(Core& core, bool init) {
  MC_ASSIGN(const bool initialized, core.registry->initialized());
  if (!init) {
    MC_TRY(require_initialized(*core.registry));
  }
  return !initialized;
}

OperationRequest operation_request(HandlerContext& context, const CallContext& call,
                                   std::string kind, const std::string& service,
                                   const pb::Change& change) {
  OperationRequest request;
  request.kind = std::move(kind);
  request.service = service;
  request.actor = call.caller().subject;
  request.source = change.source().empty() ? "cli" : change.source();
  request.request_id = change.request_id();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      call.deadline() - context.env.clock().mono_now());
  request.lock_wait = std::clamp(left / 2, std::chrono::milliseconds(0), kLockWaitMax);
  return request;
}

Result<void> follow(Core& core, CallContext& call, const std::string& id,
                    Writer<pb::OperationEvent>& writer) {
  return core.operations.follow(
      id, [&](const pb::OperationEvent& event) { return writer.write(event); },
      [&] { return call.cancelled(); });
}

Result<void> deploy(HandlerContext& context, CallContext& call, const pb::DeployRequest& request,
                    Writer<pb::OperationEvent>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  if (request.change().dry_run()) {
    MC_ASSIGN(const DeployPlan plan, core->deployer.plan(request, call.caller().subject));
    pb::OperationEvent event;
    event.mutable_result()->set_kind("deploy");
    event.mutable_result()->set_service(request.service());
    event.mutable_result()->set_state("planned");
    event.mutable_result()->set_generation(plan.record.generation);
    return writer.write(event);
  }
  MC_ASSIGN(const std::optional<std::string> repeated,
            core->operations.recorded(request.change().request_id()));
  if (repeated) {
    return follow(*core, call, *repeated, writer);
  }
  MC_ASSIGN(const bool begins, begins_registry(*core, request.init()));
  OperationRequest operation =
      operation_request(context, call, "deploy", request.service(), request.change());
  operation.component = request.component();
  const std::string actor = call.caller().subject;
  // Planned once the service's lock is held, so that generation and ports are the present ones.
  MC_TRY(core->deployer.plan(request, actor));
  if (begins) {
    MC_TRY(core->registry->set_initialized());
  }
  MC_ASSIGN(const std::string id,
            core->operations.begin(
                operation, [core, request, actor](OperationContext& running) -> Result<void> {
                  MC_ASSIGN(const DeployPlan plan, core->deployer.plan(request, actor));
                  return core->deployer.run(plan, running);
                }));
  Result<void> followed = follow(*core, call, id, writer);
  core->observer.refresh();
  return followed;
}

using ServiceWork = Result<void> (ServiceOps::*)(const std::string&, const std::string&,
                                                 OperationContext&);

Result<void> run_service(HandlerContext& context, CallContext& call, const std::string& kind,
                         ServiceWork work, const pb::ServiceRequest& request,
                         Writer<pb::OperationEvent>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_TRY(require_initialized(*core->registry));
  MC_ASSIGN(const std::optional<std::string> repeated,
            core->operations.recorded(request.change().request_id()));
  if (repeated) {
    return follow(*core, call, *repeated, writer);
  }
  MC_ASSIGN(const std::optional<ServiceRecord> known, core->registry->service(request.service()));
  if (!known) {
    return fail(Code::kNotFound, "service {} is not registered on this node", request.service())
        .id(model::code::kUnknownService)
        .hint("mcp list shows the services");
  }
  if (request.change().dry_run()) {
    pb::OperationEvent event;
    event.mutable_result()->set_kind(kind);
    event.mutable_result()->set_service(request.service());
    event.mutable_result()->set_state("planned");
    event.mutable_result()->set_generation((*known).generation);
    return writer.write(event);
  }
  OperationRequest operation =
      operation_request(context, call, kind, request.service(), request.change());
  operation.component = request.component();
  MC_ASSIGN(const std::string id,
            core->operations.begin(operation, [core, work, request](OperationContext& running) {
              return (core->service_ops.*work)(request.service(), request.component(), running);
            }));
  Result<void> followed = follow(*core, call, id, writer);
  core->observer.refresh();
  return followed;
}

Result<void> boot(HandlerContext& context, CallContext& call, const pb::BootRequest& request,
                  Writer<pb::BootEvent>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_TRY(require_initialized(*core->registry));
  if (request.change().dry_run()) {
    return fail(Code::kUnimplemented, "boot has no dry run")
        .hint("mcp agent recover --dry-run shows what would come up");
  }
  if (request.down()) {
    return core->boot.take_down(*core->runtime, [&](const pb::BootItem& item) {
      pb::BootEvent event;
      *event.mutable_item() = item;
      return writer.write(event);
    });
  }
  MC_ASSIGN(const std::int64_t run,
            core->boot.begin({.reason = "operator", .boot_id = context.boot_id}));
  MC_ASSIGN(const pb::BootRun end, core->boot.follow(
                                       run, true,
                                       [&](const pb::BootItem& item) {
                                         pb::BootEvent event;
                                         *event.mutable_item() = item;
                                         return writer.write(event);
                                       },
                                       [&] { return call.cancelled(); }));
  core->observer.refresh();
  pb::BootEvent event;
  *event.mutable_run() = end;
  return writer.write(event);
}

Result<void> recover(HandlerContext& context, CallContext& call, const pb::RecoverRequest& request,
                     Writer<pb::RecoverEvent>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_TRY(blocking_checks(context.env, context.config, core->registry.get()));
  MC_TRY(require_initialized(*core->registry));
  RecoverOptions options;
  options.services.assign(request.services().begin(), request.services().end());
  options.orphans = request.orphans().empty() ? "report" : request.orphans();
  MC_ASSIGN(options.pull, parse_pull(request.pull()));
  MC_ASSIGN(const boot::Plan plan, core->recovery.plan(options));
  for (const boot::PlanStep& step : plan.steps) {
    pb::RecoverEvent event;
    *event.mutable_plan() = to_proto(step);
    MC_TRY(writer.write(event));
  }
  if (request.change().dry_run()) {
    pb::RecoverEvent event;
    event.mutable_result()->set_kind("recover");
    event.mutable_result()->set_state("planned");
    event.mutable_result()->set_exit_code(plan.exit_code());
    return writer.write(event);
  }
  // The client follows as long as it is there; the recovery goes on without it.
  MC_ASSIGN(
      const std::string id,
      core->operations.begin(operation_request(context, call, "recover", "", request.change()),
                             [&context, core, plan, options](OperationContext& operation) {
                               return core->recovery.run(plan, options, context.boot_id, operation);
                             }));
  Result<void> followed = core->operations.follow(
      id,
      [&](const pb::OperationEvent& event) -> Result<void> {
        pb::RecoverEvent out;
        if (event.has_result()) {
          *out.mutable_result() = event.result();
        } else if (event.has_boot_item()) {
          *out.mutable_item() = event.boot_item();
        } else if (event.has_progress()) {
          const auto& step = event.progress();
          out.set_notice(step.component().empty()
                             ? step.message()
                             : text("{}: {}", step.component(), step.message()));
        } else {
          return {};
        }
        return writer.write(out);
      },
      [&] { return call.cancelled(); });
  core->observer.refresh();
  return followed;
}

}  // namespace

void add_change_methods(dsl::rpc::MethodTable& table, HandlerContext& context) {
  const std::string service = "mcp.v1.AgentService.";
  table.add_stream<pb::DeployRequest, pb::OperationEvent>(
      service + "Deploy", [&context](CallContext& call, const pb::DeployRequest& request,
                                     Writer<pb::OperationEvent>& writer) {
        return deploy(context, call, request, writer);
      });
  const auto add_service_method = [&](const std::string& method, const std::string& kind,
                                      ServiceWork work) {
    table.add_stream<pb::ServiceRequest, pb::OperationEvent>(
        service + method,
        [&context, kind, work](CallContext& call, const pb::ServiceRequest& request,
                               Writer<pb::OperationEvent>& writer) {
          return run_service(context, call, kind, work, request, writer);
        });
  };
  add_service_method("Start", "start", &ServiceOps::start);
  add_service_method("Stop", "stop", &ServiceOps::stop);
  add_service_method("Restart", "restart", &ServiceOps::restart);
  add_service_method("Undeploy", "undeploy", &ServiceOps::undeploy);

  table.add<pb::SyncRequest, pb::SyncReply>(
      service + "SyncDefinitions",
      [&context](CallContext& call, const pb::SyncRequest& request) -> Result<pb::SyncReply> {
        MC_ASSIGN(Core * core, require_core(context));
        const bool writes = !request.change().dry_run();
        MC_ASSIGN(const bool begins, begins_registry(*core, request.init() || !writes));
        MC_ASSIGN(pb::SyncReply reply, core->definitions.sync(request, call.caller().subject));
        if (begins && writes) {
          MC_TRY(core->registry->set_initialized());
        }
        core->observer.refresh();
        return reply;
      });
  table.add<pb::AdoptRequest, pb::AdoptReply>(
      service + "Adopt",
      [&context](CallContext& call, const pb::AdoptRequest& request) -> Result<pb::AdoptReply> {
        MC_ASSIGN(Core * core, require_core(context));
        const bool writes = !request.change().dry_run();
        MC_ASSIGN(const bool begins, begins_registry(*core, request.init() || !writes));
        MC_ASSIGN(pb::AdoptReply reply, core->definitions.adopt(request, call.caller().subject));
        if (begins && writes) {
          MC_TRY(core->registry->set_initialized());
        }
        core->observer.refresh();
        return reply;
      });
  table.add_stream<pb::BootRequest, pb::BootEvent>(
      service + "Boot",
      [&context](CallContext& call, const pb::BootRequest& request, Writer<pb::BootEvent>& writer) {
        return boot(context, call, request, writer);
      });
  table.add<pb::BootControlRequest, pb::BootRun>(
      service + "BootControl",
      [&context](CallContext&, const pb::BootControlRequest& request) -> Result<pb::BootRun> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->boot.control(request);
      });
  table.add_stream<pb::RecoverRequest, pb::RecoverEvent>(
      service + "Recover", [&context](CallContext& call, const pb::RecoverRequest& request,
                                      Writer<pb::RecoverEvent>& writer) {
        return recover(context, call, request, writer);
      });
  table.add<pb::CancelOperationRequest, pb::Operation>(
      service + "CancelOperation",
      [&context](CallContext&, const pb::CancelOperationRequest& request) -> Result<pb::Operation> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->operations.cancel(request.id());
      });
}

}  // namespace mcp::agent
