// What rdata are made of: the table of the types, each a row of fields. Text, wire form, checks and
// names all follow from it, so a new type of known fields is one row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

enum class FieldKind : std::uint8_t {
  kEnd,  // no more fields
  kNumber8,
  kNumber16,
  kNumber32,
  kPeriod,  // seconds in 32 bits; text may say 1h30m
  kTime,    // 32 bits; text says 20040509183619
  kType,
  kAlgorithm,  // of DNSSEC, 8 bits; text may say ED25519
  kCertificateType,
  kIpv4,
  kIpv6,
  kName,
  kString,          // RFC 1035 section 3.3: <character-string>
  kTag,             // a string of letters and digits, without quotes
  kSalt,            // a string; hexadecimal, or "-" for none
  kHash,            // a string; base32hex
  kLongString,      // as long as it likes, without a length: the rest of the rdata
  kLongStringSome,  // and not empty
  // From here on fields that take all words that are left:
  kStrings,     // one or more
  kHex,         // not empty
  kBase64,      // not empty
  kTypes,       // a bitmap of types (RFC 4034 section 4.1.2)
  kLocation,    // RFC 1876
  kParameters,  // RFC 9460 section 2.2
};

struct Field {
  FieldKind kind = FieldKind::kEnd;
  std::string_view name;
};

constexpr std::size_t kFieldsMax = 9;

struct TypeInfo {
  Type type;
  std::string_view example;
  // One more than any type has: the last is always kEnd.
  std::array<Field, kFieldsMax + 1> fields;
  bool names_compressible = false;  // RFC 3597 section 4: of RFC 1035 only
  bool names_lower_case = false;    // in canonical form (RFC 4034 section 6.2)
  // What the fields cannot say each for itself.
  dsl::Result<void> (*check)(BytesView rdata) = nullptr;
};

// Nothing for types that are handled as RFC 3597 says.
const TypeInfo* find_type_info(Type type);
// "a number from 0 to 255".
std::string_view allowed_text(FieldKind kind);
// OPT, TSIG, AXFR, ANY and their like (RFC 6895 section 3.1): never data of a zone.
bool is_meta_type(Type type);

// How many octets the field takes of what is left of its rdata; nothing when they are not of its
// form. Parameters are looked at only for their frame: see svcb.h.
std::optional<std::size_t> field_size(FieldKind kind, BytesView rest);

// Calls use(field, offset, octets) for each field. Nothing when `rdata` are of the form of their
// type, else the field at fault: that of kEnd when octets are left over.
template <class Use>
const Field* each_field(const TypeInfo& info, BytesView rdata, Use&& use) {
  std::size_t at = 0;
  const Field* field = info.fields.data();
  for (; field->kind != FieldKind::kEnd; ++field) {
    const std::optional<std::size_t> size = field_size(field->kind, rdata.substr(at));
    if (!size) {
      return field;
    }
    use(*field, at, rdata.substr(at, *size));
    at += *size;
  }
  return at == rdata.size() ? nullptr : field;
}

}  // namespace mcns
