#include "mcns/api/lint.h"

#include <algorithm>
#include <optional>
#include <set>

#include "mcns/api/convert.h"
#include "mcns/api/fields.h"

namespace mcns::api {

namespace {

using Severity = LintFinding::Severity;
using dsl::text;
using store::RecordRow;

constexpr unsigned kChaseMax = 16;                // as the answers do
constexpr std::uint32_t kNegativeTtlMax = 86400;  // RFC 2308 section 5: hours, not days

// What one name is in the zones that are served.
struct Found {
  bool ours = false;   // in a zone of ours, not handed on at a cut
  bool there = false;  // with some record
  bool addressed = false;
  std::optional<Name> alias;       // a CNAME
  std::optional<Name> address_of;  // an ALIAS

  const std::optional<Name>& next() const { return alias ? alias : address_of; }
};

std::optional<Name> target_of(const zone::Node& node, Type type) {
  const auto rrset = node.find(type);
  Result<Name> target = rrset ? Name::from_wire(rrset->first_rdata()) : Result<Name>(Name());
  return rrset && target ? std::optional(std::move(*target)) : std::nullopt;
}

Found look_up(const zone::Version& version, const Name& name) {
  QueryName query;
  Found found;
  if (read_query_name(name.wire(), query) == 0) {
    return found;
  }
  const zone::Zone* zone = version.find_zone(query);
  if (zone == nullptr) {
    return found;
  }
  for (std::size_t labels = zone->origin_labels() + 1; labels <= query.labels; ++labels) {
    const zone::Node node = zone->find(query, labels);
    if (node && node.has(zone::Node::kCut)) {
      return found;  // somebody else's
    }
  }
  found.ours = true;
  zone::Node node = zone->find(query, query.labels);
  for (std::size_t labels = query.labels; !node && labels-- > zone->origin_labels();) {
    // RFC 4592: the wildcard of the closest encloser stands for it.
    if (zone->find(query, labels)) {
      node = zone->find_wildcard(query, labels);
      break;
    }
  }
  if (!node || node.is_empty()) {
    return found;
  }
  found.there = true;
  found.alias = target_of(node, Type::kCname);
  found.address_of = target_of(node, Type::kAlias);
  found.addressed = node.find(Type::kA).has_value() || node.find(Type::kAaaa).has_value() ||
                    found.address_of.has_value();
  return found;
}

class Lint {
 public:
  Lint(const store::ZoneRow& zone, const std::vector<RecordRow>& records,
       const zone::Version& version)
      : zone_(zone), records_(records), version_(version) {}

  void check_fields(dsl::env::WallTime now);
  void check_served();
  void check_records();
  std::vector<LintFinding> take() { return std::move(findings_); }

 private:
  void add(Severity severity, const Name& name, std::string finding, std::string fix) {
    findings_.push_back({severity, name, std::move(finding), std::move(fix)});
  }
  void check_record(const RecordRow& record);
  void check_target(const RecordRow& record, const Name& target);
  void check_alias(const RecordRow& record);
  void check_hidden(const RecordRow& record);

  const store::ZoneRow& zone_;
  const std::vector<RecordRow>& records_;
  const zone::Version& version_;
  std::optional<Name> cut_;    // the last one met: what lies below it follows
  std::optional<Name> dname_;  // likewise
  std::vector<LintFinding> findings_;
};

void Lint::check_fields(dsl::env::WallTime now) {
  const Soa& soa = zone_.soa;
  if (soa.retry_s >= soa.refresh_s) {
    add(Severity::kWarn, zone_.origin,
        text("retry ({} s) is not below refresh ({} s)", soa.retry_s, soa.refresh_s),
        "RFC 1912 section 2.2: retry is a fraction of refresh");
  }
  if (soa.expire_s <= soa.refresh_s + soa.retry_s) {
    add(Severity::kWarn, zone_.origin,
        text("expire ({} s) leaves a secondary no time to try again", soa.expire_s),
        "RFC 1912 section 2.2: two to four weeks");
  }
  if (soa.minimum_ttl_s > kNegativeTtlMax) {
    add(Severity::kWarn, zone_.origin,
        text("a \"no\" is kept for {} s: a new name is not seen for that long", soa.minimum_ttl_s),
        "mcns zone update --minimum-ttl 300");
  }
  if (zone_.serial_policy == store::SerialPolicy::kDate && serial_ahead(soa.serial, now) > 0) {
    add(Severity::kWarn, zone_.origin,
        text("the serial {} is {} numbers ahead of the calendar", soa.serial,
             serial_ahead(soa.serial, now)),
        "it returns by itself when there are fewer changes");
  }
}

void Lint::check_served() {
  const zone::Zone* served = version_.zone(zone_.origin);
  if (served == nullptr) {
    add(Severity::kFail, zone_.origin, "the zone is in the database and is not served",
        "restart the service; if that does not help, its log says why");
    return;
  }
  // The SOA is no row of the records.
  if (served->serial() != zone_.soa.serial || served->records() != records_.size() + 1) {
    add(Severity::kFail, zone_.origin,
        text("serial {} with {} records is served, serial {} with {} is in the database",
             served->serial(), served->records(), zone_.soa.serial, records_.size() + 1),
        "restart the service");
  }
}

void Lint::check_records() {
  const bool has_ns = std::any_of(records_.begin(), records_.end(), [&](const RecordRow& record) {
    return record.type == Type::kNs && record.name == zone_.origin;
  });
  if (!has_ns) {
    add(Severity::kFail, zone_.origin, "the zone has no NS record",
        text("mcns record add {} @ NS {}", zone_text(zone_.origin), zone_.soa.primary_ns.text()));
  }
  for (const RecordRow& record : records_) {
    check_hidden(record);
    check_record(record);
  }
}

void Lint::check_record(const RecordRow& record) {
  if (const Result<void> sound = check_rdata(record.type, record.rdata); !sound) {
    add(Severity::kFail, record.name,
        text("its {} record is damaged: {}", mcns::text(record.type), sound.error().message()),
        "delete it and add it anew");
    return;
  }
  if (record.type == Type::kCname || record.type == Type::kAlias) {
    check_alias(record);
  } else if (const std::optional<Name> target = additional_target(record.type, record.rdata)) {
    check_target(record, *target);
  }
}

// RFC 2181 section 10.3: what NS and MX point to has addresses, and is no alias.
void Lint::check_target(const RecordRow& record, const Name& target) {
  const Found found = look_up(version_, target);
  const bool grave = record.type == Type::kNs && record.name == zone_.origin;
  const Severity severity = grave ? Severity::kFail : Severity::kWarn;
  // Glue lies below the cut that it serves, where `look_up` sees somebody else's.
  const bool glue = record.type == Type::kNs && target.is_within(record.name) && !grave;
  if (glue) {
    const bool given = std::any_of(records_.begin(), records_.end(), [&](const RecordRow& other) {
      return other.name == target && (other.type == Type::kA || other.type == Type::kAaaa);
    });
    if (!given) {
      add(Severity::kFail, record.name, text("the name server {} has no glue", target.text()),
          text("add its A or AAAA record: without it nobody finds {}", record.name.text()));
    }
    return;
  }
  if (!found.ours) {
    return;
  }
  if (found.alias) {
    add(severity, record.name,
        text("its {} points to {}, which is an alias", mcns::text(record.type), target.text()),
        text("point to {} itself", found.alias->text()));
  } else if (!found.addressed) {
    add(severity, record.name,
        text("its {} points to {}, which has no address", mcns::text(record.type), target.text()),
        "add its A or AAAA record, or point elsewhere");
  }
}

void Lint::check_alias(const RecordRow& record) {
  Result<Name> target = Name::from_wire(record.rdata);
  std::set<Name> seen{record.name};
  for (unsigned links = 0; target; ++links) {
    if (!seen.insert(*target).second || links >= kChaseMax) {
      add(Severity::kFail, record.name,
          text("its aliases run in a circle through {}", target->text()),
          "break the circle: one of them has to lead to a record");
      return;
    }
    const Found found = look_up(version_, *target);
    if (!found.ours) {
      return;
    }
    if (!found.there) {
      add(Severity::kWarn, record.name,
          text("its alias leads to {}, which is not there", target->text()),
          "add a record there, or take the alias away");
      return;
    }
    if (!found.next()) {
      return;
    }
    target = *found.next();
  }
}

// RFC 1034 section 4.2.1, RFC 6672 section 2.4: what lies below a cut or a DNAME is never answered,
// apart from glue.
void Lint::check_hidden(const RecordRow& record) {
  if (record.type == Type::kNs && !(record.name == zone_.origin) &&
      !(cut_ && record.name.is_within(*cut_))) {
    cut_ = record.name;
  }
  if (record.type == Type::kDname) {
    dname_ = record.name;
  }
  const bool address = record.type == Type::kA || record.type == Type::kAaaa;
  const bool below_cut =
      cut_ && record.name.is_within(*cut_) && !(record.name == *cut_) && !address;
  const bool below_dname = dname_ && record.name.is_within(*dname_) && !(record.name == *dname_);
  if (below_cut || below_dname) {
    add(Severity::kWarn, record.name,
        text("its {} record is never answered: it lies below the {} of {}", mcns::text(record.type),
             below_cut ? "NS" : "DNAME", (below_cut ? *cut_ : *dname_).text()),
        "delete it, or put it into the zone that answers");
  }
}

}  // namespace

std::vector<LintFinding> lint_zone(const store::ZoneRow& zone,
                                   const std::vector<RecordRow>& records,
                                   const zone::Version& version, dsl::env::WallTime now) {
  Lint lint(zone, records, version);
  lint.check_served();
  lint.check_fields(now);
  lint.check_records();
  return lint.take();
}

}  // namespace mcns::api
