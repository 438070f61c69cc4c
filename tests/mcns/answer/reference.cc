#include "mcns/answer/reference.h"

#include <algorithm>
#include <limits>

#include "mcns/rdata/rdata.h"
#include "support/result_matchers.h"

namespace mcns::test {
namespace {

using dsl::test::require_ok;

constexpr int kLinksMax = 16;

// A record of `zone`, owned by the name that was asked for: as it stands, or made from a wildcard.
std::vector<Record> records_of(const Rrset& rrset, const Name& owner) {
  std::vector<Record> records;
  for (const Bytes& rdata : rrset.rdata) {
    records.push_back({owner, rrset.type, Class::kIn, rrset.ttl, rdata});
  }
  return records;
}

void append(std::vector<Record>& section, const std::vector<Record>& records) {
  for (const Record& record : records) {
    if (std::find(section.begin(), section.end(), record) == section.end()) {
      section.push_back(record);
    }
  }
}

// RFC 2308 section 3: the TTL is the smaller one of the SOA's own and its MINIMUM.
Record negative_soa(const ZoneData& zone) {
  Record soa = records_of(zone.names.at(zone.origin).at(Type::kSoa), zone.origin).front();
  soa.ttl = std::min(soa.ttl, require_ok(Soa::parse(soa.rdata)).minimum_ttl_s);
  return soa;
}

// The names from the apex down to `name`, both included.
std::vector<Name> path(const ZoneData& zone, const Name& name) {
  std::vector<Name> names;
  for (std::size_t labels = zone.origin.label_count(); labels <= name.label_count(); ++labels) {
    names.push_back(name.suffix(labels));
  }
  return names;
}

// RFC 1034 section 4.2.1: NS below the apex make a cut.
bool is_cut(const ZoneData& zone, const Name& name) {
  return !(name == zone.origin) && zone.has(name, Type::kNs);
}

// The node that gives the data: the name itself, or the wildcard at its closest encloser (RFC 4592
// section 3.3.1). Nothing for a name that does not exist.
std::optional<Name> source_of(const ZoneData& zone, const Name& name) {
  if (zone.exists(name)) {
    return name;
  }
  Name encloser = name.parent();
  while (!zone.exists(encloser)) {
    encloser = encloser.parent();
  }
  const Name wildcard = require_ok(encloser.child("*"));
  return zone.exists(wildcard) ? std::optional(wildcard) : std::nullopt;
}

const std::map<Type, Rrset>& rrsets_at(const ZoneData& zone, const Name& name) {
  static const std::map<Type, Rrset> kNone;
  const auto node = zone.names.find(name);
  return node == zone.names.end() ? kNone : node->second;
}

bool is_occluded(const ZoneData& zone, const Name& name) {
  const std::vector<Name> names = path(zone, name);
  return std::any_of(names.begin(), names.end(),
                     [&](const Name& each) { return is_cut(zone, each); });
}

// Each record once, in any order; `any`: of the types that are there, at least one is whole.
std::string section_difference(std::string_view section, std::vector<Record> expected,
                               const std::vector<Record>& found, bool any) {
  std::string out;
  const auto line = [&](std::string_view what, const Record& record) {
    return dsl::text("{} {}: {} {} {} {}\n", what, section, record.name.text(), record.ttl,
                     text(record.type), rdata_text(record.type, record.rdata));
  };
  if (any && !found.empty()) {
    std::erase_if(expected, [&](const Record& record) {
      return std::none_of(found.begin(), found.end(),
                          [&](const Record& each) { return each.type == record.type; });
    });
  }
  for (const Record& record : found) {
    const auto same = std::find(expected.begin(), expected.end(), record);
    if (same == expected.end()) {
      out += line("not expected", record);
    } else {
      expected.erase(same);
    }
  }
  for (const Record& record : expected) {
    out += line("missing", record);
  }
  return out;
}

// One question's way through the zones.
class Walk {
 public:
  Walk(const Question& question, const std::vector<ZoneData>& zones)
      : type_(question.type), name_(question.name), zones_(zones) {
    visited_.push_back(name_);
  }

  // RFC 1034 section 4.3.2 steps 3 and 4 in one zone; whether the search begins again (step 3a: "go
  // back to step 1") with another name.
  bool in_zone(const ZoneData& zone) {
    for (const Name& name : path(zone, name_)) {
      const bool last = name == name_;
      // RFC 4035 section 3.1.4.1: DS stands on the parent's side.
      if (is_cut(zone, name) && !(last && type_ == Type::kDs)) {
        return referral(zone, name);
      }
      if (!last && zone.has(name, Type::kDname)) {
        return through_dname(zone, name);
      }
    }
    // RFC 8020: the name is there, and so is what is below it, though this zone does not say so.
    const bool is_apex = std::any_of(zones_.begin(), zones_.end(),
                                     [&](const ZoneData& each) { return each.origin == name_; });
    if (type_ == Type::kDs && is_apex && !zone.exists(name_)) {
      return negative(zone, Rcode::kNoError);
    }
    const std::optional<Name> source = source_of(zone, name_);
    return source ? at(zone, rrsets_at(zone, *source)) : negative(zone, Rcode::kNxDomain);
  }

  // The name is not ours.
  void leave() {
    out.elsewhere = name_;
    if (alias_) {
      out.authorities.push_back(negative_soa(*alias_->zone));
    }
  }

  const Name& name() const { return name_; }
  Type type() const { return type_; }
  ReferenceAnswer out;

 private:
  // What is found from an ALIAS on is said of its owner.
  struct Alias {
    Name owner;
    const ZoneData* zone;
    std::uint32_t ttl;
  };

  bool negative(const ZoneData& zone, Rcode rcode) {
    out.rcode = alias_ ? Rcode::kNoError : rcode;
    out.authorities.push_back(negative_soa(alias_ ? *alias_->zone : zone));
    return false;
  }

  bool referral(const ZoneData& zone, const Name& cut) {
    if (alias_) {
      leave();
      return false;
    }
    out.authoritative = visited_.size() > 1;
    append(out.authorities, records_of(zone.names.at(cut).at(Type::kNs), cut));
    return false;
  }

  // RFC 6672 section 3.2 step 3c.
  bool through_dname(const ZoneData& zone, const Name& owner) {
    const Rrset& dname = zone.names.at(owner).at(Type::kDname);
    if (!alias_) {
      append(out.answers, records_of(dname, owner));
    }
    const auto made = name_.rebased(owner, require_ok(Name::from_wire(dname.rdata.front())));
    if (!made && alias_) {
      return negative(zone, Rcode::kNoError);
    }
    if (!made) {
      out.rcode = Rcode::kYxDomain;
      return false;
    }
    if (alias_) {
      return follow(dname.ttl, *made);
    }
    append(out.answers, {{name_, Type::kCname, Class::kIn, dname.ttl, made->wire()}});
    return type_ != Type::kCname && type_ != Type::kAny && follow(dname.ttl, *made);
  }

  bool at(const ZoneData& zone, const std::map<Type, Rrset>& rrsets) {
    const auto cname = rrsets.find(Type::kCname);
    if (cname != rrsets.end() && type_ != Type::kCname && type_ != Type::kAny) {
      if (!alias_) {
        append(out.answers, records_of(cname->second, name_));
      }
      return follow(cname->second.ttl, require_ok(Name::from_wire(cname->second.rdata.front())));
    }
    for (const auto& [type, rrset] : rrsets) {
      if (type != Type::kAlias && (type == type_ || type_ == Type::kAny)) {
        for (Record& record : records_of(rrset, alias_ ? alias_->owner : name_)) {
          record.ttl = alias_ ? std::min(alias_->ttl, record.ttl) : record.ttl;
          append(out.answers, {record});
        }
        found_ = true;
      }
    }
    if (found_) {
      return false;
    }
    const auto alias = rrsets.find(Type::kAlias);
    if (alias != rrsets.end() && (type_ == Type::kA || type_ == Type::kAaaa)) {
      alias_ = alias_ ? alias_ : Alias{name_, &zone, alias->second.ttl};
      return follow(alias->second.ttl, require_ok(Name::from_wire(alias->second.rdata.front())));
    }
    if (alias != rrsets.end() && type_ == Type::kAny) {
      // RFC 8482 section 4.2.
      out.answers.push_back({name_, Type::kHinfo, Class::kIn, 3600, Bytes("\x07RFC8482\x00", 9)});
      return false;
    }
    return negative(zone, Rcode::kNoError);
  }

  bool follow(std::uint32_t ttl, const Name& target) {
    const bool loop = std::find(visited_.begin(), visited_.end(), target) != visited_.end();
    visited_.push_back(target);
    name_ = target;
    const bool ends = loop || visited_.size() > kLinksMax;
    if (alias_) {
      alias_->ttl = std::min(alias_->ttl, ttl);
      return !ends || negative(*alias_->zone, Rcode::kNoError);
    }
    return !ends;
  }

  const Type type_;
  Name name_;
  const std::vector<ZoneData>& zones_;
  std::vector<Name> visited_;
  std::optional<Alias> alias_;
  bool found_ = false;
};

}  // namespace

const ZoneData* Reference::zone_of(const Name& name, Type type) const {
  const ZoneData* nearest = nullptr;
  const ZoneData* parent = nullptr;  // the nearest that has the name below its apex
  for (const ZoneData& zone : zones_) {
    if (!name.is_within(zone.origin)) {
      continue;
    }
    if (nearest == nullptr || zone.origin.label_count() > nearest->origin.label_count()) {
      nearest = &zone;
    }
    if (!(zone.origin == name) &&
        (parent == nullptr || zone.origin.label_count() > parent->origin.label_count())) {
      parent = &zone;
    }
  }
  return type == Type::kDs && parent != nullptr ? parent : nearest;
}

ReferenceAnswer Reference::answer(const Question& question) const {
  Walk walk(question, zones_);
  while (true) {
    const ZoneData* zone = zone_of(walk.name(), walk.type());
    if (zone == nullptr) {
      walk.leave();
      break;
    }
    if (!walk.in_zone(*zone)) {
      break;
    }
  }
  if (walk.out.elsewhere == question.name) {
    walk.out.rcode = Rcode::kRefused;
    walk.out.authoritative = false;
  }
  add_addresses(question, walk.out);
  return walk.out;
}

void Reference::add_addresses(const Question& question, ReferenceAnswer& answer) const {
  std::vector<std::pair<Name, bool>> hosts;  // and whether what lies below a cut will do
  for (const Record& record : answer.answers) {
    if (question.type == Type::kAny) {
      break;
    }
    if (const auto host = additional_target(record.type, record.rdata)) {
      hosts.emplace_back(*host, false);
    }
  }
  for (const Record& record : answer.authorities) {
    if (const auto host = additional_target(record.type, record.rdata)) {
      hosts.emplace_back(*host, true);
    }
  }
  for (const auto& [host, glue] : hosts) {
    // Of an ALIAS what our zones have at exactly the names that it leads to.
    Name name = host;
    auto ttl_max = std::numeric_limits<std::uint32_t>::max();
    for (int links = 0; links <= kLinksMax; ++links) {
      const ZoneData* zone = zone_of(name, Type::kA);
      if (zone == nullptr || (!(glue && links == 0) && is_occluded(*zone, name))) {
        break;
      }
      const auto& rrsets = rrsets_at(*zone, name);
      for (const auto& [type, rrset] : rrsets) {
        if (type == Type::kA || type == Type::kAaaa) {
          Rrset bounded = rrset;
          bounded.ttl = std::min(ttl_max, rrset.ttl);
          append(answer.additionals, records_of(bounded, host));
        }
      }
      auto next = rrsets.find(Type::kAlias);
      next = next == rrsets.end() && links > 0 ? rrsets.find(Type::kCname) : next;
      if (next == rrsets.end()) {
        break;
      }
      ttl_max = std::min(ttl_max, next->second.ttl);
      name = require_ok(Name::from_wire(next->second.rdata.front()));
    }
  }
}

std::string difference(const Question& question, const ReferenceAnswer& expected,
                       const Message& message) {
  std::string out;
  if (message.rcode != expected.rcode) {
    out += dsl::text("rcode {}, expected {}\n", text(message.rcode), text(expected.rcode));
  }
  if (message.authoritative != expected.authoritative) {
    out += dsl::text("aa is {}\n", message.authoritative);
  }
  if (message.truncated) {
    out += "tc is set\n";
  }
  const bool any = question.type == Type::kAny;
  out += section_difference("answer", expected.answers, message.answers, any);
  out += section_difference("authority", expected.authorities, message.authorities, false);
  out += section_difference("additional", expected.additionals, message.additionals, false);
  return out;
}

}  // namespace mcns::test
