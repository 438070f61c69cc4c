// A connected UDP socket with room for a batch in each direction.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

namespace bench {

constexpr unsigned kBatch = 64;

// Confined to its thread. Does not move: the kernel is given addresses of its members.
class Datagrams {
 public:
  explicit Datagrams(const sockaddr_in& server);
  ~Datagrams();
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  int fd() const { return fd_; }
  // Puts a query with this ID into the batch, which has room for kBatch.
  void add(std::string_view query, std::uint16_t id);
  unsigned pending() const { return pending_; }
  // Sends the batch; how many the kernel took. The rest is dropped. Queries of one size go through
  // the kernel's stack as one and are taken apart at the server's socket (UDP_SEGMENT): otherwise
  // to ask costs more than to answer, and no server is ever busy.
  unsigned flush();
  // Takes what has arrived, without waiting.
  unsigned receive();
  std::string_view received(unsigned index) const {
    return {in_[index].data(), in_headers_[index].msg_len};
  }

 private:
  bool flush_as_one();

  int fd_;
  unsigned pending_ = 0;
  bool same_size_ = true;
  std::array<std::array<char, 512>, kBatch> out_;
  std::array<std::array<char, 2048>, kBatch> in_;
  std::array<iovec, kBatch> out_parts_;
  std::array<iovec, kBatch> in_parts_;
  std::array<mmsghdr, kBatch> out_headers_{};
  std::array<mmsghdr, kBatch> in_headers_{};
};

}  // namespace bench
