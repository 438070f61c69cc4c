#include "support/podman_store.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "support/result_matchers.h"

namespace dsl::test {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUser = "mcp";
constexpr std::chrono::seconds kPodmanTimeout{120};
constexpr const char* kOwner = "owner.pid";  // the process that made the store

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_all(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

bool become(const passwd& user) {
  return ::initgroups(kUser, user.pw_gid) == 0 &&
         ::setresgid(user.pw_gid, user.pw_gid, user.pw_gid) == 0 &&
         ::setresuid(user.pw_uid, user.pw_uid, user.pw_uid) == 0 &&
         // A change of user makes /proc/self root's; children need it to map their namespace.
         ::prctl(PR_SET_DUMPABLE, 1) == 0;
}

}  // namespace

std::optional<std::string> PodmanStore::unavailable() {
  const passwd* user = ::getpwnam(kUser);
  if (user == nullptr) {
    return "there is no user mcp (tools/dev doctor tells how to make it)";
  }
  if (::getuid() != 0 && ::getuid() != user->pw_uid) {
    return "needs root or the user mcp";
  }
  if (read_all("/etc/subuid").find("mcp:") == std::string::npos) {
    return "the user mcp has no sub-uids";
  }
  if (::access("/usr/bin/podman", X_OK) != 0 || ::access("/bin/busybox", X_OK) != 0) {
    return "podman or busybox-static is not installed";
  }
  if (::access("/dev/net/tun", R_OK | W_OK) != 0) {
    return "/dev/net/tun cannot be used";
  }
  if (::getuid() == 0 && !become(*user)) {
    return "cannot become the user mcp";
  }
  return std::nullopt;
}

PodmanStore::PodmanStore() : base_("/tmp/mc-podman-XXXXXX") {
  sweep();
  MC_ASSERT(::mkdtemp(base_.data()) != nullptr, "a temporary folder can be made");
  write_all(fs::path(base_) / kOwner, std::to_string(::getpid()));
  home_ = base_ + "/home";
  runtime_dir_ = base_ + "/run";
  const fs::path config = fs::path(home_) / ".config/containers";
  fs::create_directories(config);
  fs::create_directories(runtime_dir_);
  fs::permissions(runtime_dir_, fs::perms::owner_all);
  // lock_type: the shared-memory locks of a uid are shared by all its stores and outlive a
  // simulated reboot. runc and cgroupfs: no systemd, and cgroups may be hybrid.
  write_all(config / "containers.conf",
            "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=4096:4096\"]\n"
            "[engine]\nruntime=\"runc\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n"
            "events_logfile_max_size=\"64k\"\nlock_type=\"file\"\n");
  write_all(config / "storage.conf", "[storage]\ndriver=\"overlay\"\n");
  for (const auto& entry : environment()) {
    const auto equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
  }
  ::unsetenv("XDG_CONFIG_HOME");
  ::unsetenv("CONTAINERS_CONF");
}

PodmanStore::PodmanStore(std::string abandoned) : base_(std::move(abandoned)) {
  home_ = base_ + "/home";
  runtime_dir_ = base_ + "/run";
}

PodmanStore::~PodmanStore() {
  kill_everything();
  // The files belong to sub-uids; removing them starts a pause process, which goes last.
  (void)podman({"unshare", "rm", "-rf", graph_root()});
  kill_everything();
  std::error_code ignored;
  fs::remove_all(base_, ignored);
}

void PodmanStore::sweep() {
  for (const auto& entry : fs::directory_iterator("/tmp")) {
    const std::string name = entry.path().filename();
    const std::string owner = read_all(entry.path() / kOwner);
    // One with a network namespace is left to the Python side, which may be root and made it.
    if (name.rfind("mc-podman-", 0) == 0 && !owner.empty() && !fs::exists("/proc/" + owner) &&
        !fs::exists("/run/netns/" + name)) {
      const PodmanStore abandoned(entry.path().string());
    }
  }
}

std::string PodmanStore::graph_root() const { return home_ + "/.local/share/containers/storage"; }

std::string PodmanStore::run_root() const { return runtime_dir_ + "/containers"; }

std::vector<std::string> PodmanStore::environment() const {
  return {"HOME=" + home_, "XDG_RUNTIME_DIR=" + runtime_dir_, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
}

env::Output PodmanStore::podman(const std::vector<std::string>& arguments) const {
  env::Command command;
  command.argv = {"podman"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = environment();
  command.directory = "/";
  return require_ok(env::system_env().processes().run(command, kPodmanTimeout));
}

std::string PodmanStore::must(const std::vector<std::string>& arguments) const {
  env::Output output = podman(arguments);
  if (output.exit_code != 0) {
    // Thrown, not aborted on: GoogleTest fails the test and the store is still cleaned up.
    throw std::runtime_error("podman " + arguments.front() + ": " + output.err);
  }
  while (!output.out.empty() && output.out.back() == '\n') {
    output.out.pop_back();
  }
  return output.out;
}

void PodmanStore::import_busybox() const {
  const fs::path root = fs::path(base_) / "rootfs";
  for (const char* folder : {"bin", "etc", "tmp"}) {
    fs::create_directories(root / folder);
  }
  fs::copy_file("/bin/busybox", root / "bin/busybox");
  for (const char* name : {"sh", "sleep", "nc", "httpd", "ls", "cat", "echo", "true", "false", "id",
                           "mount", "nslookup", "touch", "wget", "ulimit"}) {
    fs::create_symlink("busybox", root / "bin" / name);
  }
  env::Command tar;
  tar.argv = {"tar", "-C", root.string(), "-cf", base_ + "/rootfs.tar", "."};
  require_ok(env::system_env().processes().run(tar, kPodmanTimeout));
  must({"import", "-q", base_ + "/rootfs.tar", "bb:1"});
}

std::vector<int> PodmanStore::processes() const {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (std::isdigit(static_cast<unsigned char>(name[0])) == 0 || std::stoi(name) == ::getpid()) {
      continue;
    }
    if (read_all(entry.path() / "cmdline").find(base_ + "/") != std::string::npos ||
        read_all(entry.path() / "environ").find(base_ + "/") != std::string::npos ||
        read_all(entry.path() / "mountinfo").find(base_ + "/") != std::string::npos) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

void PodmanStore::kill_everything() const {
  // Twice: a conmon may have started a clean-up in the meantime. Zombies have no command line.
  for (int round = 0; round < 50; ++round) {
    const auto pids = processes();
    if (pids.empty()) {
      return;
    }
    for (const int pid : pids) {
      (void)::kill(pid, SIGKILL);  // gone already: as good
    }
    env::system_env().clock().sleep_for(std::chrono::milliseconds(20));
  }
  std::fprintf(stderr, "processes of %s do not end\n", base_.c_str());
}

std::uint16_t free_tcp_port() {
  const env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  MC_ASSERT(::bind(fd.get(), raw, size) == 0 && ::getsockname(fd.get(), raw, &size) == 0,
            "a loopback port");
  return ntohs(address.sin_port);
}

}  // namespace dsl::test
