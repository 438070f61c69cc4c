#include "mcns/forward/server.h"

#include <algorithm>
#include <utility>

#include "dsl/log/log.h"
#include "mcns/forward/https_line.h"
#include "mcns/forward/letter_case.h"
#include "mcns/forward/tcp_line.h"
#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

using dsl::Result;
using dsl::env::MonoTime;

const dsl::log::Logger kLogger("forward");

constexpr std::uint8_t kTruncated = 0x02;  // header octet 2
// One may be a forged answer; so many in a row, with none between that kept the case, are not.
constexpr int kOtherCaseMax = 3;
constexpr std::chrono::minutes kLowerCaseFor{10};
constexpr std::size_t kSocketsOfServer = 4;  // of delegated zones, of which there may be many

dsl::env::SocketAddress socket_address(const Upstream& upstream) {
  auto address =
      dsl::env::parse_socket_address(dsl::env::join_host_port(upstream.address, upstream.port));
  MC_ASSERT(address, "an upstream has been checked before it is used");
  return *address;
}

HealthOptions health_options(const ForwardOptions& options) {
  return {.backoff_first = options.probe_first,
          .backoff_max = options.probe_max,
          .probe_every = options.probe_every,
          .hedge_min = options.hedge_min};
}

std::optional<TlsPeer> tls_peer(const Upstream& upstream, const dsl::tls::Context& context) {
  if (!upstream.has_tls()) {
    return std::nullopt;
  }
  return TlsPeer{context, upstream.name.empty() ? upstream.address : upstream.name};
}

// RFC 9110 section 7.2: without the port that is https's own.
std::string authority_of(const Upstream& upstream) {
  constexpr std::uint16_t kHttpsPort = 443;
  const std::string host = upstream.name.empty() ? upstream.address : upstream.name;
  const std::string whole = dsl::env::join_host_port(host, upstream.port);
  return upstream.port == kHttpsPort ? whole.substr(0, whole.rfind(':')) : whole;
}

std::unique_ptr<StreamLine> make_line(const Server::Shared& shared, const Upstream& upstream,
                                      const dsl::tls::Context& context, ChannelEvents& events) {
  StreamLine::Place place{shared.loop, socket_address(upstream), shared.options.attempt_timeout,
                          tls_peer(upstream, context)};
  if (upstream.transport == Upstream::Transport::kHttps) {
    return std::make_unique<HttpsLine>(
        std::move(place), Http2Asker::Target{authority_of(upstream), upstream.path}, events);
  }
  return std::make_unique<TcpLine>(std::move(place), shared.random, events);
}

}  // namespace

std::string ServerFigures::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void ServerFigures::set_trouble(const std::string& why) {
  const std::lock_guard lock(mutex_);
  trouble_ = why;
}

void Nonces::replace(std::uint64_t old_nonce, std::uint64_t new_nonce) {
  const std::lock_guard lock(mutex_);
  nonces_.erase(old_nonce);
  if (new_nonce != 0) {
    nonces_.insert(new_nonce);
  }
}

bool Nonces::contains(std::uint64_t nonce) const {
  const std::lock_guard lock(mutex_);
  return nonces_.contains(nonce);
}

Server::Server(const Shared& shared, const Upstream& upstream, Name probe_name,
               const dsl::tls::Context& context, Role role)
    : shared_(shared),
      upstream_(upstream),
      text_(upstream.text()),
      probe_name_(std::move(probe_name)),
      role_(role),
      health_(health_options(shared.options)),
      udp_(shared.loop, socket_address(upstream), shared.random,
           role == Role::kResolver ? shared.options.sockets_per_upstream : kSocketsOfServer, *this),
      line_(make_line(shared, upstream, context, *this)),
      timer_(shared.loop, [this] { time_passed(); }),
      probe_timer_(shared.loop, [this] { probe(); }) {
  if (role_ == Role::kResolver) {
    probe_timer_.set(shared.loop.now());
  }
}

Server::~Server() { shared_.nonces.replace(probe_nonce_, 0); }

bool Server::ask(Ticket ticket, const Packet& packet, bool random_case) {
  ++figures_->asked;
  if (send({.ticket = ticket,
            .packet = packet,
            .over_tcp = has_line(),
            .random_case = random_case && !has_line(),
            .lower_case = random_case && !has_line() && !keeps_case()})) {
    return true;
  }
  note_failure(false);
  return false;
}

void Server::try_out(const Packet& packet) {
  if (trial_due_ && health_.state() == Health::State::kDown) {
    trial_due_ = false;
    (void)send({.ticket = kTrial, .packet = packet, .over_tcp = has_line()});  // else the next one
  }
}

void Server::forget_question() {
  known_.reset();
  asks_known_ = false;
}

void Server::trust(const dsl::tls::Context& context) {
  if (is_authenticated()) {
    line_->trust(context);
  }
}

bool Server::keeps_case() const { return shared_.loop.now() >= lower_case_until_; }

bool Server::send(Sent sent) {
  const Attempt attempt = ++last_attempt_;
  sent.at = shared_.loop.now();
  if (const auto done = send_once(attempt, sent); !done) {
    note_trouble(done.error().message());
    return false;
  }
  tell(sent, {});
  until_silent_.emplace_back(sent.at, attempt);
  until_forgotten_.emplace_back(sent.at, attempt);
  sent_.emplace(attempt, std::move(sent));
  wait();
  return true;
}

Result<void> Server::send_once(Attempt attempt, Sent& sent) {
  Packet packet = sent.lower_case ? with_lower_case(sent.packet) : sent.packet;
  if (sent.over_tcp) {
    MC_ASSIGN(sent.on_line,
              line_->send(attempt, is_authenticated() ? sealed_packet(packet) : packet));
    return {};
  }
  if (sent.random_case && !sent.lower_case) {
    MC_ASSIGN(sent.udp,
              udp_.send(attempt, with_random_case(packet, shared_.random), LetterCase::kRandom));
    return {};
  }
  MC_ASSIGN(sent.udp, udp_.send(attempt, packet));
  return {};
}

void Server::on_message(Attempt attempt, std::string_view message) {
  const auto found = sent_.find(attempt);
  MC_ASSERT(found != sent_.end(), "what is outstanding in a channel is known");
  const Sent sent = std::move(found->second);
  sent_.erase(found);
  tell(sent, message);
  const bool truncated = (read8(message, 2) & kTruncated) != 0;
  health_.answered(shared_.loop.now() - sent.at);
  trial_due_ = false;
  if (sent.ticket != kProbe && !sent.silent) {
    known_ = sent.packet;
  }
  note_trouble({});
  if (sent.random_case && !sent.lower_case) {
    other_case_ = 0;
  }
  // RFC 7766 section 5: what does not fit is asked over TCP. We have learned enough.
  if (truncated && !sent.over_tcp && !is_own(sent.ticket)) {
    publish();
    if (!ask_over_tcp(sent)) {
      failed(sent);
    }
    return;
  }
  answered(sent, message);
}

// A forged answer, or a server that writes names its own way: over a connection nobody can forge.
void Server::on_other_case(Attempt attempt) {
  const auto found = sent_.find(attempt);
  MC_ASSERT(found != sent_.end(), "what is outstanding in a channel is known");
  Sent sent = std::move(found->second);
  sent_.erase(found);
  ++figures_->other_case;
  if (++other_case_ >= kOtherCaseMax && keeps_case()) {
    lower_case_until_ = shared_.loop.now() + kLowerCaseFor;
    other_case_ = 0;
    kLogger.warn("an upstream does not keep the case of letters: it is asked in lower case",
                 {{"upstream", text_}});
  }
  sent.lower_case = true;
  if (!ask_over_tcp(sent) && !send(sent)) {
    failed(sent);
  }
}

void Server::tell(const Sent& sent, std::string_view answer) const {
  if (shared_.told == nullptr || !shared_.told->is_tapped()) {
    return;
  }
  EventHead head;
  head.kind = EventHead::Kind::kUpstream;
  head.readers = EventHead::kTap;
  head.stream = sent.over_tcp;
  head.peer = EventAddress::of(*socket_address(upstream_).raw());
  head.asked_ns = std::chrono::nanoseconds(sent.at.time_since_epoch()).count();
  head.took_ns = std::chrono::nanoseconds(shared_.loop.now() - sent.at).count();
  head.response_bytes = static_cast<std::uint32_t>(answer.size());
  const Bytes query =
      answer.empty()
          ? with_id(sent.packet, sent.over_tcp ? line_->message_id(sent.on_line) : sent.udp.id)
          : Bytes();
  shared_.told->put(head, query, query.size(), answer);
}

bool Server::ask_over_tcp(Sent sent) {
  sent.over_tcp = true;
  return send(std::move(sent));
}

void Server::answered(const Sent& sent, std::string_view message) {
  if (sent.ticket == kTrial) {
    publish();
    return;
  }
  if (sent.ticket != kProbe) {
    publish();
    shared_.events.on_answer(*this, sent.ticket, message, sent.silent);
    return;
  }
  if (!probe_came_back_) {
    health_.left_loop();
  }
  publish();
  if (!sent.silent) {
    probe_ended();
  }
}

void Server::on_broken(const std::vector<Attempt>& attempts, bool stale, const std::string& why) {
  std::vector<Sent> lost;
  for (const Attempt attempt : attempts) {
    const auto found = sent_.find(attempt);
    MC_ASSERT(found != sent_.end(), "what is outstanding in a channel is known");
    lost.push_back(std::move(found->second));
    sent_.erase(found);
  }
  // RFC 7766 section 6.2.4: the questions are asked again over a new connection, once.
  const bool noted = stale || std::all_of(lost.begin(), lost.end(), [](const Sent& sent) {
                       return sent.silent || is_own(sent.ticket);
                     });
  if (!stale) {
    note_trouble(why);
  }
  if (!noted) {
    note_failure(false);
  }
  for (Sent& sent : lost) {
    if (!ask_otherwise(sent, stale)) {
      failed(sent);
    }
  }
}

bool Server::ask_otherwise(Sent& sent, bool stale) {
  if (stale && !sent.again && !sent.silent) {
    sent.again = true;
    return send(sent);
  }
  // It was asked over TCP for the case of its letters alone, and that is a wish.
  if (sent.lower_case && sent.over_tcp && !sent.again) {
    sent.again = true;
    sent.over_tcp = false;
    return send(sent);
  }
  return false;
}

void Server::note_trouble(const std::string& why) {
  if (why != trouble_) {
    trouble_ = why;
    figures_->set_trouble(why);
  }
}

// Tells whoever does not know yet.
void Server::failed(const Sent& sent) {
  if (sent.silent || sent.ticket == kTrial) {
    return;
  }
  if (sent.ticket == kProbe) {
    note_failure(true);
    probe_ended();
    return;
  }
  shared_.events.on_failure(*this, sent.ticket);
}

void Server::note_failure(bool probe) {
  const bool was_usable = health_.usable();
  if (probe) {
    health_.probe_failed();
    asks_known_ = !asks_known_ && known_ != nullptr;
  } else {
    health_.failed();
    ++figures_->failed;
  }
  publish();
  if (was_usable && !health_.usable() && !probing_) {
    probe_timer_.set(shared_.loop.now());
  }
}

void Server::wait() {
  MonoTime next = MonoTime::max();
  if (!until_silent_.empty()) {
    next = until_silent_.front().first + shared_.options.attempt_timeout;
  }
  if (!until_forgotten_.empty()) {
    next = std::min(next, until_forgotten_.front().first + shared_.options.timeout_total);
  }
  timer_.set(next);
}

void Server::time_passed() {
  const MonoTime now = shared_.loop.now();
  while (!until_silent_.empty() &&
         until_silent_.front().first + shared_.options.attempt_timeout <= now) {
    const Attempt attempt = until_silent_.front().second;
    until_silent_.pop_front();
    silence(attempt);
  }
  while (!until_forgotten_.empty() &&
         until_forgotten_.front().first + shared_.options.timeout_total <= now) {
    const Attempt attempt = until_forgotten_.front().second;
    until_forgotten_.pop_front();
    forget(attempt);
  }
  wait();
}

void Server::silence(Attempt attempt) {
  const auto found = sent_.find(attempt);
  if (found == sent_.end() || found->second.silent) {
    return;
  }
  found->second.silent = true;
  const Ticket ticket = found->second.ticket;
  const bool over_tcp = found->second.over_tcp;
  const MonoTime at = found->second.at;
  if (ticket != kTrial) {
    note_failure(ticket == kProbe);
  }
  if (over_tcp) {
    line_->doubt(at);
  }
  if (ticket == kTrial) {
    return;
  }
  if (ticket == kProbe) {
    probe_ended();
  } else {
    shared_.events.on_silence(*this, ticket);
  }
}

void Server::forget(Attempt attempt) {
  const auto found = sent_.find(attempt);
  if (found == sent_.end()) {
    return;
  }
  const Sent sent = std::move(found->second);
  sent_.erase(found);
  if (sent.over_tcp) {
    line_->forget(sent.on_line);
  } else {
    udp_.forget(sent.udp);
  }
}

void Server::probe() {
  if (probing_) {
    return;  // its end decides about the next one
  }
  probing_ = true;
  probe_came_back_ = false;
  const std::uint64_t nonce = shared_.random.next() | 1U;
  shared_.nonces.replace(probe_nonce_, nonce);
  probe_nonce_ = nonce;
  // One question of clients a backoff: that of the probe, or one that is tried out.
  trial_due_ = health_.state() == Health::State::kDown && !asks_known_;
  const Packet packet = make_packet(probe_question(), nonce, role_);
  if (!send({.ticket = kProbe, .packet = packet, .over_tcp = has_line()})) {
    note_failure(true);
    probe_ended();
  }
}

ForwardQuestion Server::probe_question() const {
  if (!asks_known_) {
    return {.name = probe_name_, .type = Type::kNs};
  }
  Query query;
  const bool is_whole = read_question(*known_, query);
  auto name = Name::from_wire(query.name.wire);
  MC_ASSERT(is_whole && name, "what we sent is a question");
  return {.name = *std::move(name), .type = query.type, .dns_class = query.dns_class};
}

void Server::probe_ended() {
  probing_ = false;
  if (role_ == Role::kResolver || !health_.usable()) {
    probe_timer_.set(shared_.loop.now() + health_.probe_pause());
  }
}

void Server::nonce_came_back(std::uint64_t nonce) {
  if (nonce != probe_nonce_) {
    return;
  }
  probe_came_back_ = true;
  if (health_.state() != Health::State::kLoop) {
    kLogger.error("an upstream is this very server: it is not asked any more",
                  {{"upstream", text_}});
  }
  health_.found_loop();
  publish();
}

void Server::publish() {
  const Health::State before = figures_->state.exchange(health_.state());
  figures_->rtt_ms = health_.rtt_ms();
  if (before == health_.state()) {
    return;
  }
  if (health_.state() == Health::State::kDown) {
    kLogger.warn("an upstream does not answer", {{"upstream", text_}, {"trouble", trouble_}});
  } else if (health_.state() == Health::State::kUp && before == Health::State::kDown) {
    kLogger.info("an upstream answers again", {{"upstream", text_}});
  }
}

}  // namespace mcns
