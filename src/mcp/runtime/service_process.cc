#include "mcp/runtime/service_process.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "dsl/log/log.h"
#include "mcp/runtime/libpod.h"

namespace mcp::runtime {

using dsl::Code;
using dsl::fail;
using dsl::env::UniqueFd;
using std::chrono::milliseconds;

namespace {

const dsl::log::Logger logger("mcp.runtime.service");

constexpr milliseconds kStartTimeout{20000};
constexpr milliseconds kStopGrace{5000};
// It holds nothing: podman's state is on disk. An open stream of events keeps it from ending.
constexpr milliseconds kRestartGrace{100};
constexpr milliseconds kBackoffFirst{1000};
constexpr milliseconds kBackoffMax{30000};
constexpr milliseconds kSettled{60000};  // up this long: the next death starts with kBackoffFirst

// Who listens at `path`, as the kernel recorded it; 0 when nobody does.
pid_t listener_pid(const std::string& path) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto address = dsl::env::unix_socket_address(path);
  if (!fd || !address) {
    return 0;
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::connect(fd.get(), address->raw(), address->size) != 0 ||
      ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return 0;
  }
  return peer.pid;
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool readable(int fd, milliseconds timeout) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(timeout.count())) == 1;
}

std::string last_lines(dsl::env::FileSystem& files, const std::string& path) {
  constexpr std::size_t kShown = 600;
  const std::string all = files.read_file(path).value_or("");
  return all.size() <= kShown ? all : all.substr(all.size() - kShown);
}

class Service : public ServiceProcess {
 public:
  Service(dsl::env::Env& env, std::string socket, std::string log_path)
      : env_(env),
        socket_(std::move(socket)),
        log_path_(std::move(log_path)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    MC_ASSERT(wake_, "eventfd: out of descriptors");
  }

  ~Service() override { end_watch(); }

  Result<void> bring_up() {
    MC_TRY(adopt_or_start());
    watcher_ = std::thread([this] { watch(); });
    ::pthread_setname_np(watcher_.native_handle(), "podman-service");
    return {};
  }

  int pid() const override { return pid_; }

  Result<void> restart() override {
    const pid_t old = pid_;
    const std::lock_guard one(restarting_);
    if (old != 0 && pid_ == old) {
      at_once_ = true;
      const UniqueFd process = open_pidfd(old);
      (void)::kill(old, SIGTERM);  // gone already: the watcher knows
      if (process && !readable(process.get(), kRestartGrace)) {
        (void)::kill(old, SIGKILL);
      }
    }
    const auto deadline = env_.clock().mono_now() + kStartTimeout;
    while (pid_ == 0 || pid_ == old) {
      if (env_.clock().mono_now() >= deadline) {
        return fail(Code::kUnavailable, "podman's service did not come back: {}",
                    last_lines(env_.files(), log_path_))
            .hint("run as this user: podman info");
      }
      env_.clock().sleep_for(milliseconds(5));
    }
    return {};
  }

  Result<void> stop() override {
    end_watch();
    const pid_t pid = listener_pid(socket_);
    if (pid == 0) {
      return {};
    }
    const UniqueFd process = open_pidfd(pid);
    if (process) {
      (void)::kill(pid, SIGTERM);  // gone already: then the wait below ends at once
      if (!readable(process.get(), kStopGrace)) {
        (void)::kill(pid, SIGKILL);
        if (!readable(process.get(), kStopGrace)) {
          return fail(Code::kDeadlineExceeded, "podman's service (pid {}) does not end", pid);
        }
      }
    }
    reap();
    pid_ = 0;
    return {};
  }

 private:
  bool answers() { return Libpod(env_, {.socket = socket_}).ping().has_value(); }

  Result<void> adopt_or_start() {
    const pid_t before = listener_pid(socket_);
    if (before != 0 && answers()) {
      pid_ = before;
      logger.info("found podman's service running", {{"pid", before}});
      return {};
    }
    return start();
  }

  Result<void> start() {
    MC_TRY(env_.files().make_directories(socket_.substr(0, socket_.rfind('/')), 0700));
    dsl::env::Command command;
    command.argv = {"podman", "system", "service", "--time=0", "unix://" + socket_};
    command.directory = "/";
    command.new_session = true;
    command.output_path = log_path_;
    MC_ASSIGN(child_, env_.processes().start(command));
    const auto deadline = env_.clock().mono_now() + kStartTimeout;
    milliseconds pause{5};
    while (!answers()) {
      if (const auto code = child_->poll()) {
        return fail(Code::kUnavailable, "podman's service ended with exit code {}: {}", *code,
                    last_lines(env_.files(), log_path_))
            .hint("run as this user: podman info");
      }
      if (env_.clock().mono_now() >= deadline) {
        return fail(Code::kUnavailable, "podman's service does not answer: {}",
                    last_lines(env_.files(), log_path_))
            .hint("run as this user: podman info");
      }
      env_.clock().sleep_for(pause);
      pause = std::min(pause * 2, milliseconds(100));
    }
    pid_ = listener_pid(socket_);
    logger.info("started podman's service", {{"pid", pid_.load()}, {"socket", socket_}});
    return {};
  }

  void reap() {
    if (child_) {
      (void)child_->poll();
    }
  }

  // Waits for the death of the service, or for the end of the watch (false). Costs nothing while
  // the service lives.
  bool wait_for_death() {
    const UniqueFd process = open_pidfd(pid_);
    if (!process) {
      return !readable(wake_.get(), milliseconds(0));
    }
    pollfd entries[2] = {{wake_.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
    while (::poll(entries, 2, -1) < 0 && errno == EINTR) {
    }
    return entries[0].revents == 0;
  }

  void watch() {
    milliseconds backoff = kBackoffFirst;
    auto up_since = env_.clock().mono_now();
    while (wait_for_death()) {
      pid_ = 0;
      reap();
      if (env_.clock().mono_now() - up_since > kSettled) {
        backoff = kBackoffFirst;
      }
      const milliseconds pause = at_once_.exchange(false) ? milliseconds(0) : backoff;
      logger.warn("podman's service ended", {{"restart_in_ms", pause.count()}});
      if (readable(wake_.get(), pause)) {
        return;
      }
      if (pause.count() > 0) {
        backoff = std::min(backoff * 2, kBackoffMax);
      }
      if (auto started = adopt_or_start(); !started) {
        logger.failure(dsl::log::Level::kError, "podman's service did not start", started.error());
      }
      up_since = env_.clock().mono_now();
    }
  }

  void end_watch() {
    if (watcher_.joinable()) {
      const std::uint64_t one = 1;
      // Cannot fail: the counter is far from full.
      (void)!::write(wake_.get(), &one, sizeof one);
      watcher_.join();
    }
  }

  dsl::env::Env& env_;
  const std::string socket_;
  const std::string log_path_;
  UniqueFd wake_;
  std::unique_ptr<dsl::env::Process> child_;  // of the watcher once it runs
  std::atomic<int> pid_ = 0;
  std::atomic<bool> at_once_ = false;  // the next restart waits for nothing
  std::mutex restarting_;
  std::thread watcher_;
};

}  // namespace

Result<std::unique_ptr<ServiceProcess>> ServiceProcess::open(dsl::env::Env& env,
                                                             const std::string& socket,
                                                             const std::string& log_path) {
  MC_ASSIGN(const std::string status, env.files().read_file("/proc/self/status"));
  MC_TRY(check_spawn_allowed(status, env.files()));
  auto service = std::make_unique<Service>(env, socket, log_path);
  MC_TRY(service->bring_up());
  return service;
}

Result<void> check_spawn_allowed(std::string_view process_status, dsl::env::FileSystem& files) {
  if (process_status.find("NoNewPrivs:\t1") != std::string_view::npos) {
    return fail(Code::kFailedPrecondition,
                "this process has NoNewPrivs, so podman could not map its user namespace")
        .hint("use the unit mcp-agent-spawn.service, or [podman] mode = \"socket\"");
  }
  if (const auto tun = files.open("/dev/net/tun", dsl::env::OpenMode::kReadWrite); !tun) {
    return fail(Code::kFailedPrecondition, "rootless networking needs /dev/net/tun: {}",
                tun.error().message())
        .hint("modprobe tun; the device needs mode 0666, and the unit no PrivateDevices");
  }
  return {};
}

}  // namespace mcp::runtime
