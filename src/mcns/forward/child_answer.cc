#include "mcns/forward/child_answer.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dsl/env/socket_address.h"
#include "mcns/forward/bailiwick.h"
#include "mcns/forward/chain.h"
#include "mcns/forward/clean.h"

namespace mcns {
namespace {

using Kind = ChildAnswer::Kind;
using Records = std::vector<Record>;

// What a server of the zone is asked about: each name is looked up once.
class ChildsNames {
 public:
  ChildsNames(const ForwardQuestion& question, const Name& zone, const KnownElsewhere& is_elsewhere)
      : question_(question), zone_(zone), is_elsewhere_(is_elsewhere) {}

  bool contains(const Name& name) {
    if (name == question_.name) {
      return true;  // that it is the child's to tell of was found before it was asked
    }
    if (!name.is_within(zone_)) {
      return false;
    }
    const auto [place, is_new] = known_.try_emplace(name.lower(), false);
    if (is_new) {
      place->second = !is_elsewhere_(name);
    }
    return place->second;
  }

 private:
  const ForwardQuestion& question_;
  const Name& zone_;
  const KnownElsewhere& is_elsewhere_;
  std::unordered_map<Bytes, bool> known_;
};

bool has(const Records& records, Type type) {
  return std::any_of(records.begin(), records.end(),
                     [&](const Record& record) { return record.type == type; });
}

void drop_outside(const Name& zone, Message& message) {
  for (Records* section : {&message.answers, &message.authorities, &message.additionals}) {
    std::erase_if(*section, [&](const Record& record) { return !record.name.is_within(zone); });
  }
}

// A chain ends at its first name that is not the child's.
void drop_others(ChildsNames& names, Message& message) {
  for (Records* section : {&message.answers, &message.authorities, &message.additionals}) {
    std::erase_if(*section, [&](const Record& record) { return !names.contains(record.name); });
  }
}

// RFC 2181 section 5: an RRset has no record twice.
void drop_duplicates(Records& records) {
  std::unordered_set<Bytes> known;
  std::erase_if(records, [&](const Record& record) {
    const auto type = static_cast<std::uint16_t>(record.type);
    Bytes key = record.name.lower();
    key += static_cast<char>(type >> 8U);
    key += static_cast<char>(type & 0xffU);
    return !known.insert(key + record.rdata).second;
  });
}

std::vector<std::string> glue(const Name& zone, const Name& host, const Records& additionals) {
  std::vector<std::string> addresses;
  for (const Record& record : additionals) {
    // The zone's servers know where its own names are, and nobody else's.
    if (record.name == host && host.is_within(zone)) {
      if (std::string address = address_in(record); !address.empty()) {
        addresses.push_back(std::move(address));
      }
    }
  }
  return addresses;
}

// RFC 1034 section 4.3.2, step 3 b: to a zone inside of `zone` that the name is in. One that is not
// closer to the name would lead in circles.
std::optional<Delegation> referral_in(const ForwardQuestion& question, const Name& zone,
                                      const Message& message) {
  if (message.rcode != Rcode::kNoError || !message.answers.empty() ||
      has(message.authorities, Type::kSoa)) {
    return std::nullopt;
  }
  Delegation found;
  for (const Record& record : message.authorities) {
    if (record.type != Type::kNs || record.dns_class != question.dns_class) {
      continue;
    }
    if (found.hosts.empty()) {
      found.zone = record.name;
    }
    auto host = Name::from_wire(record.rdata);
    if (host && record.name == found.zone) {
      std::vector<std::string> addresses = glue(zone, *host, message.additionals);
      found.add(*std::move(host), std::move(addresses));
    }
  }
  // RFC 4035 section 3.1.4.1: DS is the parent's to tell, and that is whom we asked.
  const bool is_closer = found.zone.is_within(zone) && found.zone != zone &&
                         question.name.is_within(found.zone) &&
                         (question.type != Type::kDs || question.name != found.zone);
  return is_closer && !found.hosts.empty() ? std::optional(std::move(found)) : std::nullopt;
}

}  // namespace

std::string address_in(const Record& record) {
  const bool is_address = (record.type == Type::kA && record.rdata.size() == 4) ||
                          (record.type == Type::kAaaa && record.rdata.size() == 16);
  return is_address ? dsl::env::host_of(dsl::env::make_socket_address(record.rdata, 0))
                    : std::string();
}

ChildAnswer read_child_answer(const ForwardQuestion& question, const Name& zone,
                              const KnownElsewhere& is_known_elsewhere, std::string_view response) {
  ChildAnswer out;
  auto message = Message::parse(response);
  if (!message || message->truncated) {
    return out;
  }
  out.rcode = message->rcode;
  if (!tells(message->rcode)) {
    out.kind = Kind::kFailed;
    out.error = extended_error(*message);
    return out;
  }
  if (!message->authoritative) {
    auto referral = referral_in(question, zone, *message);
    out.kind = referral ? Kind::kReferral : Kind::kLame;
    out.referral = std::move(referral).value_or(Delegation());
    return out;
  }
  const Question asked{question.name, question.type, question.dns_class};
  ChildsNames names(question, zone, is_known_elsewhere);
  drop_outside(zone, *message);
  drop_unrelated(asked, *message);  // first, so that few names are looked up
  drop_others(names, *message);
  drop_unrelated(asked, *message);  // what stood behind a name that is gone
  for (Records* section : {&message->answers, &message->authorities, &message->additionals}) {
    drop_duplicates(*section);
  }
  if (!names.contains(alias_chain(asked, message->answers).back())) {
    // What it says of where the chain leads is about a zone that it was not asked about.
    message->rcode = Rcode::kNoError;
    message->authorities.clear();
    message->additionals.clear();
  }
  auto target = open_end(question.name, question.type, *message);
  out.target = target.value_or(Name());
  out.rcode = message->rcode;
  auto kept = to_be_kept(question, *std::move(message), false);
  if (kept) {
    out.kind = target ? Kind::kLeads : Kind::kGood;
    out.message = *std::move(kept);
  }
  return out;
}

}  // namespace mcns
