// The answers to one batch of datagrams. Private to mcns::net.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sys/socket.h>

namespace mcns::net {

// Answers of one size to one client leave as one message, which the kernel cuts into datagrams at
// the end of its way (UDP_SEGMENT, Linux 4.18): that way is most of what an answer costs, and
// resolvers, proxies and load tests ask much from few ports. Where the kernel cannot do it, each is
// a message of its own; where the device cannot, they are sent once more, one by one. Confined to
// the thread of its socket.
class ReplyBatch {
 public:
  static constexpr unsigned kMax = 32;            // answers
  static constexpr std::size_t kControlMax = 64;  // octets of what comes with a datagram

  // The socket stays the caller's, and outlives it.
  explicit ReplyBatch(int fd);

  // `question` is the header that the question came with: its address, and its control data (which
  // of our addresses was asked; kControlMax octets at most) are those of the answer. Both and the
  // answer stay until `send`. At most kMax answers.
  void add(const msghdr& question, char* answer, std::size_t size);
  // How many of those added could not be sent: a full queue, a route that is gone.
  unsigned send();

 private:
  struct Answer {
    const msghdr* question = nullptr;
    iovec part{};
    bool is_gathered = false;
  };
  // To one client, in parts_ from `first` on.
  struct Message {
    const msghdr* question = nullptr;
    unsigned first = 0;
    unsigned count = 0;
    alignas(cmsghdr) std::array<char, kControlMax + CMSG_SPACE(sizeof(std::uint16_t))> control;
  };

  void gather();
  msghdr head_of(Message& message);
  unsigned send_apart(const Message& message);

  const int fd_;
  const bool knows_cutting_;
  unsigned answers_count_ = 0;
  std::array<Answer, kMax> answers_;
  std::array<iovec, kMax> parts_;
  unsigned messages_count_ = 0;
  std::array<Message, kMax> messages_;
  std::array<mmsghdr, kMax> heads_;
};

}  // namespace mcns::net
