#include "mcns/net/worker.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <pthread.h>
#include <sys/epoll.h>

#include "dsl/env/env.h"
#include "dsl/result/text.h"
#include "dsl/thread/turns.h"
#include "mcns/net/tcp.h"
#include "mcns/net/udp.h"

namespace mcns::net {
namespace {

using dsl::Result;

constexpr std::size_t kAnswerMax = 65535;

}  // namespace

Result<std::unique_ptr<Worker>> Worker::open(const ServerOptions& options,
                                             const ResolverParts& parts,
                                             dsl::net::ConnectionLimits& limits) {
  MC_ASSIGN(auto loop, dsl::net::Loop::open());
  return std::unique_ptr<Worker>(new Worker(options, parts, limits, std::move(loop)));
}

Worker::Worker(const ServerOptions& options, const ResolverParts& parts,
               dsl::net::ConnectionLimits& limits, std::unique_ptr<dsl::net::Loop> loop)
    : options_(options),
      limits_(limits),
      reader_(parts.zones),
      resolver_(parts, counters_),
      loop_(std::move(loop)),
      room_(kAnswerMax) {}

Worker::~Worker() { stop(); }

Result<void> Worker::add(const DnsSocket& socket) {
  if (socket.transport == Transport::kUdp) {
    udp_.push_back(std::make_unique<UdpSocket>(*this, socket));
    return loop_->add(socket.fd.get(), EPOLLIN, *udp_.back());
  }
  // Without limits of its own: here it is an idle connection that goes, not the new one.
  MC_ASSIGN(auto acceptor, dsl::net::Acceptor::open(*loop_, socket.fd.get(), nullptr,
                                                    [this](dsl::net::Accepted accepted) {
                                                      connected(std::move(accepted));
                                                    }));
  acceptors_.push_back(std::move(acceptor));
  return {};
}

void Worker::start(int number, std::vector<Worker*> all) {
  all_ = std::move(all);
  thread_ = std::thread([this] {
    dsl::prefer_short_turns();  // answers do not wait for imports and checkpoints
    loop_->run();
  });
  (void)::pthread_setname_np(thread_.native_handle(), dsl::text("dns-{}", number).c_str());
}

std::future<void> Worker::stop_listening(Server::TakeConnection take) {
  auto stopped = std::make_shared<std::promise<void>>();
  loop_->post([this, take = std::move(take), stopped] {
    listening_ = false;
    heir_ = take;
    // The sockets stay for the answers that are on their way.
    for (const auto& socket : udp_) {
      socket->stop_reading();
    }
    acceptors_.clear();
    std::vector<TcpConnection*> open;  // one that ends leaves the list
    for (const auto& connection : connections_) {
      open.push_back(connection.get());
    }
    for (TcpConnection* connection : open) {
      connection->drain();
    }
    check_drained();
    stopped->set_value();
  });
  return stopped->get_future();
}

std::future<void> Worker::reload(const ServerOptions& options) {
  auto done = std::make_shared<std::promise<void>>();
  loop_->post([this, options, done] {
    options_ = options;
    resolver_.renew_rules();
    done->set_value();
  });
  return done->get_future();
}

void Worker::adopt(dsl::env::UniqueFd connection) {
  auto shared = std::make_shared<dsl::env::UniqueFd>(std::move(connection));
  loop_->post([this, shared] {
    const dsl::env::SocketAddress peer = dsl::env::peer_address(shared->get());
    connected({.fd = std::move(*shared), .peer = peer, .ticket = {}});
  });
}

void Worker::check_drained() { drained_ = !listening_ && on_its_way_ == 0 && connections_.empty(); }

void Worker::stop() {
  if (thread_.joinable()) {
    loop_->stop();
    thread_.join();
  }
  connections_.clear();
  udp_.clear();
  acceptors_.clear();
}

std::int64_t Worker::now_ns() const {
  const auto now = dsl::env::system_env().clock().mono_now();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
}

void Worker::forward(Pending pending, std::function<void(std::string_view)> reply) {
  ++on_its_way_;
  auto shared = std::make_shared<Pending>(std::move(pending));
  resolver_.forward(*shared, [this, shared, reply = std::move(reply)](const ForwardAnswer& answer) {
    loop_->post([this, shared, answer, reply] {
      const std::size_t size =
          resolver_.complete(*shared, answer, now_ns() / kNsPerMs, room_.data(), room_.size());
      reply({room_.data(), size});
      --on_its_way_;
      check_drained();
    });
  });
}

void Worker::connected(dsl::net::Accepted accepted) {
  auto waiting = std::make_shared<dsl::net::Accepted>(std::move(accepted));
  if (!admit(*waiting)) {
    make_room(std::move(waiting), 0);
  }
}

bool Worker::admit(dsl::net::Accepted& accepted) {
  auto ticket = limits_.take(accepted.peer);
  if (!ticket) {
    return false;
  }
  accepted.ticket = *std::move(ticket);
  connections_.push_back(std::make_unique<TcpConnection>(*this, std::move(accepted)));
  TcpConnection& added = *connections_.back();
  if (!loop_->add(added.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, added)) {
    ended(added);
  }
  return true;
}

// Asks one worker after the other to end an idle connection: of the same client when that is what
// has too many, else of anybody. When all of them are busy it is the new one that goes.
void Worker::make_room(std::shared_ptr<dsl::net::Accepted> waiting, std::size_t asked) {
  if (asked == all_.size()) {
    counters_.dropped_connections.add();
    return;
  }
  Worker* other = all_[asked];
  const bool is_full = limits_.taken() >= options_.tcp_max;
  const std::string party = is_full ? "" : dsl::net::party_of(waiting->peer);
  other->loop_->post([this, other, party, asked, waiting = std::move(waiting)] {
    const bool ended_one = other->end_oldest_idle(party);
    loop_->post([this, ended_one, asked, waiting] {
      if (!ended_one || !admit(*waiting)) {
        make_room(waiting, asked + 1);
      }
    });
  });
}

bool Worker::end_oldest_idle(const std::string& party) {
  TcpConnection* oldest = nullptr;
  for (const auto& connection : connections_) {
    const bool counts = party.empty() || dsl::net::party_of(connection->peer()) == party;
    const bool is_older = oldest == nullptr || connection->last_active() < oldest->last_active();
    if (counts && !connection->is_busy() && is_older) {
      oldest = connection.get();
    }
  }
  if (oldest != nullptr) {
    oldest->end();
  }
  return oldest != nullptr;
}

void Worker::ended(TcpConnection& connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& each) { return each.get() == &connection; });
  loop_->remove(connection.fd());
  loop_->retire(std::move(*found));
  connections_.erase(found);
  check_drained();
}

}  // namespace mcns::net
