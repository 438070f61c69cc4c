// A node for tests of the agent's parts: a container runtime in memory whose containers show in
// /proc, a real registry, a clock that moves by itself where one thread sleeps.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mcp/agent/core.h"
#include "mcp/agent/moments.h"
#include "mcp/agent/node_files.h"
#include "support/runtime/fake_runtime.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcp::agent::test {

class TestNode {
  // First, since what is below stands on them.
  dsl::test::TempDir folder_{dsl::test::TempDir::Where::kMemory};
  dsl::test::TestEnv env_{1};
  NodeFiles files_{folder_.path(), dsl::env::system_env().files(), env_.memory_files()};

 public:
  TestNode();
  ~TestNode();

  dsl::test::TestEnv& env() { return env_; }
  // A file of the memory part: "/etc/passwd", "/proc/self/status".
  void write(const std::string& path, const std::string& content);
  std::string registry_file() const { return config.database_path; }

  Core& core() { return *core_; }
  // The agent's process ends without a word and another one takes its place over the same registry,
  // containers and files. It has not begun yet.
  void restart_agent();
  // What begin does, and waits until the operations left open have ended.
  void begin_agent();
  // The machine goes down and up: other boot id, no processes.
  void reboot();

  // Deploys by `definition_toml` on this thread; the file is <service>.toml.
  Result<DeployPlan> plan(const std::string& service, const std::string& definition_toml);
  Result<void> deploy(const std::string& service, const std::string& definition_toml);
  // As deploy, and the test ends when it fails.
  void must_deploy(const std::string& service, const std::string& definition_toml);
  const pb::Operation& last_result() const { return last_result_; }

  // The container's process and its monitor are gone, while podman calls it running.
  void kill_process(const std::string& container);

  // All there is, one thing a line: containers, what the registry holds, ports, directories of
  // services. Ids are printed as their place in `known_ids`, or as "new".
  std::vector<std::string> describe(const std::vector<std::string>& known_ids);
  std::vector<std::string> container_ids();

  Config config;
  Moments moments;
  runtime::FakeRuntime runtime{env_};
  std::string boot_id = "boot-1";

 private:
  void open_core();
  void show_process(const runtime::Container& container);

  std::unique_ptr<Core> core_;
  pb::Operation last_result_;
  std::string listeners_;
  int operations_ = 0;
};

// An operation on the thread of the test, with a row as Operations would write it.
class ForegroundOperation final : public OperationContext {
 public:
  ForegroundOperation(Core& core, Moments& moments, const OpenOperation& open, bool is_new);

  const std::string& id() const override { return open_.id; }
  bool cancelled() const override { return cancel_at_step_ == steps_; }
  void progress(int step, int total, std::string_view component, std::string_view message) override;
  void notice(std::string_view message) override { notices.emplace_back(message); }
  void boot_item(const pb::BootItem& item) override { boot_items.push_back(item); }
  Result<void> journal(std::string_view step, std::string_view journal_json) override;
  Result<void> journal(dsl::db::Transaction& tx, std::string_view step,
                       std::string_view journal_json) override;
  pb::Operation& result() override { return result_; }

  // The row says how it ended, so that no later agent takes it up.
  void close();
  void cancel_after(int count) { cancel_at_step_ = count; }

  std::vector<std::string> steps;  // "api: create"
  std::vector<std::string> notices;
  std::vector<pb::BootItem> boot_items;

 private:
  Core& core_;
  Moments& moments_;
  const OpenOperation open_;
  pb::Operation result_;
  int steps_ = 0;
  int cancel_at_step_ = -1;
};

}  // namespace mcp::agent::test
