// The container runtime as the agent sees it. PodmanRuntime speaks the libpod REST API; tests and
// benches of planning use FakeRuntime. Docker and Kubernetes can follow.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"
#include "mcp/model/service.h"

namespace mcp::runtime {

using dsl::Result;

// What `create` takes: a resolved component, with what only the agent knows.
struct ContainerSpec {
  model::Component component;
  std::vector<model::Port> ports;                        // fixed and allocated
  std::vector<std::pair<std::string, std::string>> env;  // component's and routes'
  std::map<std::string, std::string> labels;
  std::string rootfs;          // a directory in place of an image; empty = component.image
  bool remove_at_end = false;  // the container goes when its process ends
};

enum class State { kCreated, kRunning, kPaused, kExited, kStopped, kRemoving, kUnknown };

struct Container {
  std::string id;
  std::string name;
  std::string image;  // reference it was made from
  std::string image_id;
  State state = State::kUnknown;
  int exit_code = 0;
  std::int32_t pid = 0;
  std::int32_t conmon_pid = 0;
  std::string conmon_pidfile;
  dsl::env::WallTime created{};
  dsl::env::WallTime started{};
  int restarts = 0;
  std::map<std::string, std::string> labels;
  std::vector<model::Port> ports;
  // From `inspect` only:
  std::vector<std::string> command;  // as given at create, without entrypoint; else the image's
  std::vector<std::string> entrypoint;
  std::vector<model::Volume> mounts;  // binds; of the options only "ro" can be seen
  std::vector<std::string> networks;  // ["mcpnet"]; host and none by name
  std::string network_mode;           // "slirp4netns", "bridge", "host", "none"
  std::string user;
  std::string restart_policy;
  std::vector<std::string> env;
  bool storage_only = false;  // the image store reserves the name; podman knows no container
};

struct Image {
  std::string id;
  std::string digest;                // sha256:...
  std::vector<std::string> names;    // repo:tag
  std::vector<std::string> digests;  // repo@sha256:...
  std::uint64_t size_bytes = 0;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
};

struct RuntimeEvent {
  std::string type;    // container, image, ...
  std::string action;  // start, died, remove, ...
  std::string id;
  std::string name;
  std::map<std::string, std::string> attributes;
  dsl::env::WallTime time{};
  std::int64_t time_ns = 0;  // the same in full: with id and action the event's identity
};

struct LogOptions {
  bool follow = false;
  int tail = 0;  // 0 = all
  std::int64_t since_s = 0;
  bool timestamps = false;
};
struct LogRecord {
  bool is_stderr = false;
  std::string time;
  std::string line;
};

struct ExecResult {
  int exit_code = 0;
  std::string output;  // stdout and stderr, 64 KiB at most
};

struct RuntimeInfo {
  std::string version;  // "4.3.1"
  std::string api_version;
  std::string graph_root;
  std::string run_root;
  std::string driver;          // overlay
  std::string cgroup_version;  // v1, v2
  bool rootless = true;
};

// Thread-safe; each call blocks. Errors: kUnavailable (runtime not reachable), kNotFound,
// kAlreadyExists (name taken; the detail "holder" is its id when known), kFailedPrecondition
// (image not known; container in a state that forbids the call), kConflict (port in use, at start:
// the container stays, in state created), kDeadlineExceeded.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual Result<RuntimeInfo> info() = 0;
  // Of `info`, which is slow: podman asks the package manager about each of its helpers. This one
  // is fixed in the store, and asked for once.
  virtual Result<std::string> run_root() = 0;

  virtual Result<std::string> create(const ContainerSpec& spec) = 0;  // id
  virtual Result<void> start(const std::string& id) = 0;              // already running is success
  virtual Result<void> stop(const std::string& id,
                            std::chrono::milliseconds grace) = 0;  // already stopped is success
  virtual Result<void> kill(const std::string& id, const std::string& signal) = 0;
  virtual Result<void> remove(const std::string& id, bool force) = 0;  // absent is success
  virtual Result<void> rename(const std::string& id, const std::string& name) = 0;
  virtual Result<Container> inspect(const std::string& id_or_name) = 0;
  // Every container in any state; with `external` those that only the image store knows, too.
  virtual Result<std::vector<Container>> list(bool external) = 0;
  // Releases a name that only the image store holds (`podman rm` of an external container). The
  // caller has ended its processes (leftovers.h): podman would take the files from under them.
  virtual Result<void> remove_storage(const std::string& id) = 0;

  // Calls `on_event` until it returns false, `stop` becomes true (asked at least every 200 ms), or
  // the stream breaks (kUnavailable). Each event comes once.
  virtual Result<void> events(const std::function<bool(const RuntimeEvent&)>& on_event,
                              const std::function<bool()>& stop) = 0;
  // Ends when `on_line` returns false, `stop` becomes true (asked at least every 200 ms), or there
  // is nothing more to come.
  virtual Result<void> logs(const std::string& id, const LogOptions& options,
                            const std::function<bool(const LogRecord&)>& on_line,
                            const std::function<bool()>& stop = {}) = 0;
  // kDeadlineExceeded after `timeout`; the process is then killed.
  virtual Result<ExecResult> exec(const std::string& id, const std::vector<std::string>& argv,
                                  std::chrono::milliseconds timeout) = 0;

  virtual Result<std::optional<Image>> image(
      const std::string& reference) = 0;  // nothing when absent
  virtual Result<std::vector<Image>> images() = 0;
  virtual Result<void> pull(const std::string& reference, std::chrono::milliseconds timeout) = 0;
  virtual Result<void> tag(const std::string& image_id, const std::string& reference) = 0;
  // A docker or OCI archive; returns the names of its images, and their ids where they have none.
  virtual Result<std::vector<std::string>> load(const std::string& archive_path) = 0;
  // The image as a docker archive, handed over piece by piece; an error of `on_data` ends it, as
  // does `stop` (kCancelled). Podman may end a broken archive as if it were whole: the caller reads
  // it back. An archive of an image named by its id or digest has no name.
  virtual Result<void> save(const std::string& image,
                            const std::function<Result<void>(std::string_view)>& on_data,
                            const std::function<bool()>& stop = {}) = 0;

  virtual Result<void> ensure_network(const std::string& name) = 0;
  virtual Result<std::vector<std::string>> networks() = 0;
};

// How the libpod socket comes to be there.
struct PodmanOptions {
  std::string mode = "auto";  // socket, spawn, auto
  std::string socket;         // empty = $XDG_RUNTIME_DIR/podman/podman.sock, or ours in spawn mode
  std::string log_path;       // spawn: the service's output
  int connections_max = 8;
  std::chrono::milliseconds call_timeout{60000};
  // How long a call waits for a runtime that is away (restarting) before it says kUnavailable.
  std::chrono::milliseconds unreachable_timeout{5000};
};

}  // namespace mcp::runtime
