// One thread of a server: a loop, the listeners' acceptors on it, and its connections.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "dsl/http/server_connection.h"

namespace dsl::http {

// How many connections live on all threads of a server. Thread-safe.
class ConnectionCount {
 public:
  void add();
  void remove();
  // False when there are still some after `time`.
  bool wait_for_none(std::chrono::milliseconds time);

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int count_ = 0;
};

// A listener as each thread accepts on it; `fd` belongs to the server.
struct OpenListener {
  int fd = -1;
  std::shared_ptr<tls::ServerCredentials> tls;
  bool proxy_header = false;
};

// `drain`, `cut`, `join` and `call_changed` may be called by any thread.
class IoThread final : public ConnectionHost {
 public:
  // What is referred to outlives the thread. `limits_of_proxies` bounds in total alone: behind a
  // proxy all come from one address.
  struct Parts {
    Dispatcher& dispatcher;
    ConnectionCount& count;
    net::ConnectionLimits& limits;
    net::ConnectionLimits& limits_of_proxies;
  };
  static Result<std::unique_ptr<IoThread>> open(const Parts& parts,
                                                const std::vector<OpenListener>& listeners);
  ~IoThread() override;

  void start();
  // Accepts what has already connected and no more; every connection ends when its work has.
  // Returns once nothing more is accepted.
  void drain();
  // Ends every connection.
  void cut();
  void join();

  // ConnectionHost.
  void call_changed(std::shared_ptr<Call> call) override;
  net::Loop& loop() override { return *loop_; }
  Dispatcher& dispatcher() override { return parts_.dispatcher; }
  std::string_view date() override;
  std::span<char> scratch() override { return scratch_; }
  void connection_turn(std::uint64_t id) override;
  void connection_ended(std::uint64_t id) override;

 private:
  IoThread(const Parts& parts, std::unique_ptr<net::Loop> loop);
  void accept(net::Accepted accepted, const OpenListener& listener);
  ServerConnection* find(std::uint64_t id);

  const Parts parts_;
  const std::unique_ptr<net::Loop> loop_;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
  std::unordered_map<std::uint64_t, std::unique_ptr<ServerConnection>> connections_;
  std::uint64_t next_id_ = 1;
  bool draining_ = false;
  std::string date_;
  env::MonoTime date_until_{};
  std::array<char, 32u << 10> scratch_;
  std::thread thread_;
};

}  // namespace dsl::http
