#include "mcns/forward/engine.h"

#include <algorithm>
#include <utility>

#include "mcns/forward/stale.h"

namespace mcns {
namespace {

// Whoever asks the same gets the same answer. With the hops: a question that comes back to us by
// way of another server must not wait for itself; and with the depth, for one that needs itself.
Bytes key_of(const ForwardQuestion& question, int depth) {
  Bytes key = question.name.lower();
  for (const auto number : {static_cast<std::uint16_t>(question.type),
                            static_cast<std::uint16_t>(question.dns_class)}) {
    key += static_cast<char>(number >> 8U);
    key += static_cast<char>(number & 0xffU);
  }
  key += question.dnssec_ok ? 'D' : 'd';
  key += question.checking_disabled ? 'C' : 'c';
  key += question.whole_chain ? 'W' : 'w';
  key += static_cast<char>(question.hops);
  key += static_cast<char>(depth);
  return key;
}

// What a flood of random names has in common: two labels, or one below the group's zone.
Bytes zone_of(const Name& name, const Name& group) {
  return name.suffix(std::max<std::size_t>(2, group.label_count() + 1)).lower();
}

ForwardAnswer refusal(ExtendedError error, std::string why) {
  return {.error = error, .detail = std::move(why)};
}

}  // namespace

Engine::Engine(dsl::net::Loop& loop, dsl::env::Env& env, Cache& cache, Nonces& nonces,
               const ForwardOptions& options)
    : loop_(loop),
      options_(options),
      random_(env.random()),
      told_(options.events == nullptr ? nullptr : std::make_unique<EventSource>(*options.events)),
      for_servers_{loop, random_, nonces, *this, options_, told_.get()},
      for_fetches_{loop, env.clock(), cache, random_, options_, *this},
      delegated_(for_servers_) {}

Engine::~Engine() {
  // Each tells those who wait, which may be another one.
  for (const auto& [ticket, running] : running_) {
    running.fetch->abandon();
  }
}

std::vector<ServerRow> Engine::set_groups(const std::vector<ForwardGroup>& groups,
                                          const TlsContexts& contexts, const OwnAddresses& own) {
  Servers servers;
  BySuffix<std::shared_ptr<const ServerGroup>> by_suffix;
  std::vector<ServerRow> rows;
  for (const ForwardGroup& group : groups) {
    auto made = std::make_shared<ServerGroup>();
    made->zone = group.zone;
    made->policy = group.policy;
    made->random_case = group.random_case;
    const auto add = [&](const std::vector<Upstream>& upstreams, bool fallback) {
      for (const Upstream& upstream : upstreams) {
        auto member = server(upstream, group.zone, contexts, servers);
        rows.push_back({member->text(), group.zone.text(), fallback, member->figures()});
        (fallback ? made->fallback : made->servers).push_back(std::move(member));
      }
    };
    add(group.upstreams, false);
    add(group.fallback, true);
    by_suffix.set(group.zone, std::move(made));
  }
  // Those that are gone live on in the questions that they were asked.
  servers_ = std::move(servers);
  groups_ = std::move(by_suffix);
  own_ = own;
  for_fetches_.cache.forget_pending();
  return rows;
}

std::shared_ptr<Server> Engine::server(const Upstream& upstream, const Name& zone,
                                       const TlsContexts& contexts, Servers& servers) {
  const std::string key = upstream.text() + ' ' + upstream.ca_cert;
  std::shared_ptr<Server>& place = servers[key];
  if (place) {
    return place;
  }
  const auto context = contexts.find(tls_key(upstream));
  const dsl::tls::Context trusted = context == contexts.end() ? nullptr : context->second;
  if (const auto known = servers_.find(key); known != servers_.end()) {
    place = known->second;
    place->trust(trusted);
    place->forget_question();
  } else {
    place = std::make_shared<Server>(for_servers_, upstream, zone, trusted);
  }
  return place;
}

void Engine::ask(ForwardQuestion question, std::shared_ptr<Waiter> waiter, Errand errand) {
  const auto* group = groups_.find(question.name);
  const std::uint64_t generation = question.generation.value_or(for_fetches_.cache.generation());
  OwnZones::Found own = look_up_own(question, group == nullptr ? nullptr : group->get());
  const bool is_own = own.kind != OwnZones::Found::Kind::kNotOurs;
  const bool may_be_kept = !is_own || own.kind == OwnZones::Found::Kind::kDelegated;
  if (may_be_kept && errand.depth > 0) {
    if (const auto kept = fresh_answer(for_fetches_.cache, question, now_ms())) {
      waiter->tell(*kept);
      return;
    }
  }
  if (!is_own && group == nullptr) {
    waiter->tell(refusal(ExtendedError::kNoReachableAuthority,
                         dsl::text("no upstream is configured for {}", question.name.text())));
    return;
  }
  if (question.hops >= options_.hops_max) {
    waiter->tell(refusal(ExtendedError::kNoReachableAuthority,
                         dsl::text("the question was passed on {} times: a loop", question.hops)));
    return;
  }
  Bytes key = key_of(question, errand.depth);
  if (const auto same = by_key_.find(key); same != by_key_.end()) {
    if (const auto running = find(same->second); may_join(*running, errand)) {
      running->join(std::move(waiter));
      return;
    }
  }
  const Name zone = is_own ? own.delegation.zone : (*group)->zone;
  begin({.question = std::move(question),
         .group = is_own ? nullptr : *group,
         .own = std::move(own),
         .generation = generation,
         .errand = std::move(errand)},
        zone, std::move(key), std::move(waiter));
}

// The lookup of a server ends long before the end of a chain has to be known, which must not fail
// with it. Of those that are alike one began a little earlier.
bool Engine::may_join(const Fetch& running, const Errand& errand) const {
  const auto now = loop_.now();
  return errand.depth == 0 || running.ends() - now >= (errand.until - now) / 2;
}

OwnZones::Found Engine::look_up_own(const ForwardQuestion& question,
                                    const ServerGroup* group) const {
  using Kind = OwnZones::Found::Kind;
  if (!question.below_cut || options_.own_zones == nullptr) {
    return {};
  }
  OwnZones::Found own = options_.own_zones->find(question);
  const bool group_knows =
      group != nullptr &&
      ((own.kind == Kind::kDelegated && group->zone.is_within(own.delegation.zone)) ||
       (own.kind == Kind::kSpecial && !group->zone.is_root()));
  return group_knows ? OwnZones::Found() : own;
}

bool Engine::is_known_inside(const ForwardQuestion& question, const Name& zone) {
  using Kind = OwnZones::Found::Kind;
  const auto* group = groups_.find(question.name);
  if (group != nullptr && (*group)->zone.is_within(zone)) {
    return true;
  }
  const OwnZones::Found own = options_.own_zones->find(question);
  return own.kind == Kind::kOurs ||
         (own.kind == Kind::kDelegated && own.delegation.zone.is_within(zone) &&
          own.delegation.zone != zone);
}

void Engine::ask_for(ForwardQuestion question, const Errand& errand, Waiter::Done done) {
  loop_.post([this, question = std::move(question), done = std::move(done), errand]() mutable {
    ask(std::move(question), std::make_shared<Waiter>(std::move(done), errands_),
        std::move(errand));
  });
}

std::shared_ptr<Server> Engine::delegated_server(const std::string& address, const Name& zone,
                                                 Reach nearest) {
  if (reach_of(address) < nearest) {
    return nullptr;
  }
  const auto at =
      dsl::env::parse_socket_address(dsl::env::join_host_port(address, options_.delegated_port));
  if (!at || own_.has(*at)) {
    return nullptr;  // a question to ourselves would come back with the same referral
  }
  return delegated_.get(*at, zone);
}

void Engine::begin(Fetch::Start start, const Name& zone, Bytes key,
                   std::shared_ptr<Waiter> waiter) {
  Bytes flooded = zone_of(start.question.name, zone);
  std::size_t& count = by_zone_[flooded];
  if (count >= options_.inflight_per_zone_max) {
    // RFC 8767 section 5: nobody is asked, which is as good as nobody who answers.
    if (const auto stale = stale_answer(for_fetches_.cache, start.question, now_ms())) {
      waiter->tell(*stale);
      return;
    }
    waiter->tell(refusal(ExtendedError::kNetworkError,
                         dsl::text("{} questions of one zone are under way", count)));
    return;
  }
  ++count;
  const Ticket ticket = ++last_ticket_;
  auto fetch = std::make_shared<Fetch>(for_fetches_, ticket, std::move(start));
  by_key_[key] = ticket;
  running_[ticket] = {fetch, std::move(key), std::move(flooded)};
  fetch->join(std::move(waiter));
  fetch->start();
}

std::int64_t Engine::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             for_fetches_.clock.mono_now().time_since_epoch())
      .count();
}

std::shared_ptr<Fetch> Engine::find(Ticket ticket) const {
  const auto found = running_.find(ticket);
  return found == running_.end() ? nullptr : found->second.fetch;
}

void Engine::on_answer(Server& server, Ticket ticket, std::string_view message, bool late) {
  if (const auto fetch = find(ticket)) {
    fetch->on_answer(server, message, late);
  }
}

void Engine::on_silence(Server& server, Ticket ticket) {
  if (const auto fetch = find(ticket)) {
    fetch->on_silence(server);
  }
}

void Engine::on_failure(Server& server, Ticket ticket) {
  if (const auto fetch = find(ticket)) {
    fetch->on_failure(server);
  }
}

void Engine::ended(Ticket ticket) {
  const auto found = running_.find(ticket);
  MC_ASSERT(found != running_.end(), "a fetch ends once");
  Running running = std::move(found->second);
  running_.erase(found);
  if (const auto same = by_key_.find(running.key);
      same != by_key_.end() && same->second == ticket) {
    by_key_.erase(same);  // else one with more time has its place
  }
  const auto zone = by_zone_.find(running.zone);
  if (--zone->second == 0) {
    by_zone_.erase(zone);
  }
  // It is at work, and so may be its timer and its servers.
  ended_.push_back(std::move(running.fetch));
  if (ended_.size() == 1) {
    loop_.post([this] { ended_.clear(); });
  }
}

void Engine::nonce_came_back(std::uint64_t nonce) {
  for (const auto& [text, server] : servers_) {
    server->nonce_came_back(nonce);
  }
}

}  // namespace mcns
