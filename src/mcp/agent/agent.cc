#include "mcp/agent/agent.h"

#include <unistd.h>

#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "dsl/service/version.h"
#include "dsl/transcode/openapi.h"
#include "mcp/agent/backup_state.h"
#include "mcp/model/codes.h"
#include "mcp/runtime/podman.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent");

dsl::transcode::OpenApiInfo about() {
  return {.title = "mcp-agent",
          .version = dsl::build_info().version,
          .summary = "Owns the containers of one node."};
}

// Methods that change services: for whoever operates the node.
Result<void> operators_only(const dsl::rpc::CallContext& call, const google::protobuf::Message&) {
  if (call.caller().has_role("admin") || call.caller().has_role("operate")) {
    return {};
  }
  return fail(Code::kPermissionDenied, "{} may not do this", call.caller().subject)
      .id(model::code::kNotAllowed)
      .hint("it is for tokens with the role operate or admin: mcp token list shows them");
}

bool unreadable(Code code) { return code == Code::kDataLoss || code == Code::kPermissionDenied; }

}  // namespace

Result<std::unique_ptr<dsl::env::FileLock>> lock_registry(dsl::env::Env& env, const Config& config,
                                                          const std::string& boot_id) {
  MC_TRY(env.files().make_directories(dsl::env::folder_of(config.database_path), 0750));
  Result<std::unique_ptr<dsl::env::FileLock>> lock =
      env.files().lock(config.database_path + ".lock", text("pid {} boot {}", getpid(), boot_id));
  if (!lock && lock.error().code() == Code::kConflict) {
    return fail(Code::kConflict, "another agent uses {}: {}", config.database_path,
                lock.error().message())
        .id(model::code::kRegistryLocked)
        .hint("one agent for one registry: stop the other one, or talk to it with mcp");
  }
  return lock;
}

Result<void> require_initialized(Registry& registry) {
  MC_ASSIGN(const bool initialized, registry.initialized());
  if (!initialized) {
    return fail(Code::kFailedPrecondition,
                "the registry of this node is uninitialized, so no container is touched")
        .id(model::code::kUninitialized)
        .hint(
            "a new node: pass --init to deploy, sync or adopt; a node that had services: stop "
            "the agent and run mcp-agent rebuild");
  }
  return {};
}

Result<Opened> open_core(dsl::env::Env& env, const Config& config) {
  Opened opened;
  MC_TRY(check_identity(config, geteuid(), getegid(), std::nullopt));
  MC_ASSIGN(opened.boot_id, read_boot_id(env));
  MC_ASSIGN(opened.lock, lock_registry(env, config, opened.boot_id));

  Result<std::unique_ptr<Registry>> registry =
      Registry::open(env, config.database_path, config.replica.options());
  if (!registry) {
    if (!unreadable(registry.error().code())) {
      return tl::unexpected(registry.error());
    }
    opened.registry_error = registry.error();
    opened.registry_error.set_id(model::code::kRegistryCorrupt);
    opened.registry_error.set_hint(
        "stop the agent, then: mcp-agent restore when there is a replica or a copy of it, else "
        "mcp-agent rebuild, which makes it anew from mirror and labels and keeps this one");
    logger.failure(dsl::log::Level::kError,
                   "the registry is unreadable: containers are left as they are", registry.error());
    return opened;
  }
  MC_ASSIGN(const std::optional<NodeRecord> node, (*registry)->node());
  MC_TRY(check_identity(config, geteuid(), getegid(), node));
  MC_ASSIGN(std::unique_ptr<runtime::PodmanRuntime> runtime,
            runtime::PodmanRuntime::open(env, config.podman_options()));
  const std::string mode = runtime->mode();
  opened.core =
      std::make_unique<Core>(env, config, std::move(*registry), std::move(runtime), opened.boot_id);
  opened.core->runtime_mode = mode;
  return opened;
}

void Agent::adopt(dsl::service::ActivatedSockets& sockets) {
  sockets_ = sockets.extract({dsl::endpoint::kRestSocket, dsl::endpoint::kMetricsSocket});
}

Result<void> Agent::start(dsl::env::Env& env) {
  config_.file = globals_.config;
  MC_ASSIGN(opened_, open_core(env, config_));
  // NOLINTNEXTLINE(modernize-make-unique): it has no constructor, only names
  context_.reset(new HandlerContext{
      .env = env,
      .config = config_,
      .core = opened_.core.get(),
      .registry_error = opened_.registry_error,
      .started = env.clock().now(),
      .uid = geteuid(),
      .gid = getegid(),
      .boot_id = opened_.boot_id,
      .tokens = std::make_shared<dsl::auth::TokenFile>(env, config_.tokens_path)});
  if (opened_.core) {
    MC_TRY(opened_.core->begin());
  }
  dsl::rpc::MethodTable table;
  add_methods(table, *context_);
  MC_TRY(env.files().make_directories(dsl::env::folder_of(config_.face.socket_path), 0750));
  MC_ASSIGN(face_, dsl::endpoint::Endpoint::open(
                       env, config_.face, std::move(table),
                       {.service = "mcp_agent",
                        .about = about(),
                        .authenticate = dsl::auth::local_or_token(
                            dsl::rpc::local_authenticator(geteuid(), config_.face.socket_group),
                            context_->tokens),
                        .policy = operators_only,
                        // The agent brings the CA back, so it may not need one.
                        .serves_without_certificate = true}));
  add_checks();
  add_backup_metrics();
  return face_->serve(sockets_);
}

void Agent::add_checks() {
  face_->health().add("registry", [this]() -> Result<void> {
    return opened_.core ? Result<void>() : tl::unexpected(opened_.registry_error);
  });
  face_->health().add("replica", [this]() -> Result<void> {
    return opened_.core ? opened_.core->registry->database().replica_health() : Result<void>();
  });
  face_->health().add("runtime", [this]() -> Result<void> {
    const std::string error = opened_.core ? opened_.core->observer.runtime_error() : "";
    return error.empty() ? Result<void>() : fail(Code::kUnavailable, "{}", error);
  });
}

void Agent::add_backup_metrics() {
  dsl::metrics::Registry& metrics = face_->metrics();
  auto& points = metrics.gauge("backup_points_total", "Points that are on some target.");
  auto& last = metrics.gauge("backup_last_seconds",
                             "When the newest whole point was made, in seconds since 1970.");
  auto& alerts =
      metrics.gauge("backup_alerts_total", "1 when the last backup failed, or one is due; else 0.");
  metrics.before_exposition([this, &points, &last, &alerts] {
    const Result<BackupState> state = backup_state(context_->env, config_);
    points.set({}, state ? static_cast<double>(state->points) : 0);
    last.set({}, state ? static_cast<double>(state->last_ms) / 1000 : 0);
    alerts.set({}, state && state->alert.empty() ? 0 : 1);
  });
}

std::vector<std::string> Agent::listeners() const { return face_->listeners(); }

Result<void> Agent::refresh() { return face_->refresh(); }

Result<void> Agent::reloaded(const std::vector<std::string>& changed_keys) {
  for (const std::string& key : changed_keys) {
    logger.info("configuration changed", {{"key", key}});
  }
  return {};
}

Result<std::string> Agent::openapi() {
  HandlerContext context{.env = dsl::env::system_env(), .config = config_};
  dsl::rpc::MethodTable table;
  add_methods(table, context);
  return dsl::transcode::openapi(table, about());
}

void Agent::stop(std::chrono::milliseconds grace) {
  // Streams without an end (watch, logs -f) end now; operations have the grace to finish, and their
  // followers hear how. Only then does the server stop.
  if (face_) {
    face_->drain();
  }
  if (context_) {
    context_->stopping = true;
  }
  if (opened_.core) {
    // A mirror that is away must not hold up the end.
    opened_.core->registry->database().stop_waiting();
    opened_.core->stop(grace / 2);
  }
  if (face_) {
    face_->stop(grace / 2);
  }
}

}  // namespace mcp::agent
