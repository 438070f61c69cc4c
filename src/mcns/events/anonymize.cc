#include "mcns/events/anonymize.h"

#include <algorithm>

#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

constexpr unsigned kBitsV4 = 24;
constexpr unsigned kBitsV6 = 48;
constexpr std::uint16_t kClientSubnet = 8;  // option code
constexpr std::size_t kOptionHead = 4;      // code and length
constexpr std::size_t kSubnetHead = 4;      // family, bits of the question, bits of the answer
constexpr std::uint16_t kFamilyV4 = 1;      // of a client subnet

void cut(char* subnet, std::size_t size) {
  if (size < kSubnetHead) {
    return;
  }
  const bool is_v4 = read16({subnet, size}, 0) == kFamilyV4;
  const unsigned bits = is_v4 ? kBitsV4 : kBitsV6;
  // RFC 7871 section 6: as many octets as the prefix has, so its length stays.
  const std::size_t kept = std::min(size, kSubnetHead + bits / 8);
  std::fill(subnet + kept, subnet + size, '\0');
}

}  // namespace

EventAddress anonymized(const EventAddress& address) {
  EventAddress out = address;
  out.port = 0;
  const std::size_t kept = (address.is_v6 ? kBitsV6 : kBitsV4) / 8;
  std::fill(out.octets.begin() + static_cast<std::ptrdiff_t>(kept), out.octets.end(),
            std::uint8_t{0});
  return out;
}

std::string anonymized_query(std::string_view packet) {
  std::string out(packet);
  Query query;
  if (parse_query(out, query) != ParseResult::kOk) {
    return out.substr(0, kHeaderSize);
  }
  std::string_view rest = query.edns.options;
  char* at = out.data() + (rest.empty() ? 0 : rest.data() - out.data());
  while (rest.size() >= kOptionHead) {
    const std::size_t size = std::min<std::size_t>(read16(rest, 2), rest.size() - kOptionHead);
    if (read16(rest, 0) == kClientSubnet) {
      cut(at + kOptionHead, size);
    }
    rest.remove_prefix(kOptionHead + size);
    at += kOptionHead + size;
  }
  return out;
}

}  // namespace mcns
