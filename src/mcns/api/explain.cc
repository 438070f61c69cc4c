#include "mcns/api/explain.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "dsl/env/socket_address.h"
#include "mcns/api/fields.h"
#include "mcns/resolve/own_names.h"
#include "mcns/special/special.h"
#include "mcns/wire/message.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::size_t kMessageMax = 65535;
constexpr std::chrono::milliseconds kLook{
    50};  // between looks at whether the caller is still there

// What is asked, and by whom.
struct Case {
  Bytes packet;
  dsl::env::SocketAddress peer;
  std::string from;
  Transport transport = Transport::kUdp;
  Type type = Type::kA;
};

Result<Case> case_of(const pb::ExplainRequest& request) {
  Case out;
  Message message;
  Question question;
  MC_ASSIGN(question.name, absolute_name(request.name(), "name"));
  if (!request.type().empty()) {
    const std::optional<Type> type = parse_type(request.type());
    if (!type) {
      return tl::unexpected(
          at_field(fail(Code::kInvalidArgument, "\"{}\" is no type", request.type())
                       .hint("A, AAAA, MX, ANY, ... or TYPE65280"),
                   "type"));
    }
    question.type = *type;
  }
  out.type = question.type;
  message.recursion_desired = !request.no_recursion();
  message.questions.push_back(std::move(question));
  message.edns = Edns{.dnssec_ok = request.dnssec_ok()};
  out.packet = message.encode();
  out.transport = request.tcp() ? Transport::kTcp : Transport::kUdp;
  out.from = request.from().empty() ? "127.0.0.1" : request.from();
  Result<dsl::env::SocketAddress> peer =
      dsl::env::parse_socket_address(dsl::env::join_host_port(out.from, 0));
  if (!peer) {
    return tl::unexpected(at_field(fail(Code::kInvalidArgument, "\"{}\" is no address", out.from)
                                       .hint("192.0.2.7 or 2001:db8::7"),
                                   "from"));
  }
  out.peer = *peer;
  return out;
}

class Notes final : public Trace {
 public:
  explicit Notes(pb::Explanation& out) : out_(out) {}
  void note(std::string_view step, std::string_view what) override {
    pb::Explanation::Step& added = *out_.add_steps();
    added.set_step(std::string(step));
    added.set_what(std::string(what));
  }

 private:
  pb::Explanation& out_;
};

// What the zones decide, told by the code that decides it.
struct Decided {
  Answer::Kind kind = Answer::Kind::kDrop;
  Bytes target;                          // what is not ours
  std::optional<Delegation> delegation;  // whose it is, when one of our zones says so
};

Decided trace_zones(const Services& services, const zone::Version& version, const Case& asked,
                    Notes& notes) {
  const std::shared_ptr<const ResolverRules> rules = services.resolver.rules.get();
  Answerer answerer(rules->answer);
  const Client client =
      client_at(services.resolver, *rules, dsl::env::address_bits(asked.peer.raw()),
                asked.transport != Transport::kUdp);
  notes.note("client", dsl::text("{} over {}, {}", asked.from, client.stream ? "tcp" : "udp",
                                 client.may_recurse
                                     ? "which may ask for any name"
                                     : "which may ask for our names only (dns.allow_recursion)"));
  if (client.vicinity != nullptr) {
    const std::string_view network = client.vicinity->network();
    notes.note("network", network.empty()
                              ? std::string("none of those declared: no address is nearer")
                              : dsl::text("{}: its addresses come first", network));
  }
  Query query;
  Bytes buffer(kMessageMax, '\0');
  const Answer answer =
      answerer.answer(version, asked.packet, client, query, buffer.data(), buffer.size(), &notes);
  Decided decided{.kind = answer.kind};
  if (answer.kind == Answer::Kind::kForward) {
    decided.target = answer.target;
  }
  if (answer.cut) {
    QueryName target;
    (void)read_query_name(answer.target, target);  // a name of ours is well formed
    decided.delegation = delegation_at(version, target, *answer.cut);
  }
  return decided;
}

// "ns1.sub.example.test. (192.0.2.53), ns.example.net. (to be looked up)"
std::string servers_text(const Delegation& delegation) {
  std::string out;
  for (const Delegation::Host& host : delegation.hosts) {
    std::string addresses;
    for (const std::string& address : host.addresses) {
      addresses += (addresses.empty() ? "" : ", ") + address;
    }
    out += dsl::text("{}{} ({})", out.empty() ? "" : ", ", host.name.text(),
                     addresses.empty() ? "to be looked up" : addresses);
  }
  return out.empty() ? "without any address: glue is missing" : out;
}

// Who is asked: a forward that has the delegated zone or one inside of it knows better than the
// delegation.
void trace_whom(Forwarder& forwarder, const Name& name, const std::optional<Delegation>& delegation,
                Notes& notes) {
  const std::string group = forwarder.group_of(name);
  const Result<Name> zone = Name::parse(group);
  const bool is_inside = !group.empty() && zone && delegation && zone->is_within(delegation->zone);
  if (delegation && !is_inside) {
    notes.note("servers",
               dsl::text("of {}: {}", delegation->zone.text(), servers_text(*delegation)));
    return;
  }
  notes.note("forward", group.empty() ? "no upstreams are set for it"
                                      : dsl::text("the upstreams of {}", group));
}

// What is known of a name that is not ours before an upstream is asked.
void trace_outside(const Services& services, const Case& asked, const Decided& decided,
                   std::int64_t now_ms, bool dnssec_ok, Notes& notes) {
  const Result<Name> name = Name::from_wire(decided.target);
  if (!name) {
    return;
  }
  Message message;
  message.recursion_desired = true;
  message.questions.push_back({.name = *name, .type = asked.type});
  message.edns = Edns{.dnssec_ok = dnssec_ok};
  const Bytes packet = message.encode();
  Query query;
  if (parse_query(packet, query) != ParseResult::kOk) {
    return;
  }
  if (!decided.delegation &&
      special_answer(query.name, asked.type).kind != SpecialAnswer::Kind::kNotSpecial) {
    notes.note("special", "a name that never leaves the house, unless a forward names it");
  }
  Bytes buffer(kMessageMax, '\0');
  const Cache::Hit hit =
      services.resolver.cache.lookup(query, now_ms, true, buffer.data(), buffer.size());
  if (hit.size == 0) {
    notes.note("cache", dsl::text("{} {} is not in it", name->text(), mcns::text(asked.type)));
  } else {
    notes.note("cache",
               dsl::text("{} {} is in it, {} s old{}", name->text(), mcns::text(asked.type),
                         hit.age_s, hit.stale ? ", past its time" : ""));
  }
  if (services.resolver.forwarder != nullptr) {
    trace_whom(*services.resolver.forwarder, *name, decided.delegation, notes);
  }
}

// Waits for an upstream as long as the forwarder gives it, and the caller is there.
Result<ForwardAnswer> ask_upstream(Resolver& resolver, const Pending& pending,
                                   const dsl::rpc::CallContext& call) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<ForwardAnswer> answer;
  };
  const auto waiting = std::make_shared<Waiting>();
  resolver.forward(pending, [waiting](const ForwardAnswer& answer) {
    const std::lock_guard lock(waiting->mutex);
    waiting->answer = answer;
    waiting->came.notify_all();
  });
  std::unique_lock lock(waiting->mutex);
  while (!waiting->came.wait_for(lock, kLook, [&] { return waiting->answer.has_value(); })) {
    if (call.cancelled()) {
      return fail(Code::kCancelled, "the caller has gone while an upstream was asked");
    }
  }
  return *waiting->answer;
}

// Of what is no zone's the resolver itself answers only names that mean the same everywhere.
std::string source_of(const Counters& counters, const Decided& decided) {
  if (counters.from_zones.value() > 0) {
    return decided.kind == Answer::Kind::kForward ? "special" : "zone";
  }
  if (counters.from_cache.value() > 0) {
    return "cache";
  }
  return counters.forwarded.value() > 0 ? "forward" : "none";
}

}  // namespace

Result<pb::Explanation> explain(Services& services, const dsl::rpc::CallContext& call,
                                const pb::ExplainRequest& request) {
  MC_ASSIGN(const Case asked, case_of(request));
  const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                  services.env.clock().mono_now().time_since_epoch())
                                  .count();
  pb::Explanation out;
  Notes notes(out);
  Counters counters;
  ResolverParts parts = services.resolver;
  parts.events = nullptr;  // nobody asked this: no `tail` shows it
  parts.rrl.rate = 0;      // and nothing is held against anybody
  Resolver resolver(parts, counters);
  Pending pending;
  Bytes buffer(kMessageMax, '\0');
  Resolver::Handled handled;
  Decided decided;
  {
    // Not held while an upstream is waited for: what was replaced meanwhile could not be freed.
    zone::Reader reader(services.resolver.zones);
    const zone::Pin version(reader);
    decided = trace_zones(services, *version, asked, notes);
    if (decided.kind == Answer::Kind::kForward) {
      trace_outside(services, asked, decided, now_ms, request.dnssec_ok(), notes);
    }
    Asked read;
    Resolver::read(*version, asked.packet, read);
    handled = resolver.handle(*version, read, asked.packet, asked.peer.raw(), asked.transport,
                              now_ms, buffer.data(), buffer.size(), pending);
  }
  if (handled.outcome == Resolver::Outcome::kPending) {
    MC_ASSIGN(const ForwardAnswer answer, ask_upstream(resolver, pending, call));
    notes.note("upstream", answer.detail.empty() ? mcns::text(answer.rcode) : answer.detail);
    handled.size = resolver.complete(pending, answer, now_ms, buffer.data(), buffer.size());
  }
  out.set_source(source_of(counters, decided));
  if (handled.outcome == Resolver::Outcome::kDrop) {
    notes.note("answer", "none: the packet is dropped");
    return out;
  }
  MC_ASSIGN(const Message message, Message::parse(BytesView(buffer).substr(0, handled.size)));
  out.set_rcode(mcns::text(message.rcode));
  out.set_message(message.text());
  out.set_size(static_cast<std::uint32_t>(handled.size));
  return out;
}

}  // namespace mcns::api
