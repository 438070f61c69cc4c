// A TCP connection with questions on it (RFC 7766). Private to mcns::net.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dsl/net/acceptor.h"
#include "dsl/net/loop.h"
#include "dsl/net/stream.h"
#include "mcns/net/out_buffer.h"
#include "mcns/resolve/resolver.h"

namespace mcns::net {

class Worker;

// Reads as many questions as come, answers each as soon as it can, in any order (section 6.2.1.1),
// each response in one write with its length where the socket takes it. Confined to its worker's
// thread.
class TcpConnection final : public dsl::net::Watcher {
 public:
  TcpConnection(Worker& worker, dsl::net::Accepted accepted);
  ~TcpConnection() override;

  void on_ready(std::uint32_t events) override;
  // Answers what has come, then goes to the worker's heir; without one it is half-closed, and ends
  // when its client does: to close at once would reset what that has just sent.
  void drain();
  // At once; gives its place back.
  void end();
  bool is_busy() const { return in_flight_ > 0 || !out_.empty(); }
  const dsl::env::SocketAddress& peer() const { return peer_; }
  int fd() const { return stream_.fd(); }
  dsl::env::MonoTime last_active() const { return last_active_; }

 private:
  void pump();
  // Has as much to do as one connection may have.
  bool is_full() const;
  void read_some();
  void settle();
  void await_end();
  // Of what was read; false when there is nothing whole, or the connection has enough to do.
  bool take_question();
  void answer(std::string_view packet);
  void reply(std::string_view response);
  void write_some();
  void touch();

  Worker& worker_;
  dsl::net::Stream stream_;
  const dsl::env::SocketAddress peer_;
  dsl::net::ConnectionLimits::Ticket ticket_;
  dsl::net::Timer idle_;
  std::string in_;         // octets of questions that are not whole yet
  std::size_t taken_ = 0;  // of `in_`
  OutBuffer out_;
  int in_flight_ = 0;  // questions at upstreams
  bool reading_ = true;
  bool draining_ = false;
  bool half_closed_ = false;
  bool ended_ = false;
  dsl::env::MonoTime last_active_;
  // Whether this object is still there, for answers of upstreams.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mcns::net
