// One accepted connection: PROXY header, TLS, then the session of its protocol.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dsl/http/session.h"
#include "dsl/net/acceptor.h"
#include "dsl/net/stream.h"

namespace dsl::http {

// What a connection needs of the thread that it lives on; outlives it.
class ConnectionHost : public Call::Owner {
 public:
  virtual net::Loop& loop() = 0;
  virtual Dispatcher& dispatcher() = 0;
  virtual std::string_view date() = 0;
  // At least one whole TLS record; shared by all, used up within a call.
  virtual std::span<char> scratch() = 0;
  // Calls `take_turn` of the connection, if it is still there.
  virtual void connection_turn(std::uint64_t id) = 0;
  // The connection is over: to be destroyed once its caller has returned.
  virtual void connection_ended(std::uint64_t id) = 0;
};

// Confined to its loop. Edge-triggered: what the socket could do is remembered until it no longer
// can.
class ServerConnection final : public net::Watcher {
 public:
  struct Kind {
    tls::Context tls;  // of this connection, for good; nothing = plain
    bool proxy_header = false;
    bool draining = false;  // accepted when the server was already stopping
  };

  ServerConnection(ConnectionHost& host, std::uint64_t id, net::Accepted accepted,
                   const Kind& kind);
  ~ServerConnection() override;

  // Begins; an error means that there is nothing to begin with.
  Result<void> start();
  void on_ready(std::uint32_t events) override;
  void call_changed(Call& call);
  void take_turn();
  void drain();
  void cut();  // at once; the handlers see it

 private:
  enum class State {
    kProxyHeader,
    kHandshake,
    kDetect,  // plain: HTTP/2 by its preface, or HTTP/1.1
    kOpen,
    kLinger,  // all is sent; the peer's rest is read, or a reset might overtake the answer
    kEnded
  };

  void advance();  // as far as the socket and the session allow
  bool step_proxy_header();
  bool step_handshake();
  bool step_detect();
  bool step_session();
  bool step_linger();
  void open_session(bool http2);
  bool read_some();
  bool write_some();
  void begin_linger();
  void end();
  void on_timer();
  void set_timer();

  ConnectionHost& host_;
  const std::uint64_t id_;
  net::ConnectionLimits::Ticket ticket_;
  net::Stream stream_;
  const Kind kind_;
  std::shared_ptr<PeerAddress> peer_;
  SessionHost session_host_;
  std::unique_ptr<Session> session_;
  State state_;
  net::Timer timer_;
  env::MonoTime step_deadline_;   // of the states without a session
  env::MonoTime write_deadline_;  // while `out_` waits
  std::string in_;                // read and not taken by the session
  std::string out_;
  std::size_t out_at_ = 0;
  std::size_t lingered_ = 0;
  bool readable_ = true;
  bool writable_ = true;
  bool end_arrived_ = false;  // the socket has it, perhaps behind bytes that are not read yet
  bool input_ended_ = false;  // and we have read up to it
  bool draining_ = false;
  bool again_ = false;  // a turn is posted
};

}  // namespace dsl::http
