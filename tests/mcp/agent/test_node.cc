#include "mcp/agent/test_node.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <unistd.h>

#include "dsl/log/log.h"
#include "mcp/agent/tapped_runtime.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {

using dsl::text;
using dsl::test::require_ok;

TestNode::TestNode() {
  // Faults are what these tests make; their log lines would hide a failure.
  dsl::log::set_level("agent", dsl::log::Level::kError);
  env_.use_files(files_);
  env_.manual_clock().sleep_by_itself();
  config.node_name = "rift";
  config.node_addresses = {{"lan", "127.0.1.1"}};
  config.database_path = folder_.file("mcp.db");
  config.specs_dir = "/srv/mcp/specs";
  config.registry = "mcr.test:8443";
  config.auto_save_tiers.clear();  // works in the background of whatever a test looks at
  config.uid = geteuid();
  config.gid = getegid();
  require_ok(env_.memory_files().make_directories("/srv/mcp/images", 0755));
  runtime.on_start([this](const runtime::Container& container) { show_process(container); });
  open_core();
  require_ok(core_->registry->set_node(
      {.name = config.node_name, .uid = geteuid(), .gid = getegid(), .boot_id = boot_id}));
  require_ok(core_->registry->set_initialized());
}

TestNode::~TestNode() {
  core_->stop(std::chrono::milliseconds(0));
  runtime.on_start({});
}

void TestNode::write(const std::string& path, const std::string& content) {
  require_ok(env_.memory_files().make_directories(path.substr(0, path.rfind('/')), 0755));
  require_ok(env_.memory_files().write_file(path, content));
}

void TestNode::open_core() {
  auto registry = require_ok(Registry::open(env_, config.database_path));
  core_ = std::make_unique<Core>(env_, config, std::move(registry),
                                 std::make_unique<TappedRuntime>(runtime, moments), boot_id);
}

void TestNode::restart_agent() {
  moments.disarm();
  core_->stop(std::chrono::milliseconds(0));
  core_.reset();
  open_core();
}

void TestNode::begin_agent() {
  const auto open = require_ok(core_->operations.left_open());
  require_ok(core_->begin());
  for (const OpenOperation& operation : open) {
    require_ok(core_->operations.follow(
        operation.id,
        [&](const pb::OperationEvent& event) -> Result<void> {
          last_result_ = event.result();
          return {};
        },
        [] { return false; }));
  }
}

void TestNode::reboot() {
  runtime.reboot();
  boot_id += "+";
  restart_agent();
}

Result<DeployPlan> TestNode::plan(const std::string& service, const std::string& definition_toml) {
  pb::DeployRequest request;
  request.set_service(service);
  request.set_definition_toml(definition_toml);
  return core_->deployer.plan(request, "test");
}

Result<void> TestNode::deploy(const std::string& service, const std::string& definition_toml) {
  MC_ASSIGN(const DeployPlan plan, this->plan(service, definition_toml));
  ForegroundOperation operation(
      *core_, moments, {.id = text("op-{}", ++operations_), .kind = "deploy", .service = service},
      true);
  Result<void> done = core_->deployer.run(plan, operation);
  operation.close();
  last_result_ = operation.result();
  for (const std::string& notice : operation.notices) {
    last_result_.add_notices(notice);
  }
  return done;
}

void TestNode::must_deploy(const std::string& service, const std::string& definition_toml) {
  require_ok(deploy(service, definition_toml));
}

void TestNode::show_process(const runtime::Container& container) {
  const auto stat = [](int pid, const char* name, int parent) {
    return text("{} ({}) S {} 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0\n", pid, name,
                parent);
  };
  write(text("/proc/{}/stat", container.pid), stat(container.pid, "serve", container.conmon_pid));
  write(text("/proc/{}/stat", container.conmon_pid), stat(container.conmon_pid, "conmon", 1));
  std::string cmdline = "conmon";
  cmdline += '\0';
  cmdline += container.id;
  write(text("/proc/{}/cmdline", container.conmon_pid), cmdline);
  for (const model::Port& port : container.ports) {
    std::array<char, 5> hex{};
    std::snprintf(hex.data(), hex.size(), "%04X", unsigned{port.host});
    listeners_ +=
        text("   0: 00000000:{} 00000000:0000 0A 0:0 00:0 0 {} 0 4711\n", hex.data(), geteuid());
  }
  write("/proc/net/tcp", listeners_);
}

void TestNode::kill_process(const std::string& container) {
  const auto found = runtime.find(container);
  require_ok(env_.memory_files().remove(text("/proc/{}/stat", found->pid)));
  require_ok(env_.memory_files().remove(text("/proc/{}/stat", found->conmon_pid)));
}

std::vector<std::string> TestNode::container_ids() {
  std::vector<std::string> ids;
  for (const runtime::Container& container : require_ok(runtime.list(true))) {
    ids.push_back(container.id);
  }
  return ids;
}

std::vector<std::string> TestNode::describe(const std::vector<std::string>& known_ids) {
  const auto shown = [&](const std::string& id) {
    const auto known = std::find(known_ids.begin(), known_ids.end(), id);
    return known == known_ids.end() ? std::string("new") : text("#{}", known - known_ids.begin());
  };
  std::vector<std::string> lines;
  for (const runtime::Container& container : require_ok(runtime.list(true))) {
    lines.push_back(text("container {} {} {} generation {}", container.name, shown(container.id),
                         container.state == runtime::State::kRunning ? "running" : "not running",
                         label(container, kLabelGeneration)));
  }
  for (const ServiceRecord& record : require_ok(core_->registry->services())) {
    lines.push_back(text("service {} generation {} {}", record.service.name, record.generation,
                         record.sha256.substr(0, 8)));
    const Result<std::string> mirrored =
        env_.memory_files().read_file(text("{}/{}.json", config.specs_dir, record.service.name));
    lines.push_back(text("mirror of {} is {}", record.service.name,
                         mirrored.value_or("").find(record.sha256) != std::string::npos
                             ? "the registry's"
                             : "another"));
    for (const ComponentRecord& component : record.components) {
      lines.push_back(text("component {}/{} {} {} should run: {}", component.service,
                           component.name, component.image_digest, shown(component.container_id),
                           component.should_run));
    }
  }
  for (const PortRecord& port : require_ok(core_->registry->ports())) {
    lines.push_back(text("port {} {} of {}", port.host_ip,
                         port.fixed ? std::to_string(port.port) : "allocated", port.owner));
  }
  for (const char* folder : {"/srv", "/srv/mcp/specs"}) {
    for (const std::string& name :
         env_.memory_files().list(folder).value_or(std::vector<std::string>{})) {
      lines.push_back(text("file {}/{}", folder, name));
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

ForegroundOperation::ForegroundOperation(Core& core, Moments& moments, const OpenOperation& open,
                                         bool is_new)
    : core_(core), moments_(moments), open_(open) {
  if (!is_new) {
    return;
  }
  require_ok(core.registry->database().write([&](dsl::db::Transaction& tx) {
    return tx.run(
        "INSERT INTO operations(id, request_id, kind, service, component, actor, source, state, "
        "step, journal, started_at, ended_at) "
        "VALUES(?, '', ?, ?, '', 'test', 'cli', 'running', '', '{}', 1, 0)",
        open_.id, open_.kind, open_.service);
  }));
}

void ForegroundOperation::progress(int, int, std::string_view component, std::string_view message) {
  steps.push_back(text("{}: {}", component, message));
  ++steps_;
}

Result<void> ForegroundOperation::journal(std::string_view step, std::string_view journal_json) {
  if (auto error = moments_.pass(text("before journal of {}", step))) {
    return tl::unexpected(std::move(*error));
  }
  MC_TRY(core_.registry->database().write(
      [&](dsl::db::Transaction& tx) { return journal(tx, step, journal_json); }));
  if (auto error = moments_.pass(text("after journal of {}", step))) {
    return tl::unexpected(std::move(*error));
  }
  return {};
}

Result<void> ForegroundOperation::journal(dsl::db::Transaction& tx, std::string_view step,
                                          std::string_view journal_json) {
  return tx.run("UPDATE operations SET step = ?, journal = ? WHERE id = ?", step, journal_json,
                open_.id);
}

void ForegroundOperation::close() {
  require_ok(core_.registry->database().write([&](dsl::db::Transaction& tx) {
    return tx.run("UPDATE operations SET state = 'ended' WHERE id = ?", open_.id);
  }));
}

}  // namespace mcp::agent::test
