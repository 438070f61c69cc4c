// What lives on the forwarder's loop: groups, servers, and the questions under way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/net/loop.h"
#include "mcns/forward/delegated_servers.h"
#include "mcns/forward/fetch.h"
#include "mcns/forward/groups.h"
#include "mcns/forward/random_pool.h"
#include "mcns/forward/server.h"
#include "mcns/forward/tls_contexts.h"

namespace mcns {

// A server as a member of a group, for those outside of the loop.
struct ServerRow {
  std::string upstream;
  std::string group;
  bool fallback = false;
  std::shared_ptr<const ServerFigures> figures;
};

// Confined to its loop; made and destroyed while that does not run.
class Engine final : private ServerEvents, private FetchOwner {
 public:
  Engine(dsl::net::Loop& loop, dsl::env::Env& env, Cache& cache, Nonces& nonces,
         const ForwardOptions& options);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // They have been checked; `contexts` has one for each that is asked over TLS.
  // `own`: at these addresses nobody is asked.
  std::vector<ServerRow> set_groups(const std::vector<ForwardGroup>& groups,
                                    const TlsContexts& contexts, const OwnAddresses& own);
  void set_stale_after(std::chrono::milliseconds time) { options_.stale_after = time; }
  void ask(ForwardQuestion question, std::shared_ptr<Waiter> waiter, Errand errand = {});
  void nonce_came_back(std::uint64_t nonce);

 private:
  struct Running {
    std::shared_ptr<Fetch> fetch;
    Bytes key;   // of identical questions
    Bytes zone;  // that it counts for
  };
  using Servers = std::unordered_map<std::string, std::shared_ptr<Server>>;

  void on_answer(Server& server, Ticket ticket, std::string_view message, bool late) override;
  void on_silence(Server& server, Ticket ticket) override;
  void on_failure(Server& server, Ticket ticket) override;

  void ended(Ticket ticket) override;
  std::shared_ptr<Server> delegated_server(const std::string& address, const Name& zone,
                                           Reach nearest) override;
  bool is_known_inside(const ForwardQuestion& question, const Name& zone) override;
  void ask_for(ForwardQuestion question, const Errand& errand, Waiter::Done done) override;

  // What our own zones know of a name, unless a group knows it better.
  OwnZones::Found look_up_own(const ForwardQuestion& question, const ServerGroup* group) const;
  std::shared_ptr<Server> server(const Upstream& upstream, const Name& zone,
                                 const TlsContexts& contexts, Servers& servers);
  std::shared_ptr<Fetch> find(Ticket ticket) const;
  bool may_join(const Fetch& running, const Errand& errand) const;
  void begin(Fetch::Start start, const Name& zone, Bytes key, std::shared_ptr<Waiter> waiter);
  std::int64_t now_ms() const;  // as the cache counts

  dsl::net::Loop& loop_;
  ForwardOptions options_;
  RandomPool random_;
  std::unique_ptr<EventSource> told_;  // null: nobody is
  const Server::Shared for_servers_;
  const Fetch::Shared for_fetches_;

  // By their texts and authorities: one that is in several groups has one state.
  Servers servers_;
  BySuffix<std::shared_ptr<const ServerGroup>> groups_;
  OwnAddresses own_;
  DelegatedServers delegated_;
  std::atomic<std::size_t> errands_{0};  // under way
  Ticket last_ticket_ = 0;
  std::unordered_map<Ticket, Running> running_;
  std::unordered_map<Bytes, Ticket> by_key_;
  std::unordered_map<Bytes, std::size_t> by_zone_;
  std::vector<std::shared_ptr<Fetch>> ended_;  // that may still be at work
};

}  // namespace mcns
