#include "mcns/forward/bailiwick.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

// More links than any resolver follows.
constexpr std::size_t kChainMax = 32;
constexpr std::size_t kSignerAt = 18;  // of an RRSIG's data: behind the fixed fields

using Names = std::vector<Name>;
using Records = std::vector<Record>;

bool contains(const Names& names, const Name& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether `name` is at or above one of `names`.
bool is_above(const Name& name, const Names& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const Name& below) { return below.is_within(name); });
}

// The uncompressed name that begins at `at` of `rdata`.
std::optional<Name> name_in(BytesView rdata, std::size_t at) {
  if (at >= rdata.size()) {
    return std::nullopt;
  }
  QueryName found;
  const std::size_t size = read_query_name(rdata.substr(at), found);
  if (size == 0) {
    return std::nullopt;
  }
  auto name = Name::from_wire(rdata.substr(at, size));
  return name ? std::optional(std::move(*name)) : std::nullopt;
}

bool is_alias(Type type) { return type == Type::kCname || type == Type::kDname; }

Type covered(const Record& rrsig) {
  return rrsig.rdata.size() < kSignerAt ? Type::kRrsig : static_cast<Type>(read16(rrsig.rdata, 0));
}

// RFC 1035 section 3.4.1, RFC 3596 section 2.2.
bool is_well_formed(const Record& record) {
  return (record.type != Type::kA || record.rdata.size() == 4) &&
         (record.type != Type::kAaaa || record.rdata.size() == 16);
}

bool belongs_to_answer(const Question& question, const Names& chain, const Record& record) {
  const Type type = record.type == Type::kRrsig ? covered(record) : record.type;
  if (type == Type::kDname) {
    return is_above(record.name, chain);
  }
  return contains(chain, record.name) && (type == question.type || record.type == question.type ||
                                          is_alias(type) || question.type == Type::kAny);
}

// A message holds thousands of records, so what they are compared by is hashed.
Bytes rrset_key(const Name& name, Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  Bytes key = name.lower();
  key += static_cast<char>(number >> 8U);
  key += static_cast<char>(number & 0xffU);
  return key;
}

// Signers of the RRsets of a section.
using Signers = std::unordered_map<Bytes, Name>;

Signers signers_of(const Records& records) {
  Signers signers;
  for (const Record& record : records) {
    if (record.type == Type::kRrsig) {
      if (auto signer = name_in(record.rdata, kSignerAt)) {
        signers.emplace(rrset_key(record.name, covered(record)), std::move(*signer));
      }
    }
  }
  return signers;
}

bool belongs_to_authority(const Names& chain, const Record& record, const Signers& signers) {
  switch (record.type) {
    case Type::kSoa:
    case Type::kNs:
    case Type::kDs:
      return is_above(record.name, chain);
    case Type::kNsec:
    case Type::kNsec3: {
      // It proves something about the zone that signed it.
      const auto signer = signers.find(rrset_key(record.name, record.type));
      return signer != signers.end() && is_above(signer->second, chain) &&
             record.name.is_within(signer->second);
    }
    default:
      return false;
  }
}

// The host whose addresses go with `record`.
std::optional<Name> host_of(const Record& record) {
  switch (record.type) {
    case Type::kNs:
      return name_in(record.rdata, 0);
    case Type::kMx:
      return name_in(record.rdata, 2);
    case Type::kSrv:
      return name_in(record.rdata, 6);
    case Type::kSvcb:
    case Type::kHttps: {
      const auto target = name_in(record.rdata, 2);
      // RFC 9460 section 2.5: the root stands for the owner itself.
      return target && target->is_root() ? record.name : target;
    }
    default:
      return std::nullopt;
  }
}

bool is_address(Type type) { return type == Type::kA || type == Type::kAaaa; }

template <class Keep>
void keep_if(Records& records, Class dns_class, Keep&& keep) {
  std::erase_if(records, [&](const Record& record) {
    return record.dns_class != dns_class || !is_well_formed(record) || !keep(record);
  });
}

// Signatures of what is there no more go too.
void drop_lone_signatures(Records& records) {
  std::unordered_set<Bytes> rrsets;
  for (const Record& record : records) {
    rrsets.insert(rrset_key(record.name, record.type));
  }
  std::erase_if(records, [&](const Record& record) {
    return record.type == Type::kRrsig && !rrsets.contains(rrset_key(record.name, covered(record)));
  });
}

// In lower case.
std::unordered_set<Bytes> hosts_of(const Message& message) {
  std::unordered_set<Bytes> hosts;
  for (const Records* section : {&message.answers, &message.authorities}) {
    for (const Record& record : *section) {
      if (const auto host = host_of(record)) {
        hosts.insert(host->lower());
      }
    }
  }
  return hosts;
}

}  // namespace

std::vector<Name> alias_chain(const Question& question, const std::vector<Record>& answers) {
  Names chain{question.name};
  if (question.type == Type::kCname || question.type == Type::kAny) {
    return chain;
  }
  for (std::size_t i = 0; i < chain.size() && chain.size() < kChainMax; ++i) {
    for (const Record& record : answers) {
      if (record.type != Type::kCname || record.name != chain[i]) {
        continue;
      }
      const auto target = name_in(record.rdata, 0);
      if (target && !contains(chain, *target)) {
        chain.push_back(*target);
      }
      break;  // RFC 2181 section 10.1: there is one
    }
  }
  return chain;
}

void drop_unrelated(const Question& question, Message& message) {
  const Names chain = alias_chain(question, message.answers);
  keep_if(message.answers, question.dns_class,
          [&](const Record& record) { return belongs_to_answer(question, chain, record); });

  const Signers signers = signers_of(message.authorities);
  keep_if(message.authorities, question.dns_class, [&](const Record& record) {
    return record.type == Type::kRrsig || belongs_to_authority(chain, record, signers);
  });
  drop_lone_signatures(message.authorities);

  const std::unordered_set<Bytes> hosts = hosts_of(message);
  keep_if(message.additionals, question.dns_class, [&](const Record& record) {
    return is_address(record.type == Type::kRrsig ? covered(record) : record.type) &&
           hosts.contains(record.name.lower());
  });
  drop_lone_signatures(message.additionals);
}

}  // namespace mcns
