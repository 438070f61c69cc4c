// One question under way: which upstreams were asked, who waits, and when it ends.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dsl/env/env.h"
#include "mcns/forward/chain.h"
#include "mcns/forward/descent.h"
#include "mcns/forward/forwarder.h"
#include "mcns/forward/own_zones.h"
#include "mcns/forward/server.h"

namespace mcns {

// The upstreams of a group as they are used.
struct ServerGroup {
  Name zone;
  ForwardPolicy policy = ForwardPolicy::kOrdered;
  Role role = Role::kResolver;  // of its servers
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

class Fetch;

// Who runs the questions.
class FetchOwner {
 public:
  virtual ~FetchOwner() = default;
  // The fetch is still at work then.
  virtual void ended(Ticket ticket) = 0;
  // Of a delegated zone; null for an address at which nobody is to be asked, such as our own, or
  // one that leads nearer than `nearest`.
  virtual std::shared_ptr<Server> delegated_server(const std::string& address, const Name& zone,
                                                   Reach nearest) = 0;
  // Whether a zone of ours or a group inside of the delegated `zone` has the name of `question`.
  virtual bool is_known_inside(const ForwardQuestion& question, const Name& zone) = 0;
  // Asks what another question needs; `done` is called once, and not before this returns, unless
  // the owner ends.
  virtual void ask_for(ForwardQuestion question, const Errand& errand, Waiter::Done done) = 0;
};

// Goes on after a stale answer was given, so that the cache has a new one. Confined to its loop.
//
// A question below a delegation of ours begins with the servers that our zone names, and goes on to
// those that they refer to (`Descent`). Where a chain leaves their zone its rest is asked for.
class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  // What all fetches share; outlives them.
  struct Shared {
    dsl::net::Loop& loop;
    dsl::env::Clock& clock;
    Cache& cache;
    RandomPool& random;
    const ForwardOptions& options;
    FetchOwner& owner;
  };
  struct Start {
    ForwardQuestion question;
    std::shared_ptr<const ServerGroup> group;  // who is asked; null: our own zones know it
    OwnZones::Found own;                       // what they know; else of the kind kNotOurs
    std::uint64_t generation = 0;              // of the cache, when that was found
    Errand errand;
  };

  Fetch(const Shared& shared, Ticket ticket, Start start);

  void join(std::shared_ptr<Waiter> waiter);
  void start();
  dsl::env::MonoTime ends() const { return ends_; }
  // Does nothing more.
  void abandon() { ended_ = true; }

  // As of ServerEvents.
  void on_answer(Server& server, std::string_view message, bool late);
  void on_silence(Server& server);
  void on_failure(Server& server);

 private:
  using Servers = std::vector<std::shared_ptr<Server>>;
  using Some = std::vector<const Server*>;

  // Below a delegation, and along chains that leave a zone.
  void on_child_answer(Server& server, std::string_view message);
  void use_known_servers();
  void add_servers(const std::vector<std::string>& addresses);
  bool look_up_next_host();
  void stop_looking();
  void on_addresses(int step, const ForwardAnswer& answer);
  void follow(Message chain, Name target, std::optional<AliasLink> alias, bool of_zones);
  bool follow_open_end(Server& server, const Bytes& answer);
  void on_rest(const ForwardAnswer& rest);
  using ErrandDone = std::function<void(Fetch&, const ForwardAnswer&)>;
  bool run_errand(ForwardQuestion question, dsl::env::MonoTime until, ErrandDone done);

  void advance();
  void try_out_those_down() const;
  Server* next_server() const;
  bool may_be_asked(const Server& server, bool even_suspect) const;
  void exhausted(Server& server, std::string_view what);
  void time_passed();
  void wait();

  void succeed(Rcode rcode, Bytes message, std::string detail);
  std::string told_by(const Server& server) const;
  std::string why_nobody() const;
  void fail(std::string why);
  void keep_failure();
  bool give_stale();
  std::int64_t now_ms() const;
  void give(const ForwardAnswer& answer);
  void end();

  const Shared& shared_;
  const Ticket ticket_;
  const ForwardQuestion question_;
  std::shared_ptr<const ServerGroup> group_;
  const Packet packet_;
  Query query_;  // read from packet_: what the cache knows it by
  const dsl::env::MonoTime started_;
  const dsl::env::MonoTime ends_;
  const std::uint64_t generation_;  // of the cache when it was asked

  std::vector<std::shared_ptr<Waiter>> waiters_;
  OwnZones::Found own_;
  Errand errand_;
  std::optional<Descent> descent_;
  std::vector<std::shared_ptr<const ServerGroup>> behind_;  // further up, still under way
  int lookups_ = 0;                                         // of addresses, under way
  bool looking_ = false;                                    // and nothing goes on without them
  // Links that were found, and whose rest is asked for.
  struct Chain {
    Message links;
    std::optional<AliasLink> alias;
    bool of_zones = false;
    std::string from;
  };
  std::optional<Chain> chain_;

  Some asked_;  // in this round
  // The step of the descent at which each was asked last; an answer may come when all of a round
  // have been silent.
  std::unordered_map<const Server*, int> asked_at_;
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
