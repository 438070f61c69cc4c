// DNS over UDP and TCP (RFC 1035 section 4.2, 7766, 9210): sockets, workers, and how they end
// without losing a question.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mcns/net/sockets.h"
#include "mcns/resolve/resolver.h"

namespace mcns::net {

struct ServerOptions {
  int workers = 1;
  std::uint16_t udp_size = 1232;
  std::chrono::milliseconds tcp_idle{10000};
  int tcp_max = 4096;
  int tcp_max_per_client = 64;
  int tcp_queries_in_flight = 128;  // of one connection; beyond it it is not read
};

// Thread-safe, apart from `start` and destruction.
class Server {
 public:
  // Answers from its return on. `parts` outlives it.
  static dsl::Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                                    const ResolverParts& parts,
                                                    std::vector<DnsSocket> sockets);
  virtual ~Server() = default;

  // Where it listens, each once: "udp 192.0.2.1:53".
  virtual std::vector<std::string> listeners() const = 0;
  // From now on the limits of TCP in `options` and the rules of the parts, in every worker before
  // it returns. Workers stay as many, and UDP answers as large, as they were.
  virtual void reload(const ServerOptions& options) = 0;
  // For who takes over: they stay this server's.
  virtual const std::vector<DnsSocket>& sockets() const = 0;
  virtual std::vector<const Counters*> counters() const = 0;

  // Takes a TCP connection with nothing under way, and with whatever its client has sent that was
  // not read; false when it cannot. Called on threads of the server.
  using TakeConnection = std::function<bool(int fd)>;
  // Reads no more from the sockets, and no new question from a connection, once it has returned:
  // another process has the sockets and goes on. Connections go to `take` now, or when what was
  // asked on them is answered. `stop` comes next.
  virtual void hand_over(TakeConnection take) = 0;
  // A connection of another process's, by the way of its `TakeConnection`.
  virtual void adopt(dsl::env::UniqueFd connection) = 0;

  // Reads no more from the sockets, leaving what is in them to another process that has them; ends
  // what it has begun, within `grace`: a connection gets the answers to what has come on it, and
  // its client is told that nothing more will come.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace mcns::net
