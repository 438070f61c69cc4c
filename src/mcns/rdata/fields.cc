#include "mcns/rdata/fields.h"

#include "mcns/rdata/encodings.h"
#include "mcns/rdata/loc.h"
#include "mcns/rdata/svcb.h"
#include "mcns/wire/rdata_names.h"

namespace mcns {
namespace {

std::optional<std::size_t> fixed(std::size_t size, BytesView rest) {
  return rest.size() >= size ? std::optional(size) : std::nullopt;
}

// With its length octet.
std::optional<std::size_t> string_size(BytesView rest) {
  return rest.empty() ? std::nullopt : fixed(1U + get8(rest, 0), rest);
}

std::optional<std::size_t> all_if(bool good, BytesView rest) {
  return good ? std::optional(rest.size()) : std::nullopt;
}

bool is_tag(BytesView tag) {
  const auto is_alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
  };
  for (const char c : tag) {
    if (!is_alphanumeric(c)) {
      return false;
    }
  }
  return !tag.empty();
}

bool are_strings(BytesView rest) {
  // RFC 1035 section 3.3.14: one or more.
  bool good = !rest.empty();
  while (good && !rest.empty()) {
    const auto size = string_size(rest);
    good = size.has_value();
    rest.remove_prefix(size.value_or(0));
  }
  return good;
}

// RFC 4034 section 4.1.2: windows in order, without zero octets at their end.
bool are_types(BytesView rest) {
  int window_before = -1;
  while (!rest.empty()) {
    const std::size_t size = rest.size() < 2 ? 0 : get8(rest, 1);
    if (size == 0 || size > 32 || rest.size() < 2 + size || get8(rest, 0) <= window_before ||
        rest[1 + size] == '\0') {
      return false;
    }
    window_before = get8(rest, 0);
    rest.remove_prefix(2 + size);
  }
  return true;
}

}  // namespace

std::optional<std::size_t> field_size(FieldKind kind, BytesView rest) {
  switch (kind) {
    case FieldKind::kEnd:
      return 0;
    case FieldKind::kNumber8:
    case FieldKind::kAlgorithm:
      return fixed(1, rest);
    case FieldKind::kNumber16:
    case FieldKind::kType:
    case FieldKind::kCertificateType:
      return fixed(2, rest);
    case FieldKind::kNumber32:
    case FieldKind::kPeriod:
    case FieldKind::kTime:
    case FieldKind::kIpv4:
      return fixed(4, rest);
    case FieldKind::kIpv6:
      return fixed(16, rest);
    case FieldKind::kName:
      return name_size_at(rest, 0);
    case FieldKind::kString:
    case FieldKind::kSalt:
      return string_size(rest);
    case FieldKind::kTag: {
      const auto size = string_size(rest);
      return size && is_tag(rest.substr(1, *size - 1)) ? size : std::nullopt;
    }
    case FieldKind::kHash: {
      const auto size = string_size(rest);
      return size && *size > 1 ? size : std::nullopt;
    }
    case FieldKind::kStrings:
      return all_if(are_strings(rest), rest);
    case FieldKind::kLongString:
      return rest.size();
    case FieldKind::kLongStringSome:
    case FieldKind::kHex:
    case FieldKind::kBase64:
      return all_if(!rest.empty(), rest);
    case FieldKind::kTypes:
      return all_if(are_types(rest), rest);
    case FieldKind::kLocation:
      return all_if(is_location(rest), rest);
    case FieldKind::kParameters:
      return all_if(are_parameters_framed(rest), rest);
  }
  return std::nullopt;
}

std::string_view allowed_text(FieldKind kind) {
  switch (kind) {
    case FieldKind::kEnd:
      return "nothing";
    case FieldKind::kNumber8:
      return "a number from 0 to 255";
    case FieldKind::kNumber16:
      return "a number from 0 to 65535";
    case FieldKind::kNumber32:
      return "a number from 0 to 4294967295";
    case FieldKind::kPeriod:
      return "seconds, or a period such as 1h30m";
    case FieldKind::kTime:
      return "a time such as 20240131235959 (UTC)";
    case FieldKind::kType:
      return "a record type";
    case FieldKind::kAlgorithm:
      return "a number from 0 to 255 or a mnemonic such as ED25519";
    case FieldKind::kCertificateType:
      return "a number from 0 to 65535 or a mnemonic such as PKIX";
    case FieldKind::kIpv4:
      return "an IPv4 address";
    case FieldKind::kIpv6:
      return "an IPv6 address";
    case FieldKind::kName:
      return "a domain name";
    case FieldKind::kString:
      return "a string of at most 255 octets";
    case FieldKind::kTag:
      return "letters and digits, at most 255";
    case FieldKind::kSalt:
      return "hexadecimal digits for at most 255 octets, or - for none";
    case FieldKind::kHash:
      return "base32hex digits for 1 to 255 octets";
    case FieldKind::kStrings:
      return "one string or more";
    case FieldKind::kLongString:
      return "one string";
    case FieldKind::kLongStringSome:
      return "one string that is not empty";
    case FieldKind::kHex:
      return "hexadecimal digits, two for each octet";
    case FieldKind::kBase64:
      return "base64 with its padding";
    case FieldKind::kTypes:
      return "record types";
    case FieldKind::kLocation:
      return "latitude, longitude, altitude, and if need be size and precisions";
    case FieldKind::kParameters:
      return "parameters such as alpn=h2 or port=443";
  }
  return "";
}

}  // namespace mcns
