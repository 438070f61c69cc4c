#include "mcns/resolve/prefixes.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr unsigned kMappedBits = 96;  // of ::ffff:0:0

// RFC 1918, 6598, 3927, 4193, 4291.
constexpr std::array<std::string_view, 9> kPrivate = {
    "127.0.0.0/8",    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
    "169.254.0.0/16", "::1/128",    "fe80::/10",     "fc00::/7"};

std::array<std::uint8_t, 16> mapped(const in_addr& address) {
  std::array<std::uint8_t, 16> out{};
  out[10] = out[11] = 0xff;
  std::memcpy(out.data() + 12, &address, 4);
  return out;
}

bool same_bits(const std::uint8_t* a, const std::uint8_t* b, unsigned bits) {
  const unsigned octets = bits / 8;
  const unsigned rest = bits % 8;
  return std::memcmp(a, b, octets) == 0 &&
         (rest == 0 || ((a[octets] ^ b[octets]) >> (8U - rest)) == 0);
}

}  // namespace

Result<Prefixes> Prefixes::parse(const std::vector<std::string>& texts) {
  Prefixes out;
  for (const std::string& text : texts) {
    if (text == "private") {
      for (const std::string_view each : kPrivate) {
        MC_TRY(out.add(each));
      }
    } else if (text == "any") {
      MC_TRY(out.add("0.0.0.0/0"));
      MC_TRY(out.add("::/0"));
    } else if (text != "none") {
      MC_TRY(out.add(text));
    }
  }
  return out;
}

Result<void> Prefixes::add(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Prefix prefix;
  in_addr v4{};
  unsigned most = 128;
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    prefix.bits = mapped(v4);
    most = 32;
  } else if (::inet_pton(AF_INET6, host.c_str(), prefix.bits.data()) != 1) {
    return fail(Code::kInvalidArgument, "\"{}\" is no range of addresses", text)
        .hint("192.0.2.0/24, 2001:db8::/32, a single address, private, any or none");
  }
  unsigned length = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || length > most) {
      return fail(Code::kInvalidArgument, "\"{}\" has no length of 0 to {} behind the slash", text,
                  most);
    }
  }
  prefix.length = most == 32 ? kMappedBits + length : length;
  prefixes_.push_back(prefix);
  return {};
}

bool Prefixes::contains(const sockaddr* address) const {
  std::array<std::uint8_t, 16> bits{};
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof(v4));
    bits = mapped(v4.sin_addr);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof(v6));
    std::memcpy(bits.data(), &v6.sin6_addr, bits.size());
  } else {
    return false;
  }
  return has(bits);
}

bool Prefixes::contains(std::string_view address) const {
  if (address.size() == sizeof(in_addr)) {
    in_addr v4{};
    std::memcpy(&v4, address.data(), sizeof(v4));
    return has(mapped(v4));
  }
  std::array<std::uint8_t, 16> bits{};
  if (address.size() != bits.size()) {
    return false;
  }
  std::memcpy(bits.data(), address.data(), bits.size());
  return has(bits);
}

bool Prefixes::has(const std::array<std::uint8_t, 16>& bits) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(), [&bits](const Prefix& prefix) {
    return same_bits(bits.data(), prefix.bits.data(), prefix.length);
  });
}

}  // namespace mcns
