#include "mcns/wire/rdata_names.h"

#include <algorithm>
#include <array>

namespace mcns {
namespace {

// RFC 1035 section 3.3; RFC 3597 section 4 names those of later RFCs that receivers have to expect
// compressed. KX and DNAME are never to be sent so, but old servers did.
constexpr std::array kLayouts = std::to_array<RdataNames>({
    {2, 0, 0, 1, true},    // NS
    {3, 0, 0, 1, true},    // MD
    {4, 0, 0, 1, true},    // MF
    {5, 0, 0, 1, true},    // CNAME
    {6, 0, 0, 2, true},    // SOA
    {7, 0, 0, 1, true},    // MB
    {8, 0, 0, 1, true},    // MG
    {9, 0, 0, 1, true},    // MR
    {12, 0, 0, 1, true},   // PTR
    {14, 0, 0, 2, true},   // MINFO
    {15, 2, 0, 1, true},   // MX
    {17, 0, 0, 2, false},  // RP
    {18, 2, 0, 1, false},  // AFSDB
    {21, 2, 0, 1, false},  // RT
    {26, 2, 0, 2, false},  // PX
    {33, 6, 0, 1, false},  // SRV
    {35, 4, 3, 1, false},  // NAPTR
    {36, 2, 0, 1, false},  // KX
    {39, 0, 0, 1, false},  // DNAME
});

std::size_t octet(BytesView wire, std::size_t at) { return static_cast<std::uint8_t>(wire[at]); }

}  // namespace

const RdataNames* find_rdata_names(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  const auto* found = std::find_if(kLayouts.begin(), kLayouts.end(),
                                   [number](const auto& layout) { return layout.type == number; });
  return found == kLayouts.end() ? nullptr : found;
}

std::optional<std::size_t> first_name_at(const RdataNames& layout, BytesView rdata) {
  std::size_t at = layout.octets;
  for (unsigned i = 0; i < layout.strings && at < rdata.size(); ++i) {
    at += 1 + octet(rdata, at);
  }
  return at < rdata.size() ? std::optional(at) : std::nullopt;
}

std::optional<std::size_t> name_size_at(BytesView wire, std::size_t begin) {
  std::size_t at = begin;
  while (at < wire.size() && at - begin < kNameMax) {
    const std::size_t size = octet(wire, at);
    if (size == 0) {
      return at + 1 - begin;
    }
    if (size > kLabelMax) {
      return std::nullopt;
    }
    at += 1 + size;
  }
  return std::nullopt;
}

}  // namespace mcns
