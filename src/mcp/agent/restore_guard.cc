#include "mcp/agent/restore_guard.h"

#include <sstream>

#include "dsl/env/path.h"
#include "dsl/rpc/client.h"
#include "mcp/agent/backup_units.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;
using dsl::Code;
using dsl::fail;
using dsl::text;
using recovery::RestoreStep;

namespace {

constexpr const char* kMethods = "mcp.v1.AgentService.";
constexpr std::chrono::seconds kPodmanTime{60};
constexpr std::chrono::minutes kServiceTime{5};

std::string moment(std::int64_t ms) {
  return dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(ms)));
}

}  // namespace

Result<std::vector<std::string>> running_containers(dsl::env::Env& env,
                                                    const std::string& service) {
  MC_ASSIGN(
      const dsl::env::Output output,
      env.processes().run({.argv = {"podman", "ps", "--filter", "label=mcp.managed", "--filter",
                                    "label=mcp.service=" + service, "--format", "{{.Names}}"}},
                          kPodmanTime));
  if (output.exit_code != 0) {
    return fail(Code::kUnavailable, "podman does not tell what runs: {}", output.err)
        .hint("mcp-agent doctor");
  }
  std::vector<std::string> names;
  std::istringstream lines(output.out);
  for (std::string name; std::getline(lines, name);) {
    names.push_back(name);
  }
  return names;
}

RestoreGuard::RestoreGuard(dsl::env::Env& env, const Config* config,
                           const recovery::RestorePlan& plan, Options options)
    : env_(env), config_(config), plan_(plan), options_(options) {}

RestoreGuard::~RestoreGuard() = default;

Result<void> RestoreGuard::check() {
  MC_TRY(check_age());
  for (const RestoreStep& step : plan_.steps) {
    if (step.unit == kAgentUnit) {
      MC_TRY(check_agent(step));
      continue;
    }
    MC_ASSIGN(const std::vector<std::string> running, running_containers(env_, step.unit));
    if (running.empty()) {
      continue;
    }
    if (!options_.in_place) {
      return fail(Code::kConflict, "{} runs ({})", step.unit, running.front())
          .hint(text("mcp stop {} first, or let --in-place do it", step.unit));
    }
    to_stop_.push_back(step.unit);
  }
  return {};
}

Result<void> RestoreGuard::check_age() const {
  for (const RestoreStep& step : plan_.steps) {
    if (step.live_newest_ms > plan_.manifest.begun_ms && !options_.older_ok &&
        step.unit != kAgentUnit) {
      return fail(Code::kPermissionDenied, "{} was changed at {}, after the point of {}", step.root,
                  moment(step.live_newest_ms), moment(plan_.manifest.begun_ms))
          .id(kOlderThanLive)
          .hint("--older-ok restores all the same; what is there now is kept in .trash");
    }
  }
  return {};
}

Result<void> RestoreGuard::check_agent(const RestoreStep& step) {
  const std::string registry = config_ == nullptr ? step.root + "/mcp.db" : config_->database_path;
  MC_TRY(env_.files().make_directories(step.root, 0700));
  Result<std::unique_ptr<dsl::env::FileLock>> lock =
      env_.files().lock(registry + ".lock", "a restore of the registry");
  if (!lock) {
    return fail(Code::kConflict, "an agent runs on {}: {}", registry, lock.error().message())
        .hint("systemctl stop mcp-agent, or restore single services with --service");
  }
  registry_lock_ = std::move(*lock);
  return {};
}

bool agent_answers(dsl::env::Env& env, const Config& config) {
  return env.files().exists(config.face.socket_path).value_or(false) &&
         dsl::rpc::Channel::open("unix:" + config.face.socket_path)
             ->call<pb::Node>(std::string(kMethods) + "GetNode", pb::GetNodeRequest())
             .has_value();
}

Result<void> RestoreGuard::call(const std::string& method, const std::string& service) const {
  pb::ServiceRequest request;
  request.set_service(service);
  request.mutable_change()->set_source("cli");
  pb::Operation result;
  MC_TRY(dsl::rpc::Channel::open("unix:" + config_->face.socket_path)
             ->stream<pb::OperationEvent>(std::string(kMethods) + method, request,
                                          [&](const pb::OperationEvent& event) -> Result<void> {
                                            if (event.has_result()) {
                                              result = event.result();
                                            }
                                            return {};
                                          },
                                          {.timeout = kServiceTime}));
  if (!result.error().empty()) {
    return fail(Code::kUnavailable, "{} {}: {}", method, service, result.error())
        .hint(result.hint());
  }
  return {};
}

Result<void> RestoreGuard::stop_services() {
  const bool served = config_ != nullptr && agent_answers(env_, *config_);
  for (const std::string& service : to_stop_) {
    if (served) {
      MC_TRY(call("Stop", service));
    } else {
      MC_ASSIGN(const std::vector<std::string> containers, running_containers(env_, service));
      std::vector<std::string> argv{"podman", "stop"};
      argv.insert(argv.end(), containers.begin(), containers.end());
      MC_ASSIGN(const dsl::env::Output output, env_.processes().run({.argv = argv}, kServiceTime));
      if (output.exit_code != 0) {
        return fail(Code::kUnavailable, "podman stop: {}", output.err);
      }
    }
    stopped_.push_back(service);
  }
  return {};
}

Result<void> RestoreGuard::start_services() {
  registry_lock_.reset();
  const bool served = !stopped_.empty() && config_ != nullptr && agent_answers(env_, *config_);
  std::string left;
  for (const std::string& service : stopped_) {
    if (!served || !call("Start", service)) {
      left += (left.empty() ? "" : " ") + service;
    }
  }
  stopped_.clear();
  if (!left.empty()) {
    return fail(Code::kUnavailable, "{} was stopped and does not run yet", left)
        .hint(text("mcp start {}, or mcp-agent recover", left));
  }
  return {};
}

}  // namespace mcp::agent
