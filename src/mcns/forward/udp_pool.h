// Connected UDP sockets to one upstream, each on a random port of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dsl/env/socket_address.h"
#include "dsl/net/loop.h"
#include "mcns/forward/channel.h"
#include "mcns/forward/outstanding.h"

namespace mcns {

class UdpSocket;

// A question goes out by one of several sockets, chosen at random, and none is used for long: who
// wants to forge an answer has to guess port and id (RFC 5452 section 9.2). The kernel drops what
// does not come from the upstream.
//
// Confined to its loop.
class UdpPool {
 public:
  struct Place {
    UdpSocket* socket = nullptr;  // there as long as a question of it is outstanding
    std::uint16_t id = 0;
  };

  UdpPool(dsl::net::Loop& loop, const dsl::env::SocketAddress& upstream, RandomPool& random,
          std::size_t sockets_max, ChannelEvents& events);
  ~UdpPool();

  // kUnavailable when it cannot be sent.
  dsl::Result<Place> send(Attempt attempt, const Packet& packet,
                          LetterCase letters = LetterCase::kAsAsked);
  // The answer is not waited for any more.
  void forget(const Place& place);

 private:
  friend class UdpSocket;
  dsl::Result<UdpSocket*> choose();
  dsl::Result<std::unique_ptr<UdpSocket>> open();
  void retire(UdpSocket& socket);
  void close_if_done(UdpSocket& socket);

  dsl::net::Loop& loop_;
  const dsl::env::SocketAddress upstream_;
  RandomPool& random_;
  const std::size_t sockets_max_;
  ChannelEvents& events_;
  std::vector<std::unique_ptr<UdpSocket>> sockets_;
  std::vector<std::unique_ptr<UdpSocket>> retired_;  // that only wait for answers
};

}  // namespace mcns
