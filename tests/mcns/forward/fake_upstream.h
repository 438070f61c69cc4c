// An upstream in the test's own process, on loopback, that does what a test says.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "mcns/forward/forwarder.h"
#include "mcns/wire/message.h"

namespace mcns::test {

// A question as it arrived.
struct Received {
  Bytes packet;
  Message message;
  bool over_tcp = false;
  std::uint16_t from_port = 0;
};

// What is sent for it, in that order.
struct Sent {
  Bytes bytes;
  std::chrono::milliseconds after{0};
  bool from_elsewhere = false;  // another port (UDP only)
  bool then_close = false;      // the connection (TCP only)
  // Over HTTPS only, as the next ones.
  int http_status = 200;
  std::string http_type = "application/dns-message";
  std::string http_age;          // of the header; empty: none
  std::uint32_t http_reset = 0;  // the stream, for this reason
  bool http_goaway = false;      // neither this one nor any later one
};

// UDP and TCP on one port of loopback, which stays the same while it is deaf. Probes are answered
// apart from the questions and not counted among them. Thread-safe.
class FakeUpstream {
 public:
  using Handler = std::function<std::vector<Sent>(const Received&)>;

  explicit FakeUpstream(Handler handler);
  // On 127.0.0.`last`, on the port of another one, if it is given.
  FakeUpstream(Handler handler, char last, const FakeUpstream* same_port);
  ~FakeUpstream();

  void set_handler(Handler handler);
  // Hears nothing any more, not even probes.
  void set_deaf(bool deaf) { deaf_ = deaf; }
  // Whether it answers questions of the root: not, as one that has no way there.
  void set_knows_root(bool knows_root) { knows_root_ = knows_root; }
  // What is done with the nonce of a probe before it is answered.
  void on_probe(std::function<void(std::uint64_t nonce)> seen);

  Upstream upstream(Upstream::Transport transport = Upstream::Transport::kUdp) const;
  std::uint16_t port() const { return port_; }
  std::string address() const { return upstream().address; }
  int questions() const { return questions_; }
  int connections() const { return connections_; }
  std::vector<Received> received() const;

 private:
  struct Connection {
    dsl::env::UniqueFd fd;
    Bytes input;
    int number = 0;
  };
  struct Due {
    std::chrono::steady_clock::time_point at;
    Sent sent;
    dsl::env::SocketAddress to;
    int connection = 0;  // 0 = UDP
  };

  void run();
  void read_datagrams();
  void read_connection(Connection& connection);
  void take(const Bytes& packet, const dsl::env::SocketAddress& from, int connection);
  void send_due();
  void send(const Due& due);

  const char last_ = 1;
  std::uint16_t port_ = 0;
  dsl::env::UniqueFd udp_;
  dsl::env::UniqueFd elsewhere_;
  dsl::env::UniqueFd listener_;
  dsl::env::UniqueFd wake_;
  std::vector<Connection> connections_open_;
  std::vector<Due> due_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> deaf_{false};
  std::atomic<bool> knows_root_{true};
  std::atomic<int> questions_{0};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  Handler handler_;                                // guarded by mutex_
  std::function<void(std::uint64_t)> probe_seen_;  // guarded by mutex_
  std::vector<Received> received_;                 // guarded by mutex_
  std::thread thread_;
};

// The answer to `received` with an A record of `last` as its last octet.
Message answer_to(const Received& received, char last = 1, std::uint32_t ttl = 60);
Message failure_to(const Received& received, Rcode rcode);

FakeUpstream::Handler answering(char last = 1, std::chrono::milliseconds after = {});
FakeUpstream::Handler failing(Rcode rcode);
FakeUpstream::Handler silent();

// An upstream at whose port nobody listens.
Upstream dead_upstream();

}  // namespace mcns::test
