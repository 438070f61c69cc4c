// One question under way: which upstreams were asked, who waits, and when it ends.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcns/forward/forwarder.h"
#include "mcns/forward/server.h"

namespace mcns {

// The upstreams of a group as they are used.
struct ServerGroup {
  Name zone;
  ForwardPolicy policy = ForwardPolicy::kOrdered;
  bool random_case = false;
  std::vector<std::shared_ptr<Server>> servers;
  std::vector<std::shared_ptr<Server>> fallback;
};

// Somebody who waits for an answer: gets one for certain, if only when this object goes.
class Waiter {
 public:
  using Done = std::function<void(const ForwardAnswer&)>;

  // `count` is how many there are.
  Waiter(Done done, std::atomic<std::size_t>& count) : done_(std::move(done)), count_(count) {
    ++count_;
  }
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void tell(const ForwardAnswer& answer);

 private:
  Done done_;  // empty once it was called
  std::atomic<std::size_t>& count_;
};

// Goes on after a stale answer was given, so that the cache has a new one. Confined to its loop.
class Fetch {
 public:
  // What all fetches share; outlives them.
  struct Shared {
    dsl::net::Loop& loop;
    dsl::env::Clock& clock;
    Cache& cache;
    RandomPool& random;
    const ForwardOptions& options;
    std::function<void(Ticket)> ended;  // the fetch is still at work then
  };

  Fetch(const Shared& shared, Ticket ticket, ForwardQuestion question,
        std::shared_ptr<const ServerGroup> group);

  void join(std::shared_ptr<Waiter> waiter);
  void start();

  // As of ServerEvents.
  void on_answer(Server& server, std::string_view message, bool late);
  void on_silence(Server& server);
  void on_failure(Server& server);

 private:
  using Servers = std::vector<std::shared_ptr<Server>>;
  using Some = std::vector<const Server*>;

  void advance();
  Server* next_server() const;
  bool may_be_asked(const Server& server, bool even_suspect) const;
  void exhausted(Server& server, std::string_view what);
  void time_passed();
  void wait();

  void succeed(const Server& server, Rcode rcode, Bytes message);
  void fail(std::string why);
  void keep_failure();
  bool give_stale();
  std::int64_t now_ms() const;
  void give(const ForwardAnswer& answer);
  void end();

  const Shared& shared_;
  const Ticket ticket_;
  const ForwardQuestion question_;
  const std::shared_ptr<const ServerGroup> group_;
  const Packet packet_;
  Query query_;  // read from packet_: what the cache knows it by
  const dsl::env::MonoTime started_;
  const std::uint64_t generation_;  // of the cache when it was asked

  std::vector<std::shared_ptr<Waiter>> waiters_;
  Some asked_;       // in this round
  Some exhausted_;   // cannot tell, or cannot be asked
  int waiting_ = 0;  // for so many answers
  ExtendedError error_ = ExtendedError::kNoReachableAuthority;
  std::string last_failure_;
  bool stale_due_ = false;
  bool ended_ = false;
  dsl::env::MonoTime hedge_at_ = dsl::env::MonoTime::max();
  dsl::net::Timer timer_;
};

}  // namespace mcns
