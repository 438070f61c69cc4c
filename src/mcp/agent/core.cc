#include "mcp/agent/core.h"

#include <unistd.h>

#include "dsl/log/log.h"
#include "dsl/service/version.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;

namespace {

const dsl::log::Logger logger("agent");

// Mirror files of services that this registry has never had: what a lost one has left.
void warn_of_unknown(const std::string& directory, const std::vector<std::string>& files) {
  std::string names;
  for (const std::string& file : files) {
    names += (names.empty() ? "" : ", ") + file;
  }
  if (!files.empty()) {
    logger.warn(
        "the mirror holds services that the registry has never had; their files are left as they "
        "are: mcp-agent rebuild --replace brings the services back",
        {{"directory", directory}, {"files", names}});
  }
}

}  // namespace

Result<std::string> read_boot_id(dsl::env::Env& env) {
  MC_ASSIGN(std::string id, env.files().read_file("/proc/sys/kernel/random/boot_id"));
  while (!id.empty() && id.back() == '\n') {
    id.pop_back();
  }
  return id;
}

Core::Core(dsl::env::Env& environment, const Config& configuration,
           std::unique_ptr<Registry> opened_registry,
           std::unique_ptr<runtime::Runtime> opened_runtime, std::string machine_boot_id)
    : env(environment),
      config(configuration),
      registry(std::move(opened_registry)),
      runtime(std::move(opened_runtime)),
      boot_id(std::move(machine_boot_id)),
      locks(env),
      events(env, *registry),
      mirror(env, config.specs_dir),
      runbook(env, config, *registry),
      sockets(env, config, *runtime, events),
      containers(env, config, *runtime, sockets),
      images(env, config, *registry, *runtime),
      image_saver(env, config, *registry, images, events),
      helpers(env, config, *runtime),
      files(env, config, *registry, helpers),
      uploads(env, files, events),
      operations(env, *registry, locks),
      pre_upgrade(env, config),
      deployer(env, config, *registry, mirror, *runtime, containers, sockets, events),
      service_ops(env, *registry, mirror, *runtime, containers, sockets, events),
      definitions(env, config, *registry, mirror, *runtime, containers, events, locks),
      boot(env, config, *registry, containers, events, locks),
      recovery(env, config, *registry, *runtime, containers, boot, events, locks),
      observer(env, config, *registry, *runtime, containers, sockets, events, locks),
      data_watch(
          env, config, *registry, events, [this] { return wanted(); },
          [this](const std::string& service) { return stop_for_data(service); }) {
  mirror.on_change([this] { runbook.changed(); });
  deployer.on_upgrade([this](const std::string& service, OperationContext& operation) {
    return pre_upgrade.make_point(service, operation);
  });
  deployer.on_deployed([this](const std::string& service) { image_saver.deployed(service); });
  observer.set_busy([this] { return boot.running() || boot.down(); });
}

Result<void> Core::begin() {
  MC_ASSIGN(const std::optional<NodeRecord> former, registry->node());
  MC_ASSIGN(const runtime::RuntimeInfo info, runtime->info());
  MC_TRY(registry->set_node({.name = config.node_name,
                             .uid = geteuid(),
                             .gid = getegid(),
                             .graph_root = info.graph_root,
                             .run_root = info.run_root,
                             .boot_id = boot_id,
                             .podman_version = info.version,
                             .agent_version = dsl::build_info().version}));
  MC_ASSIGN(const bool initialized, registry->initialized());
  if (initialized) {
    MC_ASSIGN(const std::vector<ServiceRecord> services, registry->services());
    MC_ASSIGN(const std::set<std::string> once_known, registry->names_in_history());
    MC_ASSIGN(const std::vector<std::string> unknown, mirror.reconcile(services, once_known));
    warn_of_unknown(config.specs_dir, unknown);
    runbook.repair();
    images.sweep();
    sockets.restore(services);  // before anything may start or end a container
    MC_TRY(replay_operations());
    const bool rebooted = former && former->boot_id != boot_id;
    if (rebooted) {
      MC_ASSIGN(const std::int64_t run, boot.begin({.reason = "reboot", .boot_id = boot_id}));
      logger.info("the machine has rebooted: boot run begun", {{"run", run}});
    } else {
      MC_ASSIGN(const std::optional<std::int64_t> run, boot.resume(boot_id));
      if (run) {
        logger.info("going on with an unfinished boot run", {{"run", *run}});
      } else {
        image_saver.catch_up();  // not beside a boot, which wants the disk for itself
      }
    }
  } else {
    logger.warn(
        "the registry is uninitialized: no container is touched until a deploy, sync or "
        "adopt with --init; a node that had services: mcp-agent rebuild");
  }
  observer.start();
  data_watch.start();
  return {};
}

// During a boot none: it says itself what a container lacks.
std::vector<DataWatch::Wanted> Core::wanted() {
  std::vector<DataWatch::Wanted> out;
  if (boot.running() || boot.down()) {
    return out;
  }
  for (const pb::ContainerState& state : observer.seen_states(false)) {
    if (state.desired() == "running") {  // which only registered ones have
      out.push_back({state.service(), state.component(), state.pid()});
    }
  }
  return out;
}

// Waits for its end: who is told that it was stopped can rely on it.
Result<void> Core::stop_for_data(const std::string& service) {
  MC_ASSIGN(const std::string id, operations.begin({.kind = "stop",
                                                    .service = service,
                                                    .actor = "data-watch",
                                                    .source = "agent",
                                                    .lock_wait = std::chrono::milliseconds(0)},
                                                   [this, service](OperationContext& operation) {
                                                     return service_ops.stop(service, "",
                                                                             operation);
                                                   }));
  std::string error;
  MC_TRY(operations.follow(
      id,
      [&](const pb::OperationEvent& event) -> Result<void> {
        error = event.has_result() ? event.result().error() : error;
        return {};
      },
      [] { return false; }));
  return error.empty() ? Result<void>() : fail(Code::kUnavailable, "{}", error);
}

// A deploy goes back or forward; the others are run again, since their desired state was committed
// first and each of their effects may be repeated.
Result<void> Core::replay_operations() {
  MC_ASSIGN(const std::vector<OpenOperation> open, operations.left_open());
  for (const OpenOperation& left : open) {
    logger.warn("ending an operation that was interrupted",
                {{"operation", left.id}, {"kind", left.kind}, {"service", left.service}});
    MC_TRY(operations.resume(left, [this, left](OperationContext& operation) -> Result<void> {
      if (left.kind == "deploy") {
        return deployer.replay(left, operation);
      }
      // A restart is interrupted between its stop and its start: what is left of it is the start.
      if (left.kind == "start" || left.kind == "restart") {
        return service_ops.start(left.service, left.component, operation);
      }
      if (left.kind == "stop") {
        return service_ops.stop(left.service, left.component, operation);
      }
      if (left.kind == "undeploy") {
        return service_ops.undeploy(left.service, "", operation);
      }
      return fail(Code::kUnavailable, "the agent was interrupted during {}", left.kind)
          .id(model::code::kOperationInterrupted)
          .hint("run it again");
    }));
  }
  return {};
}

void Core::stop(std::chrono::milliseconds grace) {
  operations.stop(grace);
  data_watch.stop();
  image_saver.stop();
  locks.stop();
  boot.stop();
  observer.stop();
  sockets.stop();
}

}  // namespace mcp::agent
