// The kernel, and what the machine has left.
#include <algorithm>
#include <cstdlib>

#include "dsl/env/path.h"
#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

using dsl::text;

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::chrono::milliseconds kToolPatience{5000};
// A deploy pulls an image and keeps the old one: below this a deploy may not fit.
constexpr std::uint64_t kDiskWarnBytes = 20 * kGiB;
// Databases need room to write a log before they can free anything.
constexpr std::uint64_t kDiskFailBytes = kGiB;
constexpr std::uint64_t kMemoryWarnBytes = 256 * kMiB;
constexpr std::uint64_t kMemoryFailBytes = 64 * kMiB;
// Of the agent itself, its database and podman's service, and of each container: its monitor, its
// forwarders and their pipes.
constexpr std::uint64_t kFilesBase = 1024;
constexpr std::uint64_t kFilesEach = 64;
// Overlay mounts without privilege came with 5.11.
constexpr int kOverlayMajor = 5;
constexpr int kOverlayMinor = 11;

std::string read(const DoctorContext& context, const std::string& path) {
  std::string content = context.env.files().read_file(path).value_or("");
  while (!content.empty() && (content.back() == '\n' || content.back() == ' ')) {
    content.pop_back();
  }
  return content;
}

std::uint64_t number(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

std::string show_bytes(std::uint64_t bytes) {
  return bytes >= kGiB ? text("{} GiB", bytes / kGiB) : text("{} MiB", bytes / kMiB);
}

// Where the platform writes: its data, its registry, its images.
std::vector<std::string> written_places(const DoctorContext& context) {
  std::vector<std::string> places;
  for (const std::string& path :
       {context.config.data_root, dsl::env::folder_of(context.config.database_path),
        graph_root(context)}) {
    if (context.env.files().exists(path).value_or(false) &&
        std::find(places.begin(), places.end(), path) == places.end()) {
      places.push_back(path);
    }
  }
  return places;
}

struct Room {
  std::string path;
  std::string mount;
  std::uint64_t size = 0;
  std::uint64_t left = 0;
  std::uint64_t percent_left() const {
    return size == 0 ? 0 : left / std::max(size / 100, std::uint64_t{1});
  }
  bool below(std::uint64_t percent) const { return percent_left() < percent; }
};

// `what` is df's pair of columns: "size,avail" or "itotal,iavail".
Result<std::vector<Room>> rooms(const DoctorContext& context, const std::string& what) {
  std::vector<Room> found;
  for (const std::string& path : written_places(context)) {
    MC_ASSIGN(const dsl::env::Output out,
              context.env.processes().run(
                  {.argv = {"df", "-B1", "--output=" + what + ",target", path}}, kToolPatience));
    const std::vector<std::string> lines = lines_of(out.out);
    const std::vector<std::string> words =
        lines.empty() ? std::vector<std::string>() : words_of(lines.back());
    if (out.exit_code != 0 || lines.size() < 2 || words.size() < 3) {
      return dsl::fail(dsl::Code::kUnavailable, "df {} says: {}", path, out.err);
    }
    const Room room{path, words[2], number(words[0]), number(words[1])};
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const Room& other) { return other.mount == room.mount; });
    if (!known) {
      found.push_back(room);
    }
  }
  return found;
}

// Major and minor of "6.1.0-18-amd64".
std::pair<int, int> kernel_release(const std::string& release) {
  char* end = nullptr;
  const long major = std::strtol(release.c_str(), &end, 10);
  const long minor = *end == '.' ? std::strtol(end + 1, nullptr, 10) : 0;
  return {static_cast<int>(major), static_cast<int>(minor)};
}

DoctorFinding no_namespaces(const std::string& key, const std::string& wanted) {
  return bad("fail", text("{} forbids user namespaces", key), "no rootless container can start",
             text("sysctl -w {}={} (as root; keep it in /etc/sysctl.d)", key, wanted));
}

// What is missing for `memory`, `cpus` and `pids`; empty when nothing is.
std::string missing_controllers(const DoctorContext& context) {
  const std::string folder = context.uid == 0
                                 ? std::string("/sys/fs/cgroup")
                                 : text("/sys/fs/cgroup/user.slice/user-{}.slice/user@{}.service",
                                        context.uid, context.uid);
  const std::vector<std::string> have = words_of(read(context, folder + "/cgroup.controllers"));
  std::vector<std::string> missing;
  for (const char* wanted : {"cpu", "memory", "pids"}) {
    if (std::find(have.begin(), have.end(), wanted) == have.end()) {
      missing.emplace_back(wanted);
    }
  }
  return joined(missing);
}

// A line "Max open files  1024  524288  files" of /proc/self/limits.
std::optional<std::pair<std::uint64_t, std::uint64_t>> open_files(const std::string& limits) {
  constexpr std::string_view kName = "Max open files";
  for (const std::string& line : lines_of(limits)) {
    if (!line.starts_with(kName)) {
      continue;
    }
    const std::vector<std::string> words = words_of(std::string_view(line).substr(kName.size()));
    const auto value = [](const std::string& word) {
      return word == "unlimited" ? UINT64_MAX : number(word);
    };
    if (words.size() >= 2) {
      return std::pair(value(words[0]), value(words[1]));
    }
  }
  return std::nullopt;
}

// "yes", "no", or nothing when nobody on this machine can tell.
std::string synchronized(const DoctorContext& context) {
  if (context.env.files().exists("/run/systemd/timesync/synchronized").value_or(false)) {
    return "yes";
  }
  const auto out = context.env.processes().run(
      {.argv = {"timedatectl", "show", "-p", "NTPSynchronized", "--value"}}, kToolPatience);
  const std::vector<std::string> words = words_of(out && out->exit_code == 0 ? out->out : "");
  return words.empty() ? "" : words.front();
}

// The newest time that the registry has recorded, in milliseconds; 0 when there is none.
std::int64_t newest_record(const DoctorContext& context) {
  std::int64_t newest = 0;
  for (const ServiceRecord& record : registered(context)) {
    newest = std::max(newest, record.updated_ms);
  }
  return newest;
}

}  // namespace

DoctorFinding check_kernel(const DoctorContext& context) {
  const std::string max = read(context, "/proc/sys/user/max_user_namespaces");
  if (!max.empty() && number(max) == 0) {
    return no_namespaces("user.max_user_namespaces", "15000");
  }
  if (read(context, "/proc/sys/kernel/unprivileged_userns_clone") == "0") {
    return no_namespaces("kernel.unprivileged_userns_clone", "1");
  }
  const std::string release = read(context, "/proc/sys/kernel/osrelease");
  const bool old =
      !release.empty() && kernel_release(release) < std::pair(kOverlayMajor, kOverlayMinor);
  if (old && find_program(context.env, "fuse-overlayfs").empty()) {
    return bad("fail",
               text("kernel {} has no overlay mounts without privilege, and there is no "
                    "fuse-overlayfs",
                    release),
               "the overlay store cannot be used", "apt-get install fuse-overlayfs");
  }
  if (read(context, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
    return bad("warn", "AppArmor restricts unprivileged user namespaces",
               "programs without a profile of their own cannot make one",
               "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (as root), or a profile "
               "for podman");
  }
  if (!context.env.files().exists("/sys/fs/cgroup/cgroup.controllers").value_or(false)) {
    return bad("warn", "cgroup v2 is not mounted",
               "`memory`, `cpus` and `pids` of definitions are refused; crun refuses to run",
               "boot with systemd.unified_cgroup_hierarchy=1; until then runtime = \"runc\" in "
               "containers.conf");
  }
  const std::string missing = missing_controllers(context);
  if (!missing.empty()) {
    return bad("warn", text("not delegated to {}: {}", context.user, missing),
               "definitions with limits of these are refused",
               text("write [Service] Delegate=cpu memory pids to "
                    "/etc/systemd/system/user@{}.service.d/delegate.conf, then systemctl "
                    "daemon-reload (as root)",
                    context.uid));
  }
  return good(text("kernel {}: user namespaces, overlay, delegated cgroup v2", release));
}

DoctorFinding check_disk(const DoctorContext& context) {
  const Result<std::vector<Room>> found = rooms(context, "size,avail");
  if (!found) {
    return skipped(found.error().message());
  }
  std::vector<std::string> shown;
  for (const Room& room : *found) {
    const bool fails = room.left < kDiskFailBytes;
    if (fails || (room.below(10) && room.left < kDiskWarnBytes)) {
      return bad(fails ? "fail" : "warn",
                 text("{} ({}) has {} of {} left", room.mount, room.path, show_bytes(room.left),
                      show_bytes(room.size)),
                 "deploys roll back, and databases stop writing, when it is full",
                 text("podman image prune (as {}) removes unused images; journalctl "
                      "--vacuum-size=200M (as root); move old archives away. Leave databases",
                      context.user));
    }
    shown.push_back(text("{} {} %", room.mount, room.percent_left()));
  }
  return shown.empty() ? skipped("no folder of the platform is there yet")
                       : good(text("left: {}", joined(shown)));
}

DoctorFinding check_inodes(const DoctorContext& context) {
  const Result<std::vector<Room>> found = rooms(context, "itotal,iavail");
  if (!found) {
    return skipped(found.error().message());
  }
  std::vector<std::string> shown;
  for (const Room& room : *found) {
    if (room.size == 0) {
      continue;  // btrfs and others make them as they go
    }
    if (room.below(10)) {
      return bad(
          room.below(1) ? "fail" : "warn",
          text("{} ({}) has {} of {} inodes left", room.mount, room.path, room.left, room.size),
          "no file can be made when they are gone, though space is left",
          text("podman image prune (as {}); find {} -xdev -type d -size +1M shows folders "
               "with many files",
               context.user, room.mount));
    }
    shown.push_back(text("{} {} %", room.mount, room.percent_left()));
  }
  return shown.empty() ? skipped("the file systems count no inodes")
                       : good(text("left: {}", joined(shown)));
}

DoctorFinding check_memory(const DoctorContext& context) {
  std::uint64_t total = 0;
  std::uint64_t available = 0;
  for (const std::string& line : lines_of(read(context, "/proc/meminfo"))) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() >= 2 && words[0] == "MemTotal:") {
      total = number(words[1]) * 1024;
    } else if (words.size() >= 2 && words[0] == "MemAvailable:") {
      available = number(words[1]) * 1024;
    }
  }
  if (total == 0) {
    return skipped("/proc/meminfo cannot be read");
  }
  if (available < kMemoryWarnBytes) {
    return bad(available < kMemoryFailBytes ? "fail" : "warn",
               text("{} of {} memory is available", show_bytes(available), show_bytes(total)),
               "the kernel ends containers when it runs out",
               "add memory or swap; `memory` in a definition bounds the greedy one "
               "(ps --sort=-rss -eo rss,args shows it)");
  }
  return good(text("{} of {} is available", show_bytes(available), show_bytes(total)));
}

DoctorFinding check_nofile(const DoctorContext& context) {
  const auto limits = open_files(read(context, "/proc/self/limits"));
  if (!limits) {
    return skipped("/proc/self/limits cannot be read");
  }
  std::uint64_t wanted = kFilesBase;
  for (const ServiceRecord& record : registered(context)) {
    wanted += kFilesEach * record.components.size();
  }
  const std::uint64_t hard = limits->second;
  if (hard < wanted) {
    return bad(hard < kFilesBase ? "fail" : "warn",
               text("{} files may be open, {} are wanted for what is registered", hard, wanted),
               "agent, podman and containers fail with \"too many open files\"",
               text("LimitNOFILE=65536 in the agent's unit; {} hard nofile 65536 in "
                    "/etc/security/limits.d/mcp.conf (as root)",
                    context.user.empty() ? "mcp" : context.user));
  }
  return good(text("{} files may be open, {} are wanted", hard, wanted));
}

DoctorFinding check_clock(const DoctorContext& context) {
  const std::int64_t now = context.env.clock().now().time_since_epoch().count();
  const std::int64_t newest = newest_record(context);
  constexpr std::int64_t kToleranceMs = 60000;
  if (now + kToleranceMs < newest) {
    return bad("fail",
               text("the clock says {}, but the registry was changed at {}",
                    dsl::env::format_time(context.env.clock().now()),
                    dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(newest)))),
               "certificates and tokens are refused, and records get the wrong order",
               "timedatectl set-ntp true (as root), or date -s TIME without a network");
  }
  const std::string state = synchronized(context);
  if (state == "no") {
    return bad("warn", "the clock is not synchronized",
               "it drifts until certificates and tokens are refused",
               "timedatectl set-ntp true (as root); in a virtual machine the host may do it");
  }
  return state.empty() ? skipped("nobody here tells whether the clock is synchronized")
                       : good("synchronized, and not behind the registry");
}

}  // namespace mcp::agent
