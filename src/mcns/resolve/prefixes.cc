#include "mcns/resolve/prefixes.h"

#include <array>
#include <charconv>

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

constexpr std::uint64_t kAll = ~std::uint64_t{0};

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
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  Prefix prefix;
  unsigned most = 128;
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    prefix.bits = dsl::env::address_bits(reinterpret_cast<const sockaddr*>(&v4));
    most = 32;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    prefix.bits = dsl::env::address_bits(reinterpret_cast<const sockaddr*>(&v6));
  } else {
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
  const unsigned bits = most == 32 ? kMappedBits + length : length;
  prefix.mask = dsl::env::AddressBits{kAll, kAll}.prefix(bits);
  prefixes_.push_back(prefix);
  return {};
}

}  // namespace mcns
