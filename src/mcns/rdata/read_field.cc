#include "mcns/rdata/read_field.h"

#include <algorithm>
#include <vector>

#include "dsl/json/canonical.h"
#include "mcns/rdata/encodings.h"
#include "mcns/rdata/loc.h"
#include "mcns/rdata/mnemonics.h"
#include "mcns/rdata/svcb.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kStringMax = 255;
constexpr std::size_t kShownMax = 60;

dsl::Failure not_allowed(const Field& field, std::string_view word) {
  return fail(Code::kInvalidArgument, "the {} \"{}\" is not {}", field.name,
              word.substr(0, kShownMax), allowed_text(field.kind));
}

void append_string(Bytes& rdata, BytesView octets) {
  put8(rdata, octets.size());
  rdata += octets;
}

// Each word is a string; one that is too long becomes several (RFC 1035 section 3.3.14).
void append_strings(Bytes& rdata, BytesView octets) {
  do {
    append_string(rdata, octets.substr(0, kStringMax));
    octets.remove_prefix(std::min(octets.size(), kStringMax));
  } while (!octets.empty());
}

// RFC 4034 section 4.1.2.
Result<Bytes> read_types(WordReader& words) {
  std::vector<std::uint16_t> numbers;
  while (!words.at_end()) {
    const std::string_view word = words.take().raw;
    const auto type = parse_type(word);
    if (!type) {
      return fail(Code::kInvalidArgument, "\"{}\" is no record type", word.substr(0, kShownMax));
    }
    numbers.push_back(static_cast<std::uint16_t>(*type));
  }
  std::sort(numbers.begin(), numbers.end());
  Bytes wire;
  for (auto number = numbers.begin(); number != numbers.end();) {
    const unsigned window = *number >> 8U;
    Bytes bits;
    for (; number != numbers.end() && *number >> 8U == window; ++number) {
      const std::size_t octet = (*number & 0xffU) / 8;
      bits.resize(octet + 1);
      bits[octet] = static_cast<char>(get8(bits, octet) | (0x80U >> (*number % 8U)));
    }
    put8(wire, window);
    append_string(wire, bits);
  }
  return wire;
}

std::optional<Bytes> number(std::optional<std::uint64_t> value, std::size_t octets) {
  if (!value) {
    return std::nullopt;
  }
  Bytes wire;
  for (std::size_t i = octets; i > 0; --i) {
    put8(wire, *value >> (8 * (i - 1)));
  }
  return wire;
}

std::optional<Bytes> sized(const std::optional<Bytes>& octets) {
  if (!octets || octets->size() > kStringMax) {
    return std::nullopt;
  }
  Bytes wire;
  append_string(wire, *octets);
  return wire;
}

std::optional<std::uint64_t> type_number(std::string_view text) {
  const auto type = parse_type(text);
  return type ? std::optional(static_cast<std::uint64_t>(*type)) : std::nullopt;
}

// The wire form of a field that is one word; nothing when the word says something else.
std::optional<Bytes> read_word(FieldKind kind, const Token& word) {
  switch (kind) {
    case FieldKind::kNumber8:
      return number(parse_number(word.raw, 0xff), 1);
    case FieldKind::kNumber16:
      return number(parse_number(word.raw, 0xffff), 2);
    case FieldKind::kNumber32:
      return number(parse_number(word.raw, 0xffffffff), 4);
    case FieldKind::kPeriod:
      return number(parse_period(word.raw), 4);
    case FieldKind::kTime:
      return number(parse_time(word.raw), 4);
    case FieldKind::kType:
      return number(type_number(word.raw), 2);
    case FieldKind::kAlgorithm:
      return number(parse_algorithm(word.raw), 1);
    case FieldKind::kCertificateType:
      return number(parse_certificate_type(word.raw), 2);
    case FieldKind::kIpv4:
      return parse_ipv4(word.raw);
    case FieldKind::kIpv6:
      return parse_ipv6(word.raw);
    case FieldKind::kSalt:
      return sized(word.raw == "-" ? Bytes() : from_hex(word.raw));
    case FieldKind::kHash:
      return sized(from_base32hex(word.raw));
    default: {
      Bytes scratch;
      const Bytes octets(value_of(word, scratch));
      const bool is_sized = kind == FieldKind::kString || kind == FieldKind::kTag;
      return is_sized ? sized(octets) : octets;
    }
  }
}

Result<Bytes> read_name(const Field& field, const Token& word, const Name& origin) {
  const auto name = Name::parse(word.raw, &origin);
  if (!name) {
    return fail(name.error()).context(field.name);
  }
  return name->wire();
}

Result<Bytes> read_joined(const Field& field, WordReader& words) {
  const std::string digits = words.take_joined();
  std::optional<Bytes> octets;
  if (field.kind == FieldKind::kHex) {
    octets = from_hex(digits);
  } else if (auto decoded = dsl::json::from_base64(digits)) {
    octets = std::move(*decoded);
  }
  if (!octets || octets->empty()) {
    return not_allowed(field, digits);
  }
  return std::move(*octets);
}

// Fields that are all words which are left.
Result<Bytes> read_rest(const Field& field, WordReader& words) {
  switch (field.kind) {
    case FieldKind::kStrings: {
      Bytes wire;
      Bytes scratch;
      while (!words.at_end()) {
        append_strings(wire, value_of(words.take(), scratch));
      }
      return wire;
    }
    case FieldKind::kTypes:
      return read_types(words);
    case FieldKind::kLocation:
      return words.take_with(read_location);
    case FieldKind::kParameters:
      return words.take_with(read_parameters);
    default:
      return read_joined(field, words);
  }
}

}  // namespace

std::string WordReader::take_joined() {
  last_ = next_;
  std::string joined;
  for (; next_ < words_.size(); ++next_) {
    joined += words_[next_].raw;
  }
  return joined;
}

Result<Bytes> read_field(const Field& field, WordReader& words) {
  const bool may_be_empty = field.kind == FieldKind::kTypes || field.kind == FieldKind::kParameters;
  if (words.at_end() && !may_be_empty) {
    words.missing();
    return fail(Code::kInvalidArgument, "the {} is missing: {}", field.name,
                allowed_text(field.kind));
  }
  if (field.kind == FieldKind::kName) {
    return read_name(field, words.take(), words.origin());
  }
  if (field.kind >= FieldKind::kStrings) {
    return read_rest(field, words);
  }
  const Token& word = words.take();
  auto wire = read_word(field.kind, word);
  if (!wire || field_size(field.kind, *wire) != wire->size()) {
    return not_allowed(field, word.raw);
  }
  return std::move(*wire);
}

}  // namespace mcns
