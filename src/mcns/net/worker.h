// One thread that answers: its sockets, its connections, its reader of the zones. Private to
// mcns::net.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dsl/net/acceptor.h"
#include "dsl/net/connection_limits.h"
#include "dsl/net/loop.h"
#include "mcns/net/server.h"
#include "mcns/net/sockets.h"
#include "mcns/resolve/resolver.h"

namespace mcns::net {

class TcpConnection;
class UdpSocket;

// Confined to its thread, apart from what says otherwise; `start` and `stop` are its owner's.
class Worker {
 public:
  static dsl::Result<std::unique_ptr<Worker>> open(const ServerOptions& options,
                                                   const ResolverParts& parts,
                                                   dsl::net::ConnectionLimits& limits);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before `start`; `socket` outlives the worker.
  dsl::Result<void> add(const DnsSocket& socket);
  void start(int number, std::vector<Worker*> all);

  // Takes no more questions: what is on its way is still answered, and connections go to `take`
  // when there is one. Done when the future is. From any thread, once.
  std::future<void> stop_listening(Server::TakeConnection take);
  // Goes by these options and the rules of now on; done when the future is. From any thread, while
  // it runs.
  std::future<void> reload(const ServerOptions& options);
  // From any thread.
  void adopt(dsl::env::UniqueFd connection);
  // No longer listening, and nothing is on its way. From any thread.
  bool is_idle() const { return drained_.load(); }
  // Ends the thread.
  void stop();

  const Counters& counters() const { return counters_; }

  // --- for its sockets ---
  dsl::net::Loop& loop() { return *loop_; }
  zone::Reader& reader() { return reader_; }
  Resolver& resolver() { return resolver_; }
  const ServerOptions& options() const { return options_; }
  Counters& count() { return counters_; }
  std::int64_t now_ns() const;  // monotonic
  // Asks an upstream and calls `reply` with the response on this thread; an empty one is not sent.
  void forward(Pending pending, std::function<void(std::string_view response)> reply);
  void ended(TcpConnection& connection);
  // What becomes of connections with nothing under way, once it is not listening; may be absent.
  const Server::TakeConnection& heir() const { return heir_; }
  bool is_listening() const { return listening_; }
  // For the response of a stream that is written next.
  std::vector<char>& room() { return room_; }

 private:
  void check_drained();
  void connected(dsl::net::Accepted accepted);
  bool admit(dsl::net::Accepted& accepted);
  void make_room(std::shared_ptr<dsl::net::Accepted> waiting, std::size_t asked);
  // Ends the connection of that party, or of anybody, that has been idle longest; false when there
  // is none.
  bool end_oldest_idle(const std::string& party);
  Worker(const ServerOptions& options, const ResolverParts& parts,
         dsl::net::ConnectionLimits& limits, std::unique_ptr<dsl::net::Loop> loop);

  ServerOptions options_;
  dsl::net::ConnectionLimits& limits_;
  Counters counters_;
  zone::Reader reader_;
  Resolver resolver_;
  std::unique_ptr<dsl::net::Loop> loop_;
  std::vector<std::unique_ptr<UdpSocket>> udp_;
  std::vector<std::unique_ptr<dsl::net::Acceptor>> acceptors_;
  std::vector<std::unique_ptr<TcpConnection>> connections_;
  std::vector<char> room_;  // for a response of a stream
  int on_its_way_ = 0;      // questions at upstreams
  bool listening_ = true;
  Server::TakeConnection heir_;
  std::atomic<bool> drained_{false};
  std::vector<Worker*> all_;  // of the server, this one too; they live as long
  std::thread thread_;
};

}  // namespace mcns::net
