#include "standin/handed.h"

#include <array>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace standin {
namespace {

// As dsl::service has them, which this static binary cannot link.
constexpr std::string_view kRequest("MCSK\x01\x01");
constexpr std::string_view kHanded("MCSK\x01\x02");
constexpr std::size_t kSocketsMax = 64;
constexpr std::size_t kPacketMax = 8192;
constexpr int kAnswerMs = 5000;
constexpr int kPauseMs = 250;

struct alignas(cmsghdr) ControlBuffer {
  std::array<char, CMSG_SPACE(sizeof(int) * kSocketsMax)> bytes{};
};

bool readable(int fd, int patience_ms) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, patience_ms) == 1;
}

std::vector<Fd> descriptors_of(msghdr& message) {
  std::vector<Fd> out;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= part->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
      out.emplace_back(fd);
    }
  }
  return out;
}

tl::expected<std::vector<HandedSocket>, std::string> ask(const std::string& path) {
  const auto fail = [](const char* why) { return tl::unexpected(std::string(why)); };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail("the path in MC_SOCKETS is too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const Fd connection(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      ::send(connection.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0 ||
      !readable(connection.get(), kAnswerMs)) {
    return fail("the agent does not answer");
  }
  std::array<char, kPacketMax> packet{};
  ControlBuffer control;
  iovec piece{packet.data(), packet.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t size = ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size <= 0) {
    return fail("the agent does not answer");
  }
  std::vector<Fd> fds = descriptors_of(message);
  auto names = parse_handed({packet.data(), static_cast<std::size_t>(size)});
  if (!names) {
    return tl::unexpected(names.error());
  }
  if (names->size() != fds.size()) {
    return fail("the agent sends other sockets than it names");
  }
  std::vector<HandedSocket> out;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    out.push_back({std::move((*names)[i]), std::move(fds[i])});
  }
  return out;
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> parse_handed(std::string_view packet) {
  const auto fail = [] { return tl::unexpected(std::string("the agent hands over no sockets")); };
  if (packet.substr(0, kHanded.size()) != kHanded || packet.size() == kHanded.size()) {
    return fail();
  }
  packet.remove_prefix(kHanded.size());
  const auto count = static_cast<unsigned char>(packet.front());
  packet.remove_prefix(1);
  std::vector<std::string> names;
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t size = packet.empty() ? 0 : static_cast<unsigned char>(packet.front());
    if (size == 0 || packet.size() < size + 1) {
      return fail();
    }
    names.emplace_back(packet.substr(1, size));
    packet.remove_prefix(size + 1);
  }
  if (!packet.empty()) {
    return fail();
  }
  return names;
}

tl::expected<std::vector<HandedSocket>, std::string> fetch_handed(const std::string& directory,
                                                                  int stop_fd) {
  while (true) {
    auto sockets = ask(directory + "/agent.sock");
    if (sockets || readable(stop_fd, kPauseMs)) {
      return sockets;
    }
  }
}

}  // namespace standin
