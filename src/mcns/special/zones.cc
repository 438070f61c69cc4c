#include "mcns/special/zones.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace mcns {
namespace {

using Kind = SpecialZone::Kind;

// Addresses from `first` on: those octets, of which the last goes up to `last`.
struct Range4 {
  std::array<std::uint8_t, 4> first;
  std::uint8_t size;
  std::uint8_t last;
  Kind kind = Kind::kEmpty;
};

constexpr std::array kRanges4{
    // RFC 6303 section 4.1.
    Range4{{10}, 1, 10},
    Range4{{172, 16}, 2, 31},
    Range4{{192, 168}, 2, 168},
    // RFC 6303 section 4.2.
    Range4{{0}, 1, 0},
    Range4{{127}, 1, 127, Kind::kLoopback},
    Range4{{169, 254}, 2, 254},
    Range4{{192, 0, 2}, 3, 2},
    Range4{{198, 51, 100}, 3, 100},
    Range4{{203, 0, 113}, 3, 113},
    Range4{{255, 255, 255, 255}, 4, 255},
    // RFC 7793: 100.64.0.0/10, a zone for each second octet.
    Range4{{100, 64}, 2, 127},
    // RFC 8880 section 7.2.
    Range4{{192, 0, 0, 170}, 4, 171, Kind::kIpv4onlyReverse},
};

// Nibbles of an address from its beginning.
struct Prefix6 {
  std::string_view nibbles;
  Kind kind = Kind::kEmpty;
};

constexpr std::array kPrefixes6{
    // RFC 6303 section 4.3: :: and ::1.
    Prefix6{"00000000000000000000000000000000"},
    Prefix6{"00000000000000000000000000000001", Kind::kLoopback6},
    Prefix6{"fd"},  // section 4.4
    Prefix6{"fe8"},
    Prefix6{"fe9"},
    Prefix6{"fea"},
    Prefix6{"feb"},       // section 4.5
    Prefix6{"20010db8"},  // section 4.6
};

// Of the labels "in-addr" and "ip6", with "arpa".
constexpr std::size_t kReverseLabels = 2;

bool is(std::string_view label, std::string_view lower) {
  return equal_ignoring_case(label, lower);
}

// One octet of an address as it is written in a reverse name; "010" is none.
std::optional<std::uint8_t> decimal(std::string_view label) {
  if (label.empty() || label.size() > 3 || (label.size() > 1 && label[0] == '0')) {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : label) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= UINT8_MAX ? std::optional(static_cast<std::uint8_t>(value)) : std::nullopt;
}

SpecialZone reverse4(const QueryName& name) {
  std::array<std::uint8_t, 4> octets{};
  std::size_t count = 0;
  while (count < octets.size() && count + kReverseLabels < name.labels) {
    const auto octet = decimal(label_from_right(name, kReverseLabels + 1 + count));
    if (!octet) {
      break;
    }
    octets[count++] = *octet;
  }
  for (const Range4& range : kRanges4) {
    const std::size_t same = range.size - 1U;
    if (range.size <= count &&
        std::equal(octets.begin(), octets.begin() + same, range.first.begin()) &&
        octets[same] >= range.first[same] && octets[same] <= range.last) {
      return {range.kind, static_cast<std::uint8_t>(kReverseLabels + range.size)};
    }
  }
  return {};
}

SpecialZone reverse6(const QueryName& name) {
  std::array<char, 32> nibbles{};
  std::size_t count = 0;
  while (count < nibbles.size() && count + kReverseLabels < name.labels) {
    const std::string_view label = label_from_right(name, kReverseLabels + 1 + count);
    if (label.size() != 1) {
      break;
    }
    nibbles[count++] = to_lower(label[0]);
  }
  const std::string_view address(nibbles.data(), count);
  for (const Prefix6& prefix : kPrefixes6) {
    if (address.starts_with(prefix.nibbles)) {
      return {prefix.kind, static_cast<std::uint8_t>(kReverseLabels + prefix.nibbles.size())};
    }
  }
  return {};
}

SpecialZone below_arpa(const QueryName& name) {
  const std::string_view second = label_from_right(name, 2);
  if (is(second, "in-addr")) {
    return reverse4(name);
  }
  if (is(second, "ip6")) {
    return reverse6(name);
  }
  if (is(second, "ipv4only")) {
    return {Kind::kIpv4only, 2};
  }
  // RFC 8375 section 4; RFC 9462 section 6.4: what an upstream says of itself is not true of us.
  if (is(second, "home") || is(second, "resolver")) {
    return {Kind::kEmpty, 2};
  }
  return {};
}

}  // namespace

SpecialZone special_zone(const QueryName& name) {
  if (name.labels == 0) {
    return {};
  }
  const std::string_view top = label_from_right(name, 1);
  if (is(top, "arpa")) {
    return name.labels > 1 ? below_arpa(name) : SpecialZone();
  }
  if (is(top, "localhost")) {
    return {Kind::kLocalhost, 1};
  }
  // RFC 6761 section 6.4, RFC 7686 section 2. It is the root zone that does not have them.
  if (is(top, "invalid") || is(top, "onion")) {
    return {Kind::kNoSuchName, 0};
  }
  return {};
}

std::string_view label_from_right(const QueryName& name, std::size_t from_right) {
  const std::size_t at = name.offset[name.labels - from_right];
  return name.wire.substr(at + 1, static_cast<std::uint8_t>(name.wire[at]));
}

}  // namespace mcns
