#include "mcp/runtime/name_server.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include <signal.h>

namespace mcp::runtime {

using dsl::Code;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLockTimeout{5000};
constexpr milliseconds kLockPause{5};

std::string folder_of(const std::string& run_root) { return run_root + "/networks/aardvark-dns"; }

// The server of this run root, 0 when there is none: the file may outlive it.
int server_pid(dsl::env::Env& env, const std::string& run_root) {
  const std::string folder = folder_of(run_root);
  const std::string text = env.files().read_file(folder + "/aardvark.pid").value_or("");
  const int pid = std::atoi(text.c_str());
  const auto arguments = Proc(env.files()).cmdline(pid);
  const bool ours = std::find(arguments.begin(), arguments.end(), folder) != arguments.end();
  return pid > 1 && ours ? pid : 0;
}

dsl::Result<std::unique_ptr<dsl::env::FileLock>> lock(dsl::env::Env& env,
                                                      const std::string& run_root) {
  const std::string path = run_root + "/networks/aardvark.lock";
  const auto deadline = env.clock().mono_now() + kLockTimeout;
  while (true) {
    auto held = env.files().lock(path, "");
    if (held || held.error().code() != Code::kConflict || env.clock().mono_now() >= deadline) {
      return held;
    }
    env.clock().sleep_for(kLockPause);
  }
}

// Whether any file was changed.
dsl::Result<bool> rewrite(dsl::env::Env& env, const std::string& folder,
                          const std::vector<std::string>& networks,
                          const std::vector<std::string>& container_ids) {
  bool changed = false;
  for (const auto& network : networks) {
    const std::string path = folder + "/" + network;
    const auto before = env.files().read_file(path);
    if (!before) {
      continue;  // podman removes the file with the network's last container
    }
    const std::string after = without_containers(*before, container_ids);
    if (after != *before) {
      MC_TRY(env.files().write_file(path, after));
      changed = true;
    }
  }
  return changed;
}

}  // namespace

dsl::Result<void> forget_names(dsl::env::Env& env, const std::string& run_root,
                               const std::vector<std::string>& container_ids) {
  const std::string folder = folder_of(run_root);
  auto networks = env.files().list(folder);
  if (!networks) {
    return {};
  }
  std::erase(*networks, "aardvark.pid");
  MC_ASSIGN(const auto held, lock(env, run_root));
  MC_ASSIGN(const bool changed, rewrite(env, folder, *networks, container_ids));
  if (const int pid = server_pid(env, run_root); changed && pid != 0) {
    (void)::kill(pid, SIGHUP);  // it reads its folder again; just ended: as good
  }
  return {};
}

void end_lost_name_server(dsl::env::Env& env, const std::string& run_root) {
  const int pid = server_pid(env, run_root);
  if (pid == 0) {
    return;
  }
  const std::string interfaces = Proc(env.files()).file(pid, "net/dev");
  if (!interfaces.empty() && !has_way_out(interfaces)) {
    (void)::kill(pid, SIGKILL);
  }
}

std::string without_containers(std::string_view config,
                               const std::vector<std::string>& container_ids) {
  const std::set<std::string_view> gone(container_ids.begin(), container_ids.end());
  std::string out;
  while (!config.empty()) {
    const auto end = config.find('\n');
    const std::string_view line = config.substr(0, end);
    config.remove_prefix(end == std::string_view::npos ? config.size() : end + 1);
    // "<id> <addresses> <addresses> <names>"; the first line is the network's own.
    if (gone.count(line.substr(0, line.find(' '))) == 0) {
      out += line;
      out += '\n';
    }
  }
  return out;
}

bool has_way_out(std::string_view net_dev) {
  while (!net_dev.empty()) {
    const auto end = net_dev.find('\n');
    std::string_view line = net_dev.substr(0, end);
    net_dev.remove_prefix(end == std::string_view::npos ? net_dev.size() : end + 1);
    const auto colon = line.find(':');
    const auto start = line.find_first_not_of(' ');
    if (colon == std::string_view::npos || start >= colon) {
      continue;  // the two lines of headings
    }
    const std::string_view name = line.substr(start, colon - start);
    const bool own = name == "lo" || name.substr(0, 6) == "podman" || name.substr(0, 4) == "veth";
    if (!own) {
      return true;
    }
  }
  return false;
}

}  // namespace mcp::runtime
