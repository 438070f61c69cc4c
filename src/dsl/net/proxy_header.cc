#include "dsl/net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>

namespace dsl::net {

namespace {

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kLine1Max = 107;  // section 2.1, with its CRLF
constexpr std::size_t kFixed2 = 16;

constexpr unsigned char kVersion2 = 0x20;
constexpr unsigned char kLocal = 0x00;
constexpr unsigned char kProxy = 0x01;
constexpr unsigned char kTcp4 = 0x11;
constexpr unsigned char kTcp6 = 0x21;

using Parsed = Result<std::optional<ProxyHeader>>;

Failure not_a_header(std::string_view why) {
  return fail(Code::kInvalidArgument, "no PROXY header: {}", why)
      .hint("is the peer a proxy that sends one?");
}

bool begins_like(std::string_view bytes, std::string_view signature) {
  const std::size_t size = std::min(bytes.size(), signature.size());
  return bytes.substr(0, size) == signature.substr(0, size);
}

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// Decimal without a sign or a leading zero.
bool is_port(std::string_view word) {
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), port);
  return parsed.ec == std::errc() && parsed.ptr == word.data() + word.size() &&
         (word.size() == 1 || word.front() != '0');
}

Parsed parse_v1(std::string_view bytes) {
  const auto end = bytes.substr(0, kLine1Max).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kLine1Max) {
      return not_a_header("the line of version 1 has more than 107 bytes");
    }
    return std::nullopt;
  }
  ProxyHeader header;
  header.size = end + 2;
  std::string_view line = bytes.substr(kSignature1.size(), end - kSignature1.size());
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
    return header;
  }
  std::array<std::string_view, 5> words;  // family, two addresses, two ports
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto space = line.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == words.size())) {
      return not_a_header("version 1 has five words");
    }
    words[i] = line.substr(0, space);
    line.remove_prefix(std::min(line.size(), words[i].size() + 1));
  }
  const bool v6 = words[0] == "TCP6";
  if ((!v6 && words[0] != "TCP4") || !is_port(words[3]) || !is_port(words[4])) {
    return not_a_header("unknown family or bad port");
  }
  const std::string_view pattern = v6 ? "[{}]:{}" : "{}:{}";
  auto source = env::parse_socket_address(text(pattern, words[1], words[3]));
  auto destination = env::parse_socket_address(text(pattern, words[2], words[4]));
  if (!source || !destination) {
    return not_a_header("bad address");
  }
  header.proxied = true;
  header.source = *source;
  header.destination = *destination;
  return header;
}

Parsed parse_v2(std::string_view bytes) {
  if (bytes.size() < kFixed2) {
    return std::nullopt;
  }
  const unsigned command = byte_at(bytes, 12) & 0x0f;
  const unsigned family = byte_at(bytes, 13);
  ProxyHeader header;
  header.size = kFixed2 + u16_at(bytes, 14);
  if ((byte_at(bytes, 12) & 0xf0) != kVersion2 || (command != kLocal && command != kProxy)) {
    return not_a_header("unknown version or command");
  }
  if (header.size > kProxyHeaderMax) {
    return not_a_header("it is too long");
  }
  // Section 2.2: LOCAL and families that we do not know keep the connection's own addresses.
  const bool known = command == kProxy && (family == kTcp4 || family == kTcp6);
  const std::size_t ip = family == kTcp4 ? sizeof(in_addr) : sizeof(in6_addr);
  if (known && header.size < kFixed2 + 2 * ip + 4) {
    return not_a_header("its addresses are cut off");
  }
  if (bytes.size() < header.size) {
    return std::nullopt;
  }
  if (known) {
    header.proxied = true;
    header.source =
        env::make_socket_address(bytes.substr(kFixed2, ip), u16_at(bytes, kFixed2 + 2 * ip));
    header.destination = env::make_socket_address(bytes.substr(kFixed2 + ip, ip),
                                                  u16_at(bytes, kFixed2 + 2 * ip + 2));
  }
  return header;
}

std::string ip_bytes(const env::SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    std::string bytes(sizeof v4.sin_addr, '\0');
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return bytes;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address.storage, sizeof v6);
  std::string bytes(sizeof v6.sin6_addr, '\0');
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return bytes;
}

std::string u16_bytes(std::size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
  if (begins_like(bytes, kSignature1)) {
    return bytes.size() < kSignature1.size() ? Parsed(std::nullopt) : parse_v1(bytes);
  }
  if (begins_like(bytes, kSignature2)) {
    return bytes.size() < kSignature2.size() ? Parsed(std::nullopt) : parse_v2(bytes);
  }
  return not_a_header("it begins otherwise");
}

std::string proxy_header_v1(const env::SocketAddress& source,
                            const env::SocketAddress& destination) {
  MC_ASSERT(source.storage.ss_family == destination.storage.ss_family, "addresses of one family");
  return text("PROXY {} {} {} {} {}\r\n", source.storage.ss_family == AF_INET6 ? "TCP6" : "TCP4",
              host_of(source), host_of(destination), port_of(source), port_of(destination));
}

std::string proxy_header_v2(const env::SocketAddress& source,
                            const env::SocketAddress& destination) {
  MC_ASSERT(source.storage.ss_family == destination.storage.ss_family, "addresses of one family");
  const std::string addresses = ip_bytes(source) + ip_bytes(destination) +
                                u16_bytes(port_of(source)) + u16_bytes(port_of(destination));
  std::string header(kSignature2);
  header += static_cast<char>(kVersion2 | kProxy);
  header += static_cast<char>(source.storage.ss_family == AF_INET6 ? kTcp6 : kTcp4);
  return header + u16_bytes(addresses.size()) + addresses;
}

}  // namespace dsl::net
