#include "datagrams.h"

#include <cerrno>
#include <cstring>

#include <netinet/udp.h>
#include <unistd.h>

#include "loads.h"

namespace bench {

Datagrams::Datagrams(const sockaddr_in& server) : fd_(::socket(AF_INET, SOCK_DGRAM, 0)) {
  const int size = 4 << 20;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
    die(std::string("cannot connect: ") + std::strerror(errno));
  }
  for (unsigned i = 0; i < kBatch; ++i) {
    out_parts_[i] = {out_[i].data(), 0};
    out_headers_[i].msg_hdr.msg_iov = &out_parts_[i];
    out_headers_[i].msg_hdr.msg_iovlen = 1;
    in_parts_[i] = {in_[i].data(), in_[i].size()};
    in_headers_[i].msg_hdr.msg_iov = &in_parts_[i];
    in_headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

Datagrams::~Datagrams() { ::close(fd_); }

void Datagrams::add(std::string_view query, std::uint16_t id) {
  char* out = out_[pending_].data();
  std::memcpy(out, query.data(), query.size());
  out[0] = static_cast<char>(id >> 8U);
  out[1] = static_cast<char>(id);
  out_parts_[pending_].iov_len = query.size();
  same_size_ = same_size_ && query.size() == out_parts_[0].iov_len;
  ++pending_;
}

unsigned Datagrams::flush() {
  unsigned sent = 0;
  if (pending_ > 1 && same_size_ && flush_as_one()) {
    sent = pending_;
  } else if (pending_ > 0) {
    const int done = ::sendmmsg(fd_, out_headers_.data(), pending_, 0);
    sent = done < 0 ? 0 : static_cast<unsigned>(done);
  }
  pending_ = 0;
  same_size_ = true;
  return sent;
}

bool Datagrams::flush_as_one() {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  msghdr message{};
  message.msg_iov = out_parts_.data();
  message.msg_iovlen = pending_;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto size = static_cast<std::uint16_t>(out_parts_[0].iov_len);
  std::memcpy(CMSG_DATA(header), &size, sizeof size);
  return ::sendmsg(fd_, &message, 0) > 0;
}

unsigned Datagrams::receive() {
  const int taken = ::recvmmsg(fd_, in_headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
  return taken < 0 ? 0 : static_cast<unsigned>(taken);
}

}  // namespace bench
