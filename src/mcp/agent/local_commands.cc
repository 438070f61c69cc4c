#include "mcp/agent/local_commands.h"

#include <csignal>
#include <cstdio>

#include <unistd.h>

#include "dsl/rpc/client.h"
#include "mcp/agent/agent.h"
#include "mcp/agent/relay.h"

namespace mcp::agent {

using dsl::Code;
using dsl::text;
namespace cli = dsl::cli;

namespace {

constexpr const char* kService = "mcp.v1.AgentService.";

cli::Table plan_table() { return cli::Table({{"COMPONENT"}, {"ACTION"}, {"REASON"}}); }

void add_row(cli::Table& table, const pb::PlanRow& row) {
  table.add(
      {row.service().empty() ? row.container() : text("{}/{}", row.service(), row.component()),
       row.action(), row.reason()});
}

// An operation that prints its progress and keeps no journal: the agent that will find it has none.
class PrintedOperation : public OperationContext {
 public:
  explicit PrintedOperation(cli::Progress& progress) : progress_(progress) {}
  const std::string& id() const override { return id_; }
  bool cancelled() const override { return false; }
  void progress(int step, int total, std::string_view component,
                std::string_view message) override {
    progress_.step(step, total, component, message);
  }
  void notice(std::string_view message) override {
    std::fprintf(stderr, "%s\n", std::string(message).c_str());
  }
  void boot_item(const pb::BootItem& item) override {
    if (item.state() == "healthy") {
      ++healthy_;
    }
    progress_.step(healthy_, 0, text("{}/{}", item.service(), item.component()), item.state());
  }
  Result<void> journal(std::string_view, std::string_view) override { return {}; }
  Result<void> journal(dsl::db::Transaction&, std::string_view, std::string_view) override {
    return {};
  }
  pb::Operation& result() override { return result_; }

 private:
  cli::Progress& progress_;
  const std::string id_ = "local";
  int healthy_ = 0;
  pb::Operation result_;
};

}  // namespace

Result<Config> load_config(dsl::env::Env& env, const std::string& file) {
  Config config;
  config.file = file;
  dsl::config::Table table("mcp-agent");
  config.bind(table);
  MC_TRY(table.load(env, {.file = file.empty() ? kDefaultConfig : file}));
  return config;
}

std::vector<cli::Command> LocalCommands::list() {
  return {
      doctor_.command(),
      {.name = "status",
       .summary = "Shows the state of the agent that runs on this node.",
       .examples = {"mcp-agent status"},
       .run = [this] { return status(); }},
      {.name = "recover",
       .summary = "Brings every registered container back, whatever podman has forgotten.",
       .description =
           "Through the running agent when there is one, else by itself under the registry's lock. "
           "Nothing is pulled; no image, volume or file is deleted; no definition is changed.\n"
           "Exit code with --dry-run: 0 nothing to do, 10 changes needed, 11 not recoverable.",
       .examples = {"mcp-agent recover --dry-run", "mcp-agent recover --service mcns"},
       .options = {{.name = "--service",
                    .target = &services_,
                    .help = "only this service (repeatable)",
                    .value_name = "SERVICE"},
                   {.name = "--orphans",
                    .target = &orphans_,
                    .help = "managed containers that are not in the registry",
                    .one_of = {"report", "remove"}}},
       .run = [this] { return recover(); }},
      rebuild_.command(),
      runbook_.command(),
      {.name = "stdio",
       .summary = "Lets a remote mcp in: carries its bytes to the agent's socket and back.",
       .description =
           "What `mcp --via ssh` runs on the node. Speaks gRPC on standard input and output, as "
           "the "
           "user who signed in. Needs no TLS, no token and no name service, and no configuration "
           "that can be read: without one the socket is /srv/mcp/admin.sock.",
       .examples = {"ssh root@rift mcp-agent stdio"},
       .options = {{.name = "--socket",
                    .target = &socket_,
                    .help = "the agent's socket, else that of the configuration",
                    .value_name = "PATH",
                    .complete = "file"}},
       .run = [this] { return stdio(); }},
  };
}

Result<dsl::restore::Settings> LocalCommands::restore_settings() const {
  MC_ASSIGN(const Config config, load_config(env_, globals_.config));
  return dsl::restore::Settings{.database = config.database_path, .replica = config.replica};
}

Result<int> LocalCommands::status() {
  MC_ASSIGN(const Config config, load_config(env_, globals_.config));
  const auto channel = dsl::rpc::Channel::open("unix:" + config.face.socket_path);
  Result<pb::AgentStatus> status =
      channel->call<pb::AgentStatus>(std::string(kService) + "GetStatus", pb::GetStatusRequest());
  if (!status) {
    status.error().set_hint("is the agent running? mcp-agent doctor checks the node without it");
    return tl::unexpected(status.error());
  }
  const pb::Node& node = status->node();
  std::printf("node %s: agent %s (pid %d), %s (%s), registry %s\n", node.name().c_str(),
              node.agent_version().c_str(), status->pid(), node.runtime().c_str(),
              status->runtime_mode().c_str(), node.registry_state().c_str());
  std::printf("%d services, %d of %d containers healthy, %d drifted\n", status->services(),
              status->containers_healthy(), status->containers_wanted(), status->drifted());
  return dsl::kExitOk;
}

Result<int> LocalCommands::recover() {
  MC_ASSIGN(const Config config, load_config(env_, globals_.config));
  const auto channel = dsl::rpc::Channel::open("unix:" + config.face.socket_path);
  const bool served =
      env_.files().exists(config.face.socket_path).value_or(false) &&
      channel->call<pb::Node>(std::string(kService) + "GetNode", pb::GetNodeRequest()).has_value();
  if (served) {
    pb::RecoverRequest request;
    request.mutable_services()->Assign(services_.begin(), services_.end());
    request.set_orphans(orphans_);
    request.mutable_change()->set_dry_run(globals_.dry_run);
    cli::Table table = plan_table();
    cli::Progress progress(globals_);
    pb::Operation result;
    int healthy = 0;
    MC_TRY(channel->stream<pb::RecoverEvent>(
        std::string(kService) + "Recover", request,
        [&](const pb::RecoverEvent& event) -> Result<void> {
          if (event.has_plan()) {
            add_row(table, event.plan());
          } else if (event.has_item()) {
            healthy += event.item().state() == "healthy" ? 1 : 0;
            progress.step(healthy, 0,
                          text("{}/{}", event.item().service(), event.item().component()),
                          event.item().state());
          } else if (event.has_result()) {
            result = event.result();
          }
          return {};
        },
        {.timeout = std::chrono::milliseconds(0)}));
    progress.done();
    if (shows_plan_) {
      std::printf("%s", table.render(globals_).c_str());
    }
    if (!result.error().empty()) {
      std::fprintf(stderr, "error: %s\nhint: %s\n", result.error().c_str(), result.hint().c_str());
      return result.state() == "partial" ? dsl::kExitPartial : dsl::kExitFailed;
    }
    return result.exit_code();
  }

  MC_ASSIGN(Opened opened, open_core(env_, config));
  if (!opened.core) {
    return tl::unexpected(opened.registry_error);
  }
  MC_TRY(blocking_checks(env_, config, opened.core->registry.get()));
  MC_TRY(require_initialized(*opened.core->registry));
  const RecoverOptions options{.services = services_, .orphans = orphans_};
  MC_ASSIGN(const boot::Plan plan, opened.core->recovery.plan(options));
  cli::Table table = plan_table();
  for (const boot::PlanStep& step : plan.steps) {
    add_row(table, to_proto(step));
  }
  std::printf("%s", table.render(globals_).c_str());
  if (globals_.dry_run) {
    return plan.exit_code();
  }
  cli::Progress progress(globals_);
  PrintedOperation operation(progress);
  Result<void> done = opened.core->recovery.run(plan, options, opened.boot_id, operation);
  progress.done();
  opened.core->stop(std::chrono::milliseconds(0));
  if (!done && operation.result().state() == "partial") {
    std::fprintf(stderr, "%s\n", done.error().render().c_str());
    return dsl::kExitPartial;
  }
  MC_TRY(std::move(done));
  return dsl::kExitOk;
}

Result<int> LocalCommands::stdio() {
  std::string path = socket_;
  if (path.empty()) {
    // A member of the socket's group may not read the configuration, and it may be what is broken.
    const Result<Config> config = load_config(env_, globals_.config);
    path = config ? config->face.socket_path : Config().face.socket_path;
    if (!config && config.error().code() == Code::kInvalidArgument) {
      std::fprintf(stderr, "the configuration is wrong; trying %s\n", path.c_str());
    }
  }
  (void)std::signal(SIGPIPE, SIG_IGN);  // an end of the session is seen where we write
  MC_TRY(relay(path, STDIN_FILENO, STDOUT_FILENO));
  return dsl::kExitOk;
}

}  // namespace mcp::agent
