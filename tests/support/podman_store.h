// A rootless podman of a test's own: its own store, runtime folder and configuration.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/process.h"

namespace dsl::test {

// Made in a temporary folder; removed with every container, forwarder, conmon, network helper and
// pause process of it when destroyed, or, when its process was killed, by the next store made.
// While it lives, HOME, XDG_RUNTIME_DIR and PATH of this process point into it, so that code under
// test which starts podman uses it too: one at a time.
class PodmanStore {
 public:
  // Why these tests cannot run here, nothing when they can. Rootless podman needs a user with
  // sub-uids: as root this process becomes the user mcp for good, so call it in a binary of its
  // own, before threads.
  static std::optional<std::string> unavailable();

  PodmanStore();
  ~PodmanStore();
  PodmanStore(const PodmanStore&) = delete;
  PodmanStore& operator=(const PodmanStore&) = delete;

  const std::string& home() const { return home_; }
  const std::string& runtime_dir() const { return runtime_dir_; }
  // Folder below $HOME/.local/share/containers/storage and below the runtime folder.
  std::string graph_root() const;
  std::string run_root() const;
  // KEY=VALUE for a child that is to use this store.
  std::vector<std::string> environment() const;

  // Runs podman with `arguments`; the test reads exit code and output.
  env::Output podman(const std::vector<std::string>& arguments) const;
  // As above; throws when podman fails. Returns its output without the line break.
  std::string must(const std::vector<std::string>& arguments) const;
  // localhost/bb:1, a root file system with a static busybox and its usual names.
  void import_busybox() const;

  // Ends every process of this store, as a power cut does to podman's state: nothing is told.
  void kill_everything() const;

 private:
  explicit PodmanStore(std::string abandoned);
  static void sweep();
  std::vector<int> processes() const;

  std::string base_;
  std::string home_;
  std::string runtime_dir_;
};

// A loopback port that was free a moment ago.
std::uint16_t free_tcp_port();

}  // namespace dsl::test
