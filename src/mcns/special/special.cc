#include "mcns/special/special.h"

#include <array>

#include "mcns/special/zones.h"

namespace mcns {
namespace {

using namespace std::string_view_literals;
using Kind = SpecialAnswer::Kind;
using Data = std::span<const std::string_view>;

constexpr std::array kLoopbackA{"\x7f\0\0\x01"sv};
constexpr std::array kLoopbackAaaa{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv};
// RFC 8880 section 7.1, RFC 7050: 192.0.0.170 and 192.0.0.171.
constexpr std::array kIpv4onlyA{"\xc0\0\0\xaa"sv, "\xc0\0\0\xab"sv};
constexpr std::array kLocalhostName{"\x09localhost\0"sv};
constexpr std::array kIpv4onlyName{
    "\x08ipv4only\x04"
    "arpa\0"sv};
// RFC 6303 section 3, with a server that nobody will look for anywhere else.
constexpr std::array kSoa{
    "\x09localhost\0\x06nobody\x07invalid\0"
    "\0\0\0\x01\0\0\x0e\x10\0\0\x04\xb0\0\x09\x3a\x80\0\0\x2a\x30"sv};

// What there is at one name.
struct Contents {
  bool exists = true;
  bool is_apex = false;
  Data a;
  Data aaaa;
  Data ptr;
};

// The names that lead to 127.0.0.1 exist, if only since it lies below them.
Contents loopback(const QueryName& name, std::size_t zone_labels) {
  constexpr std::array kOctets{"0"sv, "0"sv, "1"sv};
  const std::size_t depth = name.labels - zone_labels;
  if (depth > kOctets.size()) {
    return {.exists = false};
  }
  for (std::size_t i = 0; i < depth; ++i) {
    if (label_from_right(name, zone_labels + 1 + i) != kOctets[i]) {
      return {.exists = false};
    }
  }
  return {.is_apex = depth == 0, .ptr = depth == kOctets.size() ? Data(kLocalhostName) : Data()};
}

Contents contents_of(const QueryName& name, const SpecialZone& zone) {
  const bool is_apex = name.labels == zone.labels;
  switch (zone.kind) {
    case SpecialZone::Kind::kLocalhost:
      return {.is_apex = is_apex, .a = kLoopbackA, .aaaa = kLoopbackAaaa};
    case SpecialZone::Kind::kIpv4only:
      return {.exists = is_apex, .is_apex = is_apex, .a = kIpv4onlyA};
    case SpecialZone::Kind::kIpv4onlyReverse:
      return {.exists = is_apex, .is_apex = is_apex, .ptr = kIpv4onlyName};
    case SpecialZone::Kind::kLoopback6:
      return {.exists = is_apex, .is_apex = is_apex, .ptr = kLocalhostName};
    case SpecialZone::Kind::kLoopback:
      return loopback(name, zone.labels);
    case SpecialZone::Kind::kEmpty:
      return {.exists = is_apex, .is_apex = is_apex};
    case SpecialZone::Kind::kNone:
    case SpecialZone::Kind::kNoSuchName:
      break;
  }
  return {.exists = false};
}

Data data_of(const Contents& contents, Type type) {
  switch (type) {
    case Type::kA:
      return contents.a;
    case Type::kAaaa:
      return contents.aaaa;
    case Type::kPtr:
      return contents.ptr;
    case Type::kNs:
      return contents.is_apex ? Data(kLocalhostName) : Data();
    case Type::kSoa:
      return contents.is_apex ? Data(kSoa) : Data();
    default:
      return {};
  }
}

// RFC 8482 section 4.1: one RRset is enough.
Type any_type(const Contents& contents) {
  if (!contents.a.empty()) {
    return Type::kA;
  }
  return contents.ptr.empty() ? Type::kSoa : Type::kPtr;
}

}  // namespace

SpecialAnswer special_answer(const QueryName& name, Type type) {
  const SpecialZone zone = special_zone(name);
  if (zone.kind == SpecialZone::Kind::kNone) {
    return {};
  }
  // The parent has the DS of a zone, or the proof that there is none: without it nobody behind us
  // could validate (RFC 8375 section 4 number 4, RFC 6303 section 7).
  if (type == Type::kDs && zone.labels > 1 && name.labels == zone.labels) {
    return {};
  }
  const Contents contents = contents_of(name, zone);
  SpecialAnswer answer{.zone_labels = zone.labels, .type = type};
  if (!contents.exists) {
    answer.kind = Kind::kNxDomain;
    return answer;
  }
  if (type == Type::kAny) {
    answer.type = any_type(contents);
  }
  answer.rdata = data_of(contents, answer.type);
  answer.kind = answer.rdata.empty() ? Kind::kNoData : Kind::kRecords;
  return answer;
}

std::string_view special_soa() { return kSoa[0]; }

}  // namespace mcns
