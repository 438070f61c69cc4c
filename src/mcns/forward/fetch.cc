#include "mcns/forward/fetch.h"

#include <algorithm>
#include <utility>

#include "mcns/forward/clean.h"
#include "mcns/forward/stale.h"
#include "mcns/wire/octets.h"

namespace mcns {
namespace {

using dsl::env::MonoTime;

// One question of so many goes to another upstream than the fastest: that may have changed.
constexpr std::size_t kExploreEvery = 32;
constexpr std::uint8_t kResponse = 0x80;  // header octet 2
constexpr std::uint8_t kRecursionDesired = 0x01;
constexpr std::uint8_t kRecursionAvailable = 0x80;  // header octet 3
constexpr std::uint8_t kCheckingDisabled = 0x10;
constexpr std::size_t kCounts = 6;  // of records, in the header
constexpr std::size_t kCountsSize = 6;

template <class List>
bool contains(const List& list, const Server& server) {
  return std::find(list.begin(), list.end(), &server) != list.end();
}

bool any_usable(const std::vector<std::shared_ptr<Server>>& servers) {
  return std::any_of(servers.begin(), servers.end(),
                     [](const auto& server) { return server->health().usable(); });
}

std::string out_of_reach(const Server& server) {
  return server.trouble().empty() ? "cannot be reached"
                                  : dsl::text("cannot be reached: {}", server.trouble());
}

std::int64_t milliseconds(dsl::env::MonoTime::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

Waiter::~Waiter() {
  if (done_) {
    tell({.error = ExtendedError::kNotReady, .detail = "this server is going down"});
  }
}

void Waiter::tell(const ForwardAnswer& answer) {
  const Done done = std::exchange(done_, {});
  --count_;
  done(answer);
}

Fetch::Fetch(const Shared& shared, Ticket ticket, Start start)
    : shared_(shared),
      ticket_(ticket),
      question_(std::move(start.question)),
      group_(std::move(start.group)),
      packet_(make_packet(question_, {}, group_ ? Role::kResolver : Role::kServer)),
      started_(shared.loop.now()),
      ends_(std::min(started_ + shared.options.timeout_total, start.errand.until)),
      generation_(start.generation),
      own_(std::move(start.own)),
      errand_(std::move(start.errand)),
      timer_(shared.loop, [this] { time_passed(); }) {
  const ParseResult parsed = parse_query(*packet_, query_);
  MC_ASSERT(parsed == ParseResult::kOk, "what we send is a query");
}

void Fetch::join(std::shared_ptr<Waiter> waiter) {
  waiters_.push_back(std::move(waiter));
  if (stale_due_) {
    (void)give_stale();  // without one the new waiter waits as the others do
  }
}

void Fetch::start() {
  if (group_) {
    advance();
    return;
  }
  if (own_.kind == OwnZones::Found::Kind::kDelegated) {
    descent_.emplace(std::move(own_.delegation));
    use_known_servers();
    advance();
    return;
  }
  if (own_.target) {
    follow(std::move(own_.message), *std::move(own_.target), std::move(own_.alias), true);
    return;
  }
  give({.rcode = own_.message.rcode,
        .message = own_.message.encode(),
        .of_zones = true,
        .detail = "our own zones"});
  end();
}

void Fetch::on_answer(Server& server, std::string_view message, bool late) {
  waiting_ -= late ? 0 : 1;
  if (ended_ || chain_) {
    return;
  }
  if (descent_) {
    on_child_answer(server, message);
    return;
  }
  CleanAnswer clean = clean_answer(question_, message, server.is_authenticated());
  if (clean.kind == CleanAnswer::Kind::kGood) {
    if (question_.whole_chain && follow_open_end(server, clean.message)) {
      return;
    }
    succeed(clean.rcode, std::move(clean.message), told_by(server));
    return;
  }
  if (clean.error) {
    error_ = *clean.error;
  }
  exhausted(server, clean.kind == CleanAnswer::Kind::kFailed ? "said " + text(clean.rcode)
                                                             : "sent a malformed answer");
}

void Fetch::on_silence(Server& server) {
  --waiting_;
  if (ended_ || chain_) {
    return;
  }
  last_failure_ = server.text() + " did not answer";
  advance();
}

void Fetch::on_failure(Server& server) {
  --waiting_;
  if (!ended_ && !chain_) {
    exhausted(server, out_of_reach(server));
  }
}

void Fetch::exhausted(Server& server, std::string_view what) {
  last_failure_ = dsl::text("{} {}", server.text(), what);
  exhausted_.push_back(&server);
  advance();
}

// Asks whom there is to ask now; the end, when nobody is left and no answer is under way.
void Fetch::advance() {
  try_out_those_down();
  bool sent = false;
  Server* server = next_server();
  if (server == nullptr && waiting_ == 0 && look_up_next_host()) {
    wait();
    return;
  }
  if (server == nullptr && waiting_ == 0) {
    asked_.clear();  // those that were only silent: a datagram may be lost
    server = next_server();
  }
  for (; server != nullptr; server = next_server()) {
    asked_.push_back(server);
    asked_at_[server] = descent_ ? descent_->step() : 0;
    if (!server->ask(ticket_, packet_, group_->random_case)) {
      last_failure_ = dsl::text("{} {}", server->text(), out_of_reach(*server));
      exhausted_.push_back(server);
      continue;
    }
    ++waiting_;
    sent = true;
    hedge_at_ = shared_.loop.now() + server->health().hedge_after();
    if (group_->policy != ForwardPolicy::kParallel) {
      break;
    }
  }
  if (!sent) {
    hedge_at_ = MonoTime::max();
  }
  if (waiting_ == 0 && !look_up_next_host()) {
    fail(why_nobody());
    return;
  }
  wait();
}

// Whoever is down may have come back, and this question is one that it may be able to answer. The
// fallback ones get to see it only if they could be asked.
void Fetch::try_out_those_down() const {
  for (const auto& server : group_->servers) {
    server->try_out(packet_);
  }
  if (!any_usable(group_->servers)) {
    for (const auto& server : group_->fallback) {
      server->try_out(packet_);
    }
  }
}

// The fallback ones only while all others are down; suspects only when there is nobody else, since
// their breaker may have opened for these very questions.
Server* Fetch::next_server() const {
  const bool normal = any_usable(group_->servers);
  const bool fallback = !normal && any_usable(group_->fallback);
  const bool even_suspect = !normal && !fallback;
  std::vector<Server*> left;
  const auto add = [&](const Servers& servers) {
    for (const auto& server : servers) {
      if (may_be_asked(*server, even_suspect)) {
        left.push_back(server.get());
      }
    }
  };
  if (normal || even_suspect) {
    add(group_->servers);
  }
  if (fallback || even_suspect) {
    add(group_->fallback);
  }
  if (left.empty()) {
    return nullptr;
  }
  if (group_->policy != ForwardPolicy::kFastest) {
    return left.front();
  }
  if (shared_.random.below(kExploreEvery) == 0) {
    return left[shared_.random.below(left.size())];
  }
  return *std::min_element(left.begin(), left.end(), [](const Server* a, const Server* b) {
    return a->health().rtt_ms() < b->health().rtt_ms();
  });
}

bool Fetch::may_be_asked(const Server& server, bool even_suspect) const {
  const Health& health = server.health();
  return (health.usable() || (even_suspect && health.state() == Health::State::kSuspect)) &&
         !contains(asked_, server) && !contains(exhausted_, server);
}

void Fetch::wait() {
  MonoTime next = std::min(hedge_at_, ends_);
  if (!stale_due_) {
    next = std::min(next, started_ + shared_.options.stale_after);
  }
  timer_.set(next);
}

void Fetch::time_passed() {
  const MonoTime now = shared_.loop.now();
  if (now >= ends_) {
    fail(dsl::text("no answer within {} ms", milliseconds(ends_ - started_)));
    return;
  }
  if (!stale_due_ && now >= started_ + shared_.options.stale_after) {
    // RFC 8767 section 5: before the client gives up.
    stale_due_ = true;
    (void)give_stale();  // without one everybody waits on
  }
  if (now >= hedge_at_) {
    advance();
    return;
  }
  wait();
}

void Fetch::succeed(Rcode rcode, Bytes message, std::string detail) {
  shared_.cache.bound_ttls(query_, message);
  shared_.cache.insert(query_, message, now_ms(), generation_);
  give({.rcode = rcode, .message = std::move(message), .detail = std::move(detail)});
  end();
}

std::string Fetch::told_by(const Server& server) const {
  return dsl::text("{}{} after {} ms", server.text(),
                   descent_ ? ", which serves " + descent_->zone().text() + "," : "",
                   milliseconds(shared_.loop.now() - started_));
}

std::string Fetch::why_nobody() const {
  if (!last_failure_.empty()) {
    return last_failure_;
  }
  if (descent_ && group_->servers.empty()) {
    return dsl::text(descent_->known_addresses().empty()
                         ? "no address of a server of {} is known"
                         : "nobody is to be asked at the addresses of the servers of {}",
                     group_->zone.text());
  }
  return dsl::text("every {} of {} is down", descent_ ? "server" : "upstream", group_->zone.text());
}

void Fetch::fail(std::string why) {
  if (!give_stale()) {
    keep_failure();
    give({.rcode = Rcode::kServFail, .error = error_, .detail = std::move(why)});
  }
  end();
}

// RFC 9520 section 3.1: who cannot be told now is not asked for again at once. The cache keeps it
// when [cache] failure_ttl says so.
void Fetch::keep_failure() {
  Bytes message = packet_->substr(0, kHeaderSize + query_.question_size);
  message[2] = static_cast<char>(kResponse | kRecursionDesired);
  message[3] = static_cast<char>(kRecursionAvailable | (query_.flags2 & kCheckingDisabled) |
                                 static_cast<unsigned>(Rcode::kServFail));
  message.replace(kCounts, kCountsSize, kCountsSize, '\0');
  shared_.cache.insert(query_, message, now_ms(), generation_);
}

bool Fetch::give_stale() {
  const auto answer = stale_answer(shared_.cache, query_, now_ms());
  if (answer) {
    give(*answer);
  }
  return answer.has_value();
}

std::int64_t Fetch::now_ms() const {
  return milliseconds(shared_.clock.mono_now().time_since_epoch());
}

void Fetch::give(const ForwardAnswer& answer) {
  for (const auto& waiter : std::exchange(waiters_, {})) {
    waiter->tell(answer);
  }
}

void Fetch::end() {
  ended_ = true;
  timer_.set(MonoTime::max());
  shared_.owner.ended(ticket_);
}

}  // namespace mcns
