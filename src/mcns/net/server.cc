#include "mcns/net/server.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <utility>

#include "dsl/env/env.h"
#include "dsl/net/connection_limits.h"
#include "dsl/result/text.h"
#include "mcns/net/worker.h"

namespace mcns::net {
namespace {

using dsl::Result;

class RunningServer final : public Server {
 public:
  RunningServer(const ServerOptions& options, std::vector<DnsSocket> sockets)
      : options_(options),
        sockets_(std::move(sockets)),
        limits_(options.tcp_max, options.tcp_max_per_client) {}

  ~RunningServer() override {
    for (const auto& worker : workers_) {
      worker->stop();
    }
  }

  Result<void> open(const ResolverParts& parts) {
    for (int i = 0; i < options_.workers; ++i) {
      MC_ASSIGN(auto worker, Worker::open(options_, parts, limits_));
      workers_.push_back(std::move(worker));
    }
    MC_TRY(share_sockets());
    std::vector<Worker*> all;
    for (const auto& worker : workers_) {
      all.push_back(worker.get());
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->start(static_cast<int>(i), all);
    }
    return {};
  }

  std::vector<std::string> listeners() const override {
    std::vector<std::string> out;
    for (const DnsSocket& socket : sockets_) {
      const char* kind = socket.transport == Transport::kUdp ? "udp" : "tcp";
      std::string line = dsl::text("{} {}", kind, socket.address);
      if (std::find(out.begin(), out.end(), line) == out.end()) {
        out.push_back(std::move(line));
      }
    }
    return out;
  }

  void reload(const ServerOptions& options) override {
    limits_.set_max(options.tcp_max, options.tcp_max_per_client);
    std::vector<std::future<void>> done;
    for (const auto& worker : workers_) {
      done.push_back(worker->reload(options));
    }
    for (const std::future<void>& each : done) {
      each.wait();
    }
  }

  const std::vector<DnsSocket>& sockets() const override { return sockets_; }

  std::vector<const Counters*> counters() const override {
    std::vector<const Counters*> out;
    for (const auto& worker : workers_) {
      out.push_back(&worker->counters());
    }
    return out;
  }

  void hand_over(TakeConnection take) override { stop_listening(take); }

  void adopt(dsl::env::UniqueFd connection) override {
    workers_[next_++ % workers_.size()]->adopt(std::move(connection));
  }

  void stop(std::chrono::milliseconds grace) override {
    stop_listening(nullptr);
    // The kernel's time, as what clients do is outside any simulated time.
    dsl::env::Clock& clock = dsl::env::system_env().clock();
    const dsl::env::MonoTime deadline = clock.mono_now() + grace;
    const auto idle = [this] {
      return std::all_of(workers_.begin(), workers_.end(),
                         [](const auto& worker) { return worker->is_idle(); });
    };
    while (!idle() && clock.mono_now() < deadline) {
      clock.sleep_for(std::chrono::milliseconds(2));
    }
    for (const auto& worker : workers_) {
      worker->stop();
    }
  }

 private:
  // Once; what was said first counts.
  void stop_listening(const TakeConnection& take) {
    if (std::exchange(listening_, false)) {
      std::vector<std::future<void>> stopped;
      for (const auto& worker : workers_) {
        stopped.push_back(worker->stop_listening(take));
      }
      for (const std::future<void>& each : stopped) {
        each.wait();
      }
    }
  }

  // Every socket has a worker, and every worker sockets of each address: where there are fewer of
  // them than workers (one that was handed over), several workers read from the same.
  Result<void> share_sockets() {
    for (const DnsSocket& first : sockets_) {
      std::vector<const DnsSocket*> group;
      for (const DnsSocket& socket : sockets_) {
        if (socket.address == first.address && socket.transport == first.transport) {
          group.push_back(&socket);
        }
      }
      if (group.front() != &first) {
        continue;  // its group was shared out already
      }
      for (std::size_t i = 0; i < std::max(group.size(), workers_.size()); ++i) {
        MC_TRY(workers_[i % workers_.size()]->add(*group[i % group.size()]));
      }
    }
    return {};
  }

  const ServerOptions options_;
  std::vector<DnsSocket> sockets_;
  dsl::net::ConnectionLimits limits_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<std::size_t> next_{0};  // who gets the next connection of another process
  bool listening_ = true;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options,
                                              const ResolverParts& parts,
                                              std::vector<DnsSocket> sockets) {
  auto server = std::make_unique<RunningServer>(options, std::move(sockets));
  MC_TRY(server->open(parts));
  return server;
}

}  // namespace mcns::net
