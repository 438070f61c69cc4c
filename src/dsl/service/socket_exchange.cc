#include "dsl/service/socket_exchange.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/unix_socket_place.h"
#include "dsl/service/socket_message.h"

namespace dsl::service {

namespace {

using env::UniqueFd;
using env::UnixSocketPlace;

constexpr int kBacklog = 16;

bool wait_readable(int fd, std::chrono::milliseconds patience) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(patience.count())) == 1;
}

Failure silent(std::string_view who) { return fail(Code::kUnavailable, "{} does not answer", who); }

// Room for the descriptors of one packet, aligned as the kernel wants it.
struct alignas(cmsghdr) ControlBuffer {
  std::array<char, CMSG_SPACE(sizeof(int) * kHandedSocketsMax)> bytes{};
};

// Every descriptor of the packet, owned from here on whatever else is wrong with it.
std::vector<UniqueFd> descriptors_of(msghdr& message) {
  std::vector<UniqueFd> out;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      out.emplace_back(fd);
    }
  }
  return out;
}

bool is_socket(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
}

Result<std::vector<HandedSocket>> receive(int connection) {
  std::string packet(kSocketMessageMax, '\0');
  ControlBuffer control;
  iovec piece{packet.data(), packet.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t size = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size <= 0) {
    return silent("the agent");
  }
  std::vector<UniqueFd> fds = descriptors_of(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(Code::kInvalidArgument, "the agent's reply is too long");
  }
  MC_ASSIGN(SocketReply reply,
            read_socket_reply(std::string_view(packet).substr(0, static_cast<std::size_t>(size))));
  if (!reply.refusal.empty()) {
    return fail(Code::kUnavailable, "the agent hands over no sockets: {}", reply.refusal);
  }
  if (reply.names.size() != fds.size()) {
    return fail(Code::kInvalidArgument, "the agent names {} sockets and sends {}",
                reply.names.size(), fds.size());
  }
  std::vector<HandedSocket> out;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (!is_socket(fds[i].get())) {
      return fail(Code::kInvalidArgument, "what the agent hands over as {} is no socket",
                  reply.names[i]);
    }
    out.push_back({std::move(reply.names[i]), std::move(fds[i])});
  }
  return out;
}

}  // namespace

Result<std::vector<HandedSocket>> fetch_sockets(const std::string& directory,
                                                std::chrono::milliseconds patience) {
  const auto away = [&](std::string_view why) {
    return fail(Code::kUnavailable, "the agent is not in {}: {}", directory, why);
  };
  const Result<UnixSocketPlace> place = env::unix_socket_in(directory, kSocketsFile);
  if (!place) {
    return away(place.error().message());
  }
  // Non-blocking: a full queue of the listener says EAGAIN, which is as good as nobody.
  const UniqueFd connection(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connection) {
    return fail(env::errno_error(errno, "make", "a socket"));
  }
  if (::connect(connection.get(), place->address.raw(), place->address.size) != 0) {
    return away(std::strerror(errno));
  }
  const std::string request = write_socket_request();
  if (::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size()) ||
      !wait_readable(connection.get(), patience)) {
    return silent("the agent");
  }
  return receive(connection.get());
}

Result<UniqueFd> listen_for_services(const std::string& directory) {
  MC_ASSIGN(const UnixSocketPlace place, env::unix_socket_in(directory, kSocketsFile));
  UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) {
    return fail(env::errno_error(errno, "make", "a socket"));
  }
  const std::string path = text("{}/{}", directory, kSocketsFile);
  (void)::unlinkat(place.directory.get(), std::string(kSocketsFile).c_str(), 0);  // mostly absent
  // The directory is 0700 before: there is no moment at which others could connect.
  if (::bind(listener.get(), place.address.raw(), place.address.size) != 0 ||
      ::fchmodat(place.directory.get(), std::string(kSocketsFile).c_str(), 0600, 0) != 0 ||
      ::listen(listener.get(), kBacklog) != 0) {
    return fail(env::errno_error(errno, "listen on", path));
  }
  return listener;
}

Result<void> answer_service(int connection, std::span<const OfferedSocket> sockets,
                            const std::string& refusal, std::chrono::milliseconds patience) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid != ::geteuid()) {
    return fail(Code::kPermissionDenied, "a process of uid {} asks for sockets", peer.uid);
  }
  std::array<char, kSocketMessageMax> packet{};
  if (!wait_readable(connection, patience)) {
    return silent("a service");
  }
  const ssize_t got = ::recv(connection, packet.data(), packet.size(), MSG_DONTWAIT);
  if (got <= 0) {
    return silent("a service");
  }
  SocketReply reply{.names = {}, .refusal = refusal};
  const Result<void> asked =
      check_socket_request(std::string_view(packet.data(), static_cast<std::size_t>(got)));
  if (!asked) {
    reply.refusal = asked.error().message();
  }
  ControlBuffer control;
  msghdr message{};
  if (reply.refusal.empty()) {
    MC_ASSERT(sockets.size() <= kHandedSocketsMax, "no component has so many sockets");
    for (const OfferedSocket& socket : sockets) {
      reply.names.emplace_back(socket.name);
    }
  }
  if (!reply.names.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * sockets.size());
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * sockets.size());
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      std::memcpy(CMSG_DATA(part) + i * sizeof(int), &sockets[i].fd, sizeof(int));
    }
  }
  std::string bytes = write_socket_reply(reply);
  iovec piece{bytes.data(), bytes.size()};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (::sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return fail(env::errno_error(errno, "answer", "a service"));
  }
  return asked;
}

}  // namespace dsl::service
