#include "dsl/rpc/local_listener.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "dsl/env/socket_address.h"
#include "dsl/log/log.h"

namespace dsl::rpc {

namespace {

const log::Logger logger("rpc.local");

constexpr mode_t kMode = 0660;
constexpr int kBacklog = 128;
constexpr int kRetryMs = 100;

Failure system_failure(Code code, std::string_view what, const std::string& path) {
  return fail(code, "{} {}: {}", what, path, std::strerror(errno));
}

env::UniqueFd new_socket() {
  return env::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Removes a socket file that a dead process left behind.
Result<void> clear_stale(const std::string& path, const env::SocketAddress& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    return {};
  }
  if (!S_ISSOCK(info.st_mode)) {
    return fail(Code::kFailedPrecondition, "{} is in the way and is not a socket", path)
        .hint("move it away or set another path");
  }
  const env::UniqueFd probe = new_socket();
  const int connected = ::connect(probe.get(), address.raw(), address.size);
  // EAGAIN: somebody listens and is so busy that his backlog is full.
  if (connected == 0 || errno == EAGAIN) {
    return fail(Code::kConflict, "another process serves {}", path)
        .hint("stop it first; fuser names it");
  }
  if (errno != ECONNREFUSED) {
    return system_failure(Code::kPermissionDenied, "cannot tell whether anybody serves", path);
  }
  if (::unlink(path.c_str()) != 0) {
    return system_failure(Code::kPermissionDenied, "cannot replace", path);
  }
  return {};
}

Result<void> set_group(const std::string& path, const std::string& group) {
  if (group.empty()) {
    return {};
  }
  std::array<char, 16384> buffer;
  struct group entry {};
  struct group* found = nullptr;
  if (getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return fail(Code::kInvalidArgument, "the group {} of the local socket does not exist", group)
        .hint("make it (groupadd --system), name another, or set socket.group = \"\" for none");
  }
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), entry.gr_gid) != 0) {
    return system_failure(Code::kPermissionDenied, text("cannot give group {} to", group), path);
  }
  return {};
}

}  // namespace

LocalListener::LocalListener(std::string path, env::UniqueFd socket, env::UniqueFd wake,
                             FdNumbers numbers)
    : path_(std::move(path)),
      socket_(std::move(socket)),
      wake_(std::move(wake)),
      numbers_(numbers) {}

Result<std::unique_ptr<LocalListener>> LocalListener::open(const std::string& path,
                                                           const std::string& group,
                                                           FdNumbers numbers) {
  MC_ASSIGN(const env::SocketAddress address, env::unix_socket_address(path));
  MC_TRY(clear_stale(path, address));
  env::UniqueFd socket = new_socket();
  env::UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!socket || !wake) {
    return system_failure(Code::kUnavailable, "cannot make a socket for", path);
  }
  // Linux makes the file with the mode of the socket's own inode (and the umask), so that it is
  // never open to others, not even for a moment; chmod afterwards gives back what the umask took.
  if (::fchmod(socket.get(), kMode) != 0 ||
      ::bind(socket.get(), address.raw(), address.size) != 0) {
    return system_failure(Code::kInternal, "cannot listen on", path)
        .hint("does its folder exist, and may this user write there?");
  }
  auto listener = std::unique_ptr<LocalListener>(
      new LocalListener(path, std::move(socket), std::move(wake), numbers));
  MC_TRY(set_group(path, group));
  if (::chmod(path.c_str(), kMode) != 0 || ::listen(listener->socket_.get(), kBacklog) != 0) {
    return system_failure(Code::kInternal, "cannot listen on", path);
  }
  return listener;
}

LocalListener::~LocalListener() { stop(); }

void LocalListener::start(Accepted accepted) {
  MC_ASSERT(!thread_.joinable(), "a listener is started once");
  thread_ = std::thread([this, accepted = std::move(accepted)] { run(accepted); });
}

void LocalListener::stop() {
  if (!socket_) {
    return;
  }
  (void)::eventfd_write(wake_.get(), 1);  // cannot fail: the counter is far from full
  if (thread_.joinable()) {
    thread_.join();
  }
  // The file first: whoever finds the name may still connect, and is refused when it is closed.
  (void)::unlink(path_.c_str());  // already gone is as good
  socket_.reset();
}

void LocalListener::run(const Accepted& accepted) {
  pthread_setname_np(pthread_self(), "rpc-local");
  std::array<pollfd, 2> waits{{{wake_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
  while (true) {
    (void)::poll(waits.data(), waits.size(), -1);  // EINTR: look and wait again
    if (waits[0].revents != 0) {
      return;
    }
    if (waits[1].revents != 0 && !accept_one(accepted)) {
      (void)::poll(waits.data(), 1, kRetryMs);
    }
    waits[0].revents = waits[1].revents = 0;
  }
}

bool LocalListener::accept_one(const Accepted& accepted) {
  env::UniqueFd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) {
      return true;
    }
    logger.warn("cannot accept", {{"path", path_}, {"error", std::strerror(errno)}});
    return false;
  }
  ucred peer_credentials{};
  socklen_t size = sizeof peer_credentials;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer_credentials, &size) != 0) {
    logger.warn("refused a peer without credentials", {{"error", std::strerror(errno)}});
    return true;
  }
  Result<env::UniqueFd> raised = numbers_.raise(std::move(fd));
  if (!raised) {
    logger.failure(log::Level::kWarn, "refused a connection", raised.error());
    return true;
  }
  Peer peer;
  peer.local = true;
  peer.uid = peer_credentials.uid;
  peer.gid = peer_credentials.gid;
  peer.pid = peer_credentials.pid;
  const int number = raised->release();
  {
    const std::lock_guard lock(mutex_);
    peers_.insert_or_assign(number, std::move(peer));
  }
  accepted(number);
  return true;
}

std::optional<Peer> LocalListener::find(std::string_view grpc_peer) const {
  constexpr std::string_view kPrefix = "fd:";
  if (!grpc_peer.starts_with(kPrefix)) {
    return std::nullopt;
  }
  int number = -1;
  const char* end = grpc_peer.data() + grpc_peer.size();
  const auto parsed = std::from_chars(grpc_peer.data() + kPrefix.size(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(number);
  return found == peers_.end() ? std::nullopt : std::optional<Peer>(found->second);
}

}  // namespace dsl::rpc
