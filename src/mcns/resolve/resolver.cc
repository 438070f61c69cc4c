#include "mcns/resolve/resolver.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <netinet/in.h>

#include "dsl/env/env.h"
#include "dsl/env/socket_address.h"
#include "dsl/result/result.h"
#include "mcns/cache/scan.h"
#include "mcns/forward/loop_options.h"
#include "mcns/rrl/classify.h"
#include "mcns/special/special.h"
#include "mcns/wire/message.h"

namespace mcns {
namespace {

constexpr std::size_t kSections = 3;  // of records
constexpr std::uint8_t kResponse = 0x80;
constexpr std::uint8_t kTruncated = 0x02;
constexpr std::uint8_t kRecursionAvailable = 0x80;
constexpr std::uint8_t kAuthenticData = 0x20;
constexpr std::string_view kEverythingElse = ".";  // the group of names that no other group has

// A packet that asks for `target` as `query` asks for its own name.
Bytes ask_for(const Query& query, std::string_view target) {
  Bytes packet(kHeaderSize, '\0');
  packet[2] = 0x01;  // RD
  packet[3] = static_cast<char>(query.flags2 & 0x10U);
  packet[5] = 1;
  packet += target;
  packet.append(query.name.wire.data() + query.name.wire.size(), 4);  // type and class
  return packet;
}

std::optional<ExtendedError> extended_of(const ForwardAnswer& answer) {
  const bool failed = answer.message.empty() || answer.rcode == Rcode::kServFail;
  return failed || answer.stale ? std::optional(answer.error) : std::nullopt;
}

// RFC 6840 section 5.8: the AD bit is for who asks for it. The forwarder leaves it to upstreams
// that have proven who they are; what is past its time nobody vouches for.
unsigned authentic_data(const Query& query, const ForwardAnswer& answer) {
  const bool is_wanted = query.edns.dnssec_ok || query.authentic_data();
  return is_wanted && !answer.stale ? static_cast<std::uint8_t>(answer.message[3]) & kAuthenticData
                                    : 0U;
}

// The part of an upstream's response to `query` that fits into `room` octets.
struct Fit {
  std::size_t size = 0;
  std::size_t sections = 0;
  bool truncated = false;
};

Fit fit_into(std::string_view message, const Query& query, std::size_t room) {
  if (message.size() <= room) {
    return {message.size(), kSections};
  }
  const std::size_t question_end = kHeaderSize + query.question_size;
  const auto scan = scan_response(message, query.question_size, query.type);
  const bool answers_alone_do =
      scan && scan->has_answer && scan->rcode == Rcode::kNoError && !query.edns.dnssec_ok;
  const auto sections =
      scan ? sections_that_fit(scan->ends, answers_alone_do, room - question_end) : std::nullopt;
  // RFC 2181 section 9: what does not fit is asked for again over TCP, so none of it is needed.
  if (!sections) {
    return {.size = question_end, .truncated = true};
  }
  return {question_end + (*sections == 0 ? 0 : scan->ends[*sections - 1]), *sections};
}

// Behind the `size` octets of a response in `buffer`. The size of both.
std::size_t append_opt(std::string_view opt, char* buffer, std::size_t size) {
  if (!opt.empty()) {
    std::memcpy(buffer + size, opt.data(), opt.size());
    const unsigned additional =
        256U * static_cast<std::uint8_t>(buffer[10]) + static_cast<std::uint8_t>(buffer[11]) + 1U;
    buffer[10] = static_cast<char>(additional >> 8U);
    buffer[11] = static_cast<char>(additional);
  }
  return size + opt.size();
}

std::int64_t mono_ns() {
  const auto now = dsl::env::system_env().clock().mono_now();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
}

std::size_t address_size(const sockaddr* address) {
  return address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

}  // namespace

Client client_at(const ResolverParts& parts, const ResolverRules& rules,
                 const dsl::env::AddressBits& address, bool stream) {
  return {.stream = stream,
          .may_recurse = parts.forwarder != nullptr && rules.allow_recursion.contains(address),
          .vicinity = parts.networks == nullptr ? nullptr : &parts.networks->around(address)};
}

Resolver::Resolver(const ResolverParts& parts, Counters& counters)
    : parts_(parts),
      counters_(counters),
      rules_(parts.rules.get()),
      answerer_(rules_->answer),
      jar_(parts.cookies),
      limiter_(parts.rrl),
      generation_(parts.cache.generation()) {
  if (parts.events != nullptr) {
    events_.emplace(*parts.events);
  }
}

void Resolver::begin(std::int64_t now_ns) {
  began_ns_ = now_ns;
  generation_ = parts_.cache.generation();
  from_zones_before_ = counters_.from_zones.value();
  from_cache_before_ = counters_.from_cache.value();
}

void Resolver::end(std::int64_t now_ns, std::size_t questions) {
  const std::int64_t each =
      (now_ns - began_ns_) / static_cast<std::int64_t>(std::max<std::size_t>(questions, 1));
  if (const auto zones = counters_.from_zones.value() - from_zones_before_; zones > 0) {
    counters_.zones_took.add(each, zones);
  }
  if (const auto cached = counters_.from_cache.value() - from_cache_before_; cached > 0) {
    counters_.cache_took.add(each, cached);
  }
}

void Resolver::read(const zone::Version& version, std::string_view packet, Asked& asked) {
  asked.parsed = parse_query(packet, asked.query);
  asked.zone = asked.parsed == ParseResult::kOk ? version.find_zone(asked.query.name) : nullptr;
}

Resolver::Handled Resolver::handle(const zone::Version& version, const Asked& asked,
                                   std::string_view packet, const sockaddr* peer,
                                   Transport transport, std::int64_t now_ms, char* buffer,
                                   std::size_t buffer_size, Pending& pending) {
  if (asked.parsed == ParseResult::kDrop) {
    counters_.dropped_malformed.add();
    return {};
  }
  const Query& query = asked.query;
  const dsl::env::AddressBits from = dsl::env::address_bits(peer);
  Client client = client_at(parts_, *rules_, from, transport != Transport::kUdp);
  if (query.edns.has_cookie) {
    client.cookie = jar_.check(query.edns.cookie, from, now_ms);
  }
  std::uint8_t labels = 0;
  const Handled found = find(version, asked, packet, peer, client, transport, now_ms, buffer,
                             buffer_size, pending, labels);
  if (found.outcome != Outcome::kReply) {
    return found;
  }
  const Handled sent = send(query, asked.parsed, client, from, labels, now_ms, found, buffer);
  tell({found.path, sent.rcode, sent.limited, transport, began_ns_}, query, packet, peer,
       {buffer, sent.size});
  return sent;
}

Resolver::Handled Resolver::find(const zone::Version& version, const Asked& asked,
                                 std::string_view packet, const sockaddr* peer,
                                 const Client& client, Transport transport, std::int64_t now_ms,
                                 char* buffer, std::size_t buffer_size, Pending& pending,
                                 std::uint8_t& labels) {
  const Query& query = asked.query;
  const Answer answer = answerer_.answer(version, asked.parsed, query, client, buffer, buffer_size);
  labels = answer.labels;
  counters_.asked(query.type);
  if (answer.kind == Answer::Kind::kReply) {
    counters_.from_zones.add();
    return {Outcome::kReply, answer.size, answer.rcode};
  }

  if (parts_.forwarder == nullptr) {
    // An ALIAS, which is the one that does not ask who may.
    return {Outcome::kReply,
            answerer_.error(query, client, Rcode::kServFail, ExtendedError::kNoReachableAuthority,
                            buffer),
            Rcode::kServFail};
  }
  // Our own probe of an upstream: whoever it went to has sent it back to us.
  const auto nonce = loop_nonce_in(query.edns.options);
  if (nonce && parts_.forwarder->is_own_nonce(*nonce)) {
    return {Outcome::kReply,
            answerer_.error(query, client, Rcode::kRefused, ExtendedError::kProhibited, buffer),
            Rcode::kRefused};
  }
  const bool has_chain = answer.target.data() != query.name.wire.data();
  if (!answer.cut) {  // whom the owner of a zone delegates a name to knows it
    Handled own = special(query, client, answer, buffer);
    if (own.outcome == Outcome::kReply) {
      counters_.from_zones.add();
      own.path = AnswerPath::kSpecial;
      return own;
    }
  }
  pending.client = client;
  pending.transport = transport;
  pending.target = answer.target;
  pending.chain = has_chain ? Bytes(buffer, answer.size) : Bytes();
  pending.alias.reset();
  if (answer.alias) {
    pending.alias = {Name::from_wire(answer.alias->owner).value_or(Name()), answer.alias->ttl};
  }
  pending.below_cut = answer.cut.has_value();
  pending.generation = generation_;
  pending.packet = packet;
  pending.labels = answer.labels;
  Handled cached = has_chain
                       ? cached_chain(query, pending, now_ms, buffer)
                       : from_cache(query, client, pending.below_cut, now_ms, buffer, buffer_size);
  if (cached.outcome == Outcome::kPending) {
    counters_.forwarded.add();
    std::memcpy(&pending.peer, peer, address_size(peer));
    pending.asked_ns = began_ns_;
  } else {
    counters_.from_cache.add();
    cached.path = AnswerPath::kCache;
  }
  return cached;
}

Resolver::Handled Resolver::send(const Query& query, ParseResult parsed, const Client& client,
                                 const dsl::env::AddressBits& from, std::uint8_t labels,
                                 std::int64_t now_ms, const Handled& found, char* buffer) {
  Handled out = found;
  // A client with a valid cookie, or a connection, is where it says that it is.
  const bool is_proven = client.stream || (client.cookie && client.cookie->valid);
  if (limiter_.is_on() && !is_proven && !parts_.rrl_exempt.contains(from)) {
    const bool is_question = parsed == ParseResult::kOk;
    const rrl::Counted counted =
        is_question ? rrl::classify(query, found.rcode, {buffer, found.size}, labels)
                    : rrl::Counted();
    const std::uint64_t name = is_question ? query.name.suffix_hash[counted.labels] : 0;
    switch (limiter_.count(from, counted.kind, name, now_ms)) {
      case rrl::Action::kSend:
        break;
      case rrl::Action::kSlip:
        counters_.rrl_slipped.add();
        out = slip(query, client, buffer);
        break;
      case rrl::Action::kDrop:
        counters_.rrl_dropped.add();
        out.outcome = Outcome::kDrop;
        out.size = 0;
        out.limited = Limited::kDropped;
        return out;
    }
  }
  counters_.answered(client.stream ? Transport::kTcp : Transport::kUdp, out.rcode);
  return out;
}

// RFC 7873 section 5.2.3: a client that speaks cookies comes again with the one that it gets here,
// by UDP. All others come by TCP.
Resolver::Handled Resolver::slip(const Query& query, const Client& client, char* buffer) const {
  Handled out{.outcome = Outcome::kReply, .limited = Limited::kSlipped};
  if (client.cookie) {
    out.rcode = Rcode::kBadCookie;
    out.size = answerer_.bad_cookie(query, client, buffer);
  } else {
    out.size = answerer_.cut_short(query, client, buffer);
  }
  return out;
}

void Resolver::put_event(std::uint8_t readers, const Told& told, const Query& query,
                         std::string_view packet, const sockaddr* peer, std::string_view response) {
  EventHead head;
  head.path = told.path;
  head.readers = readers;
  head.stream = told.transport != Transport::kUdp;
  head.rcode = told.rcode;
  head.limited = told.limited;
  head.peer = EventAddress::of(*peer);
  head.asked_ns = told.asked_ns;
  head.took_ns = mono_ns() - told.asked_ns;
  head.response_bytes = static_cast<std::uint32_t>(response.size());
  events_->put(head, packet, kHeaderSize + query.question_size, response);
}

Resolver::Handled Resolver::special(const Query& query, const Client& client, const Answer& answer,
                                    char* buffer) {
  const bool has_chain = answer.target.data() != query.name.wire.data();
  QueryName target;
  if (has_chain) {
    (void)read_query_name(answer.target, target);  // a name of ours is well formed
  }
  const QueryName& name = has_chain ? target : query.name;
  const SpecialAnswer found = special_answer(name, query.type);
  if (found.kind == SpecialAnswer::Kind::kNotSpecial) {
    return {Outcome::kPending};
  }
  // A forward that names it knows more about it than we do; without any it is still special.
  const auto owned = Name::from_wire(name.wire);
  const std::string group = owned ? parts_.forwarder->group_of(*owned) : std::string();
  if (!owned || (!group.empty() && group != kEverythingElse)) {
    return {Outcome::kPending};
  }
  if (!has_chain) {
    const bool is_there = found.kind != SpecialAnswer::Kind::kNxDomain;
    return {Outcome::kReply, answerer_.special(query, client, found, buffer),
            is_there ? Rcode::kNoError : Rcode::kNxDomain};
  }
  // The alias is all that we say of it.
  return {Outcome::kReply, add_opt(query, client, Rcode::kNoError, {}, buffer, answer.size)};
}

Resolver::Handled Resolver::from_cache(const Query& query, const Client& client, bool below_cut,
                                       std::int64_t now_ms, char* buffer, std::size_t buffer_size) {
  // No response code of a cached answer needs the octet that OPT has for larger ones.
  std::array<char, kOptRoom> room;
  const std::size_t limit = std::min(answerer_.limit(query, client), buffer_size);
  const std::string_view opt = answerer_.opt(query, client, Rcode::kNoError, {}, room.data());
  const Cache::Hit hit = parts_.cache.lookup(query, now_ms, false, buffer, limit - opt.size());
  if (hit.size == 0) {
    return {Outcome::kPending};
  }
  if (hit.prefetch) {
    prefetch(question(query, query.name.wire, below_cut, generation_));
  }
  const auto rcode = static_cast<Rcode>(buffer[3] & 0x0f);
  if (rcode == Rcode::kServFail) {
    // Without records, so there is room for the reason.
    return {Outcome::kReply,
            add_opt(query, client, rcode, ExtendedError::kCachedError, buffer, hit.size), rcode};
  }
  return {Outcome::kReply, append_opt(opt, buffer, hit.size), rcode};
}

Resolver::Handled Resolver::cached_chain(const Query& query, const Pending& pending,
                                         std::int64_t now_ms, char* buffer) {
  const Bytes packet = ask_for(query, pending.target);
  Query asked;
  if (parse_query(packet, asked) != ParseResult::kOk) {
    return {Outcome::kPending};
  }
  asked.edns.dnssec_ok = query.edns.dnssec_ok;
  Bytes found(kMessageMax, '\0');
  const Cache::Hit hit = parts_.cache.lookup(asked, now_ms, false, found.data(), found.size());
  if (hit.size == 0) {
    return {Outcome::kPending};
  }
  if (hit.prefetch) {
    prefetch(question(query, pending));  // the cache tells one caller only, which is us
  }
  found.resize(hit.size);
  ForwardAnswer answer;
  answer.error = ExtendedError::kCachedError;  // should it be a failure
  answer.rcode = static_cast<Rcode>(found[3] & 0x0f);
  answer.message = std::move(found);
  return join(query, pending, answer, buffer);
}

// Asks so that the cache has a new answer in time; nobody waits for it.
void Resolver::prefetch(ForwardQuestion question) {
  parts_.forwarder->ask(std::move(question), [](const ForwardAnswer&) {});
}

void Resolver::forward(const Pending& pending, std::function<void(const ForwardAnswer&)> done) {
  Query query;
  const ParseResult parsed = parse_query(pending.packet, query);
  MC_ASSERT(parsed == ParseResult::kOk, "what waits was a query");
  parts_.forwarder->ask(question(query, pending), std::move(done));
}

std::size_t Resolver::complete(const Pending& pending, const ForwardAnswer& answer,
                               std::int64_t now_ms, char* buffer, std::size_t buffer_size) {
  Query query;
  const ParseResult parsed = parse_query(pending.packet, query);
  MC_ASSERT(parsed == ParseResult::kOk, "what waits was a query");
  const auto* peer = reinterpret_cast<const sockaddr*>(&pending.peer);
  const Handled found = finish(query, pending, answer, buffer, buffer_size);
  const Handled sent = send(query, parsed, pending.client, dsl::env::address_bits(peer),
                            pending.labels, now_ms, found, buffer);
  counters_.forward_took.add(mono_ns() - pending.asked_ns);
  tell({AnswerPath::kForward, sent.rcode, sent.limited, pending.transport, pending.asked_ns}, query,
       pending.packet, peer, {buffer, sent.size});
  return sent.size;
}

Resolver::Handled Resolver::finish(const Query& query, const Pending& pending,
                                   const ForwardAnswer& answer, char* buffer,
                                   std::size_t buffer_size) {
  const Client& client = pending.client;
  if (!pending.chain.empty()) {
    return join(query, pending, answer, buffer);
  }
  if (answer.message.empty()) {
    return {Outcome::kReply,
            answerer_.error(query, client, answer.rcode, extended_of(answer), buffer),
            answer.rcode};
  }
  std::array<char, kOptRoom> room;
  const std::size_t opt_size =
      answerer_.opt(query, client, answer.rcode, extended_of(answer), room.data()).size();
  const std::size_t limit = std::min(answerer_.limit(query, client), buffer_size);
  const Fit fit = fit_into(answer.message, query, limit - opt_size);
  std::memcpy(buffer, answer.message.data(), fit.size);
  std::memset(buffer + 6 + 2 * fit.sections, 0, 2 * (kSections - fit.sections));
  buffer[0] = static_cast<char>(query.id >> 8U);
  buffer[1] = static_cast<char>(query.id);
  buffer[2] =
      static_cast<char>(kResponse | (query.flags1 & 0x01U) | (fit.truncated ? kTruncated : 0U));
  buffer[3] =
      static_cast<char>(kRecursionAvailable | authentic_data(query, answer) |
                        (query.flags2 & 0x10U) | (static_cast<unsigned>(answer.rcode) & 0x0fU));
  // The question as this client asked it: the one that was sent may have been another's.
  std::memcpy(buffer + kHeaderSize, query.name.wire.data(), query.question_size);
  return {Outcome::kReply,
          add_opt(query, client, answer.rcode, extended_of(answer), buffer, fit.size),
          answer.rcode};
}

std::size_t Resolver::add_opt(const Query& query, const Client& client, Rcode rcode,
                              std::optional<ExtendedError> extended, char* buffer,
                              std::size_t size) const {
  std::array<char, kOptRoom> room;
  return append_opt(answerer_.opt(query, client, rcode, extended, room.data()), buffer, size);
}

// The links of our zones, then what an upstream says of the name that they lead to.
Resolver::Handled Resolver::join(const Query& query, const Pending& pending,
                                 const ForwardAnswer& answer, char* buffer) {
  auto whole = Message::parse(pending.chain);
  MC_ASSERT(whole.has_value(), "our own response is a message");
  const auto rest = Message::parse(answer.message);
  join_chain(pending.alias ? &*pending.alias : nullptr, query.type, rest ? &*rest : nullptr,
             *whole);
  const Client& client = pending.client;
  const auto extended =
      whole->rcode == Rcode::kServFail ? std::optional(answer.error) : extended_of(answer);
  std::array<char, kOptRoom> room;
  const std::string_view opt = answerer_.opt(query, client, whole->rcode, extended, room.data());
  const std::size_t limit = answerer_.limit(query, client);
  const Bytes encoded = whole->encode(limit - opt.size());
  std::memcpy(buffer, encoded.data(), encoded.size());
  return {Outcome::kReply, add_opt(query, client, whole->rcode, extended, buffer, encoded.size()),
          whole->rcode};
}

ForwardQuestion Resolver::question(const Query& query, std::string_view target, bool below_cut,
                                   std::uint64_t generation) {
  auto name = Name::from_wire(target);
  MC_ASSERT(name.has_value(), "a name that was read is a name");
  ForwardQuestion out;
  out.name = *std::move(name);
  out.type = query.type;
  out.dns_class = query.dns_class;
  out.dnssec_ok = query.edns.dnssec_ok;
  out.checking_disabled = query.checking_disabled();
  out.hops = hops_in(query.edns.options);
  out.below_cut = below_cut;
  out.generation = generation;
  return out;
}

ForwardQuestion Resolver::question(const Query& query, const Pending& pending) {
  ForwardQuestion out = question(query, pending.target, pending.below_cut, pending.generation);
  out.whole_chain = pending.alias.has_value();
  return out;
}

}  // namespace mcns
