#include "mcns/resolve/own_names.h"

#include <optional>
#include <string>
#include <utility>

#include "dsl/env/socket_address.h"
#include "dsl/result/result.h"
#include "mcns/special/special.h"
#include "mcns/wire/message.h"

namespace mcns {
namespace {

using Kind = OwnZones::Found::Kind;

constexpr std::size_t kMessageMax = 65535;

AnswerOptions options() {
  AnswerOptions out;
  out.follow_delegations = true;
  return out;
}

Bytes packet_for(const ForwardQuestion& question) {
  Message message;
  message.recursion_desired = true;
  message.questions.push_back({question.name, question.type, question.dns_class});
  if (question.dnssec_ok) {
    message.edns = Edns{.dnssec_ok = true};
  }
  return message.encode();
}

// Of a host, in the zone of ours that it is in, below a cut or not.
std::vector<std::string> addresses_of(const zone::Version& version, std::string_view host) {
  std::vector<std::string> addresses;
  QueryName name;
  (void)read_query_name(host, name);  // names of ours are well formed
  const zone::Zone* zone = version.find_zone(name);
  const zone::Node node = zone == nullptr ? zone::Node() : zone->find(name, name.labels);
  for (const Type type : {Type::kA, Type::kAaaa}) {
    if (const auto rrset = node ? node.find(type) : std::nullopt) {
      rrset->each([&](std::string_view, std::string_view rdata) {
        addresses.push_back(dsl::env::host_of(dsl::env::make_socket_address(rdata, 0)));
      });
    }
  }
  return addresses;
}

}  // namespace

Delegation delegation_at(const zone::Version& version, const QueryName& target,
                         const Answer::Cut& cut) {
  Delegation out;
  auto name = Name::from_wire(target.suffix(cut.labels));
  MC_ASSERT(name.has_value(), "a name of ours is a name");
  out.zone = *std::move(name);
  const zone::Node node = cut.zone->find(target, cut.labels);
  const auto servers = node.find(Type::kNs);
  MC_ASSERT(servers.has_value(), "a cut has NS records");
  servers->each([&](std::string_view, std::string_view rdata) {
    auto host = Name::from_wire(rdata);
    MC_ASSERT(host.has_value(), "rdata of ours is well formed");
    out.add(*std::move(host), addresses_of(version, rdata));
  });
  return out;
}

OwnNames::OwnNames(zone::Store& zones)
    : reader_(zones), answerer_(options()), buffer_(kMessageMax) {}

OwnZones::Found OwnNames::find(const ForwardQuestion& question) {
  const Bytes packet = packet_for(question);
  Query query;
  if (parse_query(packet, query) != ParseResult::kOk) {
    return {};
  }
  const zone::Pin version(reader_);
  const Answer answer =
      answerer_.answer(*version, ParseResult::kOk, query, {.stream = true, .may_recurse = true},
                       buffer_.data(), buffer_.size());
  const bool is_reply = answer.kind == Answer::Kind::kReply;
  const bool has_chain = is_reply || answer.target.data() != query.name.wire.data();
  Found found;
  if (!has_chain && answer.cut) {
    found.kind = Kind::kDelegated;
    found.delegation = delegation_at(*version, query.name, *answer.cut);
    return found;
  }
  if (!has_chain) {
    const bool is_special =
        special_answer(query.name, query.type).kind != SpecialAnswer::Kind::kNotSpecial;
    found.kind = is_special ? Kind::kSpecial : Kind::kNotOurs;
    found.message.response = true;
    found.message.questions.push_back({question.name, question.type, question.dns_class});
    return found;
  }
  auto message = Message::parse({buffer_.data(), answer.size});
  MC_ASSERT(message.has_value(), "our own response is a message");
  found.kind = Kind::kOurs;
  found.message = *std::move(message);
  found.message.edns.reset();
  if (!is_reply) {
    found.target = Name::from_wire(answer.target).value_or(Name());
  }
  if (answer.alias) {
    found.alias = {Name::from_wire(answer.alias->owner).value_or(Name()), answer.alias->ttl};
  }
  return found;
}

}  // namespace mcns
