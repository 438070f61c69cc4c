// A container runtime in memory that behaves as podman does towards its caller, with faults and
// latencies on request.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/runtime/runtime.h"

namespace mcp::runtime {

// Thread-safe. Ids are "id-1", "id-2", ... filled up to 64 characters, in the order of creation;
// pids likewise. What
// podman reports by error codes is reported alike: names taken, unknown images, port conflicts at
// start (the container stays, in state created), states that forbid a call.
class FakeRuntime : public Runtime {
 public:
  // `env` gives time: latencies sleep on its clock.
  explicit FakeRuntime(dsl::env::Env& env) : env_(env) {}

  // --- what the test arranges ---
  void add_image(const std::string& reference);
  void remove_image(const std::string& reference);
  // A port held by somebody else on the host.
  void occupy(const model::Port& port);
  void free(const model::Port& port);
  // Each call of `operation` ("create", "start", "stop", ...) takes this long.
  void set_latency(const std::string& operation, std::chrono::milliseconds latency);
  // Asked before each call with operation and subject (name or id); an error is what it returns.
  using Fault = std::function<std::optional<dsl::Error>(const std::string& operation,
                                                        const std::string& subject)>;
  void set_fault(Fault fault);
  // The next `count` calls of `operation` fail with `error`.
  void fail_next(const std::string& operation, dsl::Error error, int count = 1);
  // Every call says kUnavailable, event streams break.
  void set_reachable(bool reachable);
  // What exec answers; exit code 0 without output by default.
  using OnExec = std::function<Result<ExecResult>(const std::string& name,
                                                  const std::vector<std::string>& argv)>;
  void set_exec(OnExec on_exec);
  // Called under no lock, after a container has started.
  void on_start(std::function<void(const Container&)> hook);

  // --- what befalls containers ---
  // The process of a running container ends; restart policies are not followed.
  void die(const std::string& name, int exit_code);
  void log(const std::string& name, LogRecord record);
  // Podman's database goes: containers are known to the image store only, networks are forgotten.
  void lose_database();
  // Everything stops, as after a power cut: running containers are `created` again (podman 4.3).
  void reboot();

  // --- what the test looks at ---
  // "create mcq-api", "start mcq-api", ... in order; reading calls are left out.
  std::vector<std::string> calls() const;
  void clear_calls();
  std::optional<Container> find(const std::string& id_or_name) const;
  // As create got it.
  std::optional<ContainerSpec> spec(const std::string& id_or_name) const;
  int running_max() const;  // most create/start calls that were under way at once

  // --- Runtime ---
  Result<RuntimeInfo> info() override;
  Result<std::string> run_root() override;
  Result<std::string> create(const ContainerSpec& spec) override;
  Result<void> start(const std::string& id) override;
  Result<void> stop(const std::string& id, std::chrono::milliseconds grace) override;
  Result<void> kill(const std::string& id, const std::string& signal) override;
  Result<void> remove(const std::string& id, bool force) override;
  Result<void> rename(const std::string& id, const std::string& name) override;
  Result<Container> inspect(const std::string& id_or_name) override;
  Result<std::vector<Container>> list(bool external) override;
  Result<void> remove_storage(const std::string& id) override;
  Result<void> events(const std::function<bool(const RuntimeEvent&)>& on_event,
                      const std::function<bool()>& stop) override;
  Result<void> logs(const std::string& id, const LogOptions& options,
                    const std::function<bool(const LogRecord&)>& on_line,
                    const std::function<bool()>& stop) override;
  Result<ExecResult> exec(const std::string& id, const std::vector<std::string>& argv,
                          std::chrono::milliseconds timeout) override;
  Result<std::optional<Image>> image(const std::string& reference) override;
  Result<std::vector<Image>> images() override;
  Result<void> pull(const std::string& reference, std::chrono::milliseconds timeout) override;
  Result<void> tag(const std::string& image_id, const std::string& reference) override;
  Result<std::vector<std::string>> load(const std::string& archive_path) override;
  Result<void> save(const std::string& image,
                    const std::function<Result<void>(std::string_view)>& on_data,
                    const std::function<bool()>& stop) override;
  Result<void> ensure_network(const std::string& name) override;
  Result<std::vector<std::string>> networks() override;

  // References that `pull` finds, and what an archive holds for `load`.
  void add_remote_image(const std::string& reference);
  void add_archive(const std::string& path, const std::string& reference);
  // What `save` sends of an image that it knows, in pieces of 512 bytes.
  void set_saved_bytes(const std::string& reference, std::string archive);

 private:
  struct Entry {
    Container container;
    ContainerSpec spec;
    std::vector<LogRecord> log;
  };
  class Call;

  Entry* entry(const std::string& id_or_name);  // all below: mutex_ is held
  Result<Entry*> known(const std::string& id_or_name);
  Image& new_image(const std::string& reference);
  bool is_taken(const model::Port& port, const std::string& own_id) const;
  void emit(const std::string& action, const Container& container);
  void end(Entry& entry, int exit_code);

  dsl::env::Env& env_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;  // by id
  std::vector<Image> images_;
  std::set<std::string> remote_;
  std::map<std::string, std::string> archives_;
  std::map<std::string, std::string> saved_bytes_;
  std::set<std::string> networks_;
  std::vector<model::Port> occupied_;
  std::map<std::string, std::chrono::milliseconds> latency_;
  std::map<std::string, std::deque<dsl::Error>> next_errors_;
  Fault fault_;
  OnExec on_exec_;
  std::function<void(const Container&)> on_start_;
  bool reachable_ = true;
  std::vector<std::string> calls_;
  std::vector<RuntimeEvent> events_;
  int last_id_ = 0;
  int last_start_ = 0;
  int under_way_ = 0;
  int under_way_max_ = 0;
};

}  // namespace mcp::runtime
