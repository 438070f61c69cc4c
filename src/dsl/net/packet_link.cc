#include "dsl/net/packet_link.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/env/clock.h"
#include "dsl/env/env.h"
#include "dsl/env/errno_error.h"
#include "dsl/env/path.h"
#include "dsl/env/unix_socket_place.h"

namespace dsl::net {
namespace {

constexpr mode_t kMode = 0600;
constexpr int kBacklog = 16;

env::UniqueFd new_socket() {
  return env::UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

// The kernel's time: what another process does is outside any simulated time.
bool wait_readable(int fd, std::chrono::milliseconds timeout) {
  env::Clock& clock = env::system_env().clock();
  const env::MonoTime deadline = clock.mono_now() + timeout;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.mono_now());
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready > 0) {
      return true;
    }
    if (ready == 0 || errno != EINTR) {
      return false;
    }
  }
}

Result<env::UnixSocketPlace> place_of(const std::string& path) {
  return env::unix_socket_in(env::folder_of(path), env::name_of(path));
}

Failure gone() { return fail(Code::kUnavailable, "the other process has ended the connection"); }

// Room for the descriptors of a message, aligned as the kernel wants it.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kPacketFdsMax)> octets{};
};

std::vector<env::UniqueFd> take_descriptors(msghdr& message) {
  std::vector<env::UniqueFd> out;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= each->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(each) + (at - CMSG_LEN(0)), sizeof(fd));
      out.emplace_back(fd);
    }
  }
  return out;
}

}  // namespace

Result<PacketLink> PacketLink::connect(const std::string& path) {
  const Result<env::UnixSocketPlace> place = place_of(path);
  env::UniqueFd fd = new_socket();
  if (!fd) {
    return fail(env::errno_error(errno, "make", "a socket"));
  }
  // For the connection only: where too many wait it is refused, instead of waiting for ever.
  (void)::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  if (!place || ::connect(fd.get(), place->address.raw(), place->address.size) != 0) {
    // ECONNREFUSED: left by a process that ended. EPROTOTYPE: a socket of another kind.
    const bool nobody = !place ? place.error().code() == Code::kNotFound
                               : errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR ||
                                     errno == EPROTOTYPE || errno == ENOTSOCK;
    if (nobody) {
      return fail(Code::kNotFound, "nobody listens on {}", path);
    }
    if (place && errno == EAGAIN) {
      return fail(Code::kUnavailable, "too many wait at {} already", path)
          .hint("try again in a moment");
    }
    return place ? fail(env::errno_error(errno, "connect to", path)) : fail(place.error());
  }
  (void)::fcntl(fd.get(), F_SETFL, 0);
  return PacketLink(std::move(fd));
}

Result<std::pair<PacketLink, PacketLink>> PacketLink::pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail(env::errno_error(errno, "make", "a pair of sockets"));
  }
  return std::pair(PacketLink(env::UniqueFd(ends[0])), PacketLink(env::UniqueFd(ends[1])));
}

Result<void> PacketLink::send(std::string_view bytes, std::span<const int> fds) const {
  MC_ASSERT(!bytes.empty() && bytes.size() <= kPacketMax && fds.size() <= kPacketFdsMax,
            "a message is within its bounds");
  Control control;
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.octets.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
  }
  while (::sendmsg(fd_.get(), &message, MSG_NOSIGNAL) < 0) {
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
      return gone();
    }
    if (errno != EINTR) {
      return fail(env::errno_error(errno, "send to", "the other process"));
    }
  }
  return {};
}

Result<Packet> PacketLink::receive(std::chrono::milliseconds timeout) const {
  if (!wait_readable(fd_.get(), timeout)) {
    return fail(Code::kDeadlineExceeded, "the other process said nothing for {} ms",
                timeout.count());
  }
  Packet out;
  out.bytes.resize(kPacketMax);
  Control control;
  iovec piece{out.bytes.data(), out.bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.octets.data();
  message.msg_controllen = control.octets.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    return gone();
  }
  out.fds = take_descriptors(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(Code::kInvalidArgument, "the other process sent more than a message may hold");
  }
  out.bytes.resize(static_cast<std::size_t>(got));
  return out;
}

PacketLink::Peer PacketLink::peer() const {
  ucred who{};
  socklen_t size = sizeof(who);
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
    return {.pid = 0, .uid = static_cast<uid_t>(-1)};  // nobody's
  }
  return {.pid = who.pid, .uid = who.uid};
}

Result<PacketListener> PacketListener::open(const std::string& path) {
  const std::string fresh = path + ".new";
  MC_ASSIGN(const env::UnixSocketPlace place, place_of(fresh));
  env::UniqueFd fd = new_socket();
  if (!fd) {
    return fail(env::errno_error(errno, "make", "a socket"));
  }
  (void)::unlink(fresh.c_str());  // left by one that was killed right here
  // The file gets the mode of the socket's own inode, so that it is never open to others.
  if (::fchmod(fd.get(), kMode) != 0 ||
      ::bind(fd.get(), place.address.raw(), place.address.size) != 0 ||
      ::listen(fd.get(), kBacklog) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const int number = errno;
    (void)::unlink(fresh.c_str());
    return fail(env::errno_error(number, "listen on", path));
  }
  return PacketListener(std::move(fd));
}

Result<PacketLink> PacketListener::accept(std::chrono::milliseconds timeout) const {
  if (!wait_readable(fd_.get(), timeout)) {
    return fail(Code::kDeadlineExceeded, "nobody came");
  }
  env::UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) {
    return fail(env::errno_error(errno, "accept", "a connection"));
  }
  return PacketLink(std::move(fd));
}

}  // namespace dsl::net
