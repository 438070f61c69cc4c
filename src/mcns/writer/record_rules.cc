// Rules that a record keeps by itself, and a zone's own fields.
#include <algorithm>

#include "mcns/rdata/rdata.h"
#include "mcns/writer/rules.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::uint32_t kTtlMax = 2147483647;  // RFC 2181 section 8

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

// RFC 1123 section 2.1: letters, digits and hyphens, no hyphen at the ends.
bool is_host_label(BytesView label) {
  return is_letter_or_digit(label.front()) && is_letter_or_digit(label.back()) &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_host_name(const Name& name) {
  BytesView rest = name.wire();
  while (rest.size() > 1) {
    const std::size_t size = static_cast<std::uint8_t>(rest[0]);
    if (!is_host_label(rest.substr(1, size))) {
      return false;
    }
    rest.remove_prefix(1 + size);
  }
  return true;
}

Result<void> check_host(std::string_view field, const Name& host) {
  if (!is_host_name(host)) {
    return wrong_field(field, "{} is not the name of a host", host.text())
        .hint("letters, digits and hyphens only, for example ns1.example.net.");
  }
  return {};
}

Result<void> check_type(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  if (type == Type::kSoa) {
    return wrong_field("type", "the SOA is made from the fields of the zone")
        .hint("`mcns zone update` changes them");
  }
  if (number == 0 || type == Type::kOpt || (number >= 249 && number <= 255)) {
    return wrong_field("type", "no record of a zone has the type {}", text(type))
        .hint("for example A, AAAA, CNAME, MX, TXT or SRV");
  }
  if (is_made_by_signer(type)) {
    return wrong_field("type", "{} records are made when a zone is signed", text(type))
        .hint("leave them out");
  }
  return {};
}

}  // namespace

Result<void> check_ttl(std::string_view field, std::uint32_t ttl) {
  if (ttl > kTtlMax) {
    return wrong_field(field, "{} s is too long", ttl)
        .hint(dsl::text("0 to {}, for example 300", kTtlMax));
  }
  return {};
}

Result<void> check_value(Type type, BytesView rdata) {
  if (const Result<void> checked = check_rdata(type, rdata); !checked) {
    const dsl::Error& error = checked.error();
    return wrong_field("value", "{}", error.message())
        .hint(error.hint().empty() ? "the octets that the RFC of its type has, for example 4 for A"
                                   : error.hint());
  }
  return {};
}

bool is_made_by_signer(Type type) {
  return type == Type::kRrsig || type == Type::kNsec || type == Type::kNsec3 ||
         type == Type::kNsec3Param;
}

Result<void> check_record(const Name& origin, const Name& name, Type type, std::uint32_t ttl,
                          BytesView rdata) {
  if (!name.is_within(origin)) {
    return wrong_field("name", "{} is not in the zone {}", name.text(), origin.text())
        .hint(dsl::text("a name that ends with {}, or one without a final dot", origin.text()));
  }
  MC_TRY(check_type(type));
  MC_TRY(check_ttl("ttl", ttl));
  MC_TRY(check_value(type, rdata));
  if (name.is_wildcard() && (type == Type::kNs || type == Type::kDname)) {
    // RFC 4592 sections 4.2 and 4.4: what such a record means is not defined.
    return wrong_field("name", "{} cannot have {} records", name.text(), text(type))
        .hint("use the name without the asterisk, or records of another type");
  }
  if (type == Type::kCname && name == origin) {
    return fail(Code::kConflict,
                "{} has the SOA and NS records of its zone, so it cannot be a CNAME", name.text())
        .hint(
            "a CNAME stands alone at its name (RFC 1034 section 3.6.2): use an ALIAS, or give it "
            "addresses");
  }
  if (type == Type::kNs || type == Type::kMx || type == Type::kSrv) {
    const auto target = additional_target(type, rdata);
    if (target) {
      MC_TRY(check_host("value", *target));
    }
  }
  return {};
}

Result<void> check_zone(const store::ZoneRow& zone) {
  if (zone.soa.primary_ns.is_root()) {
    return wrong_field("primary_ns", "the zone {} names no primary server", zone.origin.text())
        .hint(dsl::text("the name of a server, for example ns1.{}", zone.origin.text()));
  }
  MC_TRY(check_host("primary_ns", zone.soa.primary_ns));
  MC_TRY(check_ttl("refresh", zone.soa.refresh_s));
  MC_TRY(check_ttl("retry", zone.soa.retry_s));
  MC_TRY(check_ttl("expire", zone.soa.expire_s));
  MC_TRY(check_ttl("minimum_ttl", zone.soa.minimum_ttl_s));
  MC_TRY(check_ttl("soa_ttl", zone.soa_ttl));
  return check_ttl("default_ttl", zone.default_ttl);
}

}  // namespace mcns::writer
