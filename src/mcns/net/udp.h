// A UDP socket of a worker: batches of datagrams in, batches out. Private to mcns::net.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

#include "dsl/net/loop.h"
#include "mcns/net/reply_batch.h"
#include "mcns/net/sockets.h"
#include "mcns/resolve/resolver.h"

namespace mcns::net {

class Worker;

// Confined to its worker's thread.
class UdpSocket final : public dsl::net::Watcher {
 public:
  UdpSocket(Worker& worker, const DnsSocket& socket);
  ~UdpSocket() override;

  void on_ready(std::uint32_t events) override;
  // What waits in the socket stays there. Answers can still be sent.
  void stop_reading();

 private:
  static constexpr unsigned kBatch = ReplyBatch::kMax;
  static constexpr unsigned kRounds = 64;          // before others of the loop get their turn
  static constexpr std::size_t kQueryMax = 2048;   // a query has one name and a few options
  static constexpr std::size_t kAnswerMax = 4096;  // the largest `udp_size`
  static constexpr std::size_t kControl = ReplyBatch::kControlMax;

  struct Datagram {
    std::array<char, kQueryMax> query;
    std::array<char, kAnswerMax> answer;
    sockaddr_storage peer;
    alignas(cmsghdr) std::array<char, kControl> control;  // which of our addresses was asked
    Asked asked;
  };

  void prepare();
  void answer_batch(unsigned count);
  void read_batch(const zone::Version& version, unsigned count);
  void forward(const Datagram& datagram, std::size_t control_size, socklen_t peer_size,
               Pending pending);

  Worker& worker_;
  const int fd_;
  const bool any_address_;
  std::unique_ptr<std::array<Datagram, kBatch>> datagrams_;
  std::array<iovec, kBatch> in_parts_;
  std::array<mmsghdr, kBatch> in_;
  ReplyBatch replies_;
};

}  // namespace mcns::net
