#include "mcp/files/link.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mcp::files {

namespace {

constexpr std::size_t kMessageMax = 16u << 10;

bool wait_readable(int socket, int timeout_ms) {
  pollfd watched{.fd = socket, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&watched, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    errno = ETIMEDOUT;
  }
  return ready > 0;
}

bool fill(sockaddr_un& address, const std::string& path) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(static_cast<char*>(address.sun_path), path.c_str(), path.size() + 1);
  return true;
}

UniqueFd new_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }

}  // namespace

int send_message(int socket, std::string_view bytes, int fd) {
  iovec piece{.iov_base = const_cast<char*>(bytes.data()),  // NOLINT: sendmsg does not write to it
              .iov_len = bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? (errno == EPIPE ? ECONNRESET : errno) : 0;
}

Message receive_message(int socket, int timeout_ms) {
  Message out;
  if (!wait_readable(socket, timeout_ms)) {
    out.error = errno;
    return out;
  }
  out.bytes.resize(kMessageMax);
  iovec piece{.iov_base = out.bytes.data(), .iov_len = out.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  out.error = count < 0 ? errno : count == 0 ? ECONNRESET : 0;
  out.bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && count >= 0;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int))) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      out.fd = UniqueFd(fd);
    }
  }
  if (out.error == 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    out.error = EMSGSIZE;
  }
  return out;
}

UniqueFd listen_in(const std::string& folder) {
  // The name of a socket is at most 107 bytes; through the descriptor any folder's is short.
  const UniqueFd opened(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd socket = new_socket();
  sockaddr_un address{};
  if (!opened || !socket ||
      !fill(address, "/proc/self/fd/" + std::to_string(opened.get()) + "/" + kSocketName)) {
    return {};
  }
  (void)::unlinkat(opened.get(), kSocketName, 0);  // what a killed agent has left
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), 1) != 0) {
    return {};
  }
  return socket;
}

UniqueFd accept_from(int listener, std::uint32_t uid, int timeout_ms) {
  if (!wait_readable(listener, timeout_ms)) {
    return {};
  }
  UniqueFd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  ucred who{};
  socklen_t size = sizeof who;
  if (!peer || ::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
    return {};
  }
  if (who.uid != uid) {
    errno = EPERM;
    return {};
  }
  return peer;
}

UniqueFd connect_to(const std::string& path) {
  UniqueFd socket = new_socket();
  sockaddr_un address{};
  if (!socket || !fill(address, path) ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return socket;
}

}  // namespace mcp::files
