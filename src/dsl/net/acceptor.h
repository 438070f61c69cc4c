// Accepts the connections of one listening socket on a loop.
#pragma once

#include <functional>
#include <memory>

#include "dsl/net/connection_limits.h"
#include "dsl/net/loop.h"

namespace dsl::net {

struct Accepted {
  env::UniqueFd fd;  // non-blocking, without Nagle's delay
  env::SocketAddress peer;
  ConnectionLimits::Ticket ticket;  // to be kept as long as the connection
};

// Several loops may each have an acceptor for the same descriptor: a connection wakes one of them.
// Beyond the limits a connection is closed at once. Without descriptors it rests 100 ms.
// Confined to its loop.
class Acceptor final : public Watcher {
 public:
  using OnAccept = std::function<void(Accepted)>;

  // `fd` is listening and non-blocking; `limits` outlives the acceptor; null = no bound.
  static Result<std::unique_ptr<Acceptor>> open(Loop& loop, int fd, ConnectionLimits* limits,
                                                OnAccept on_accept);
  ~Acceptor() override;

  // Takes what has already connected, then no more.
  void close();

  void on_ready(std::uint32_t events) override;

 private:
  Acceptor(Loop& loop, int fd, ConnectionLimits* limits, OnAccept on_accept);
  enum class Step { kAgain, kDone, kExhausted };
  Step accept_one();
  void resume();

  Loop& loop_;
  const int fd_;
  ConnectionLimits* const limits_;
  const OnAccept on_accept_;
  Timer retry_;
  bool open_ = false;
};

}  // namespace dsl::net
