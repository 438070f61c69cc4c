// Sends every datagram back: what the kernel alone costs a server that takes and gives them in
// batches, each as a message of its own.
//
//   udp_echo PORT
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace {

constexpr unsigned kBatch = 32;

struct Batch {
  std::array<std::array<char, 2048>, kBatch> octets;
  std::array<sockaddr_in, kBatch> peers;
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> headers{};
};

int listen_at(int port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("bind");
    std::exit(1);
  }
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: udp_echo PORT\n");
    return 2;
  }
  const int fd = listen_at(std::atoi(argv[1]));
  static Batch batch;
  while (true) {
    for (unsigned i = 0; i < kBatch; ++i) {
      batch.parts[i] = {batch.octets[i].data(), batch.octets[i].size()};
      batch.headers[i].msg_hdr.msg_iov = &batch.parts[i];
      batch.headers[i].msg_hdr.msg_iovlen = 1;
      batch.headers[i].msg_hdr.msg_name = &batch.peers[i];
      batch.headers[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
    }
    const int taken = ::recvmmsg(fd, batch.headers.data(), kBatch, MSG_WAITFORONE, nullptr);
    for (int i = 0; i < taken; ++i) {
      const auto at = static_cast<std::size_t>(i);
      batch.octets[at][2] = static_cast<char>(batch.octets[at][2] | '\x80');  // a response
      batch.parts[at].iov_len = batch.headers[at].msg_len;
    }
    for (int sent = 0; sent < taken;) {
      const int done =
          ::sendmmsg(fd, batch.headers.data() + sent, static_cast<unsigned>(taken - sent), 0);
      sent += done > 0 ? done : 1;  // what cannot be sent is lost
    }
  }
}
