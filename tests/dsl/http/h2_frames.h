// HTTP/2 frames written by hand, for what no decent client sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dsl::http::test {

enum class H2 : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kContinuation = 9,
};
constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kEndHeaders = 4;

inline std::string h2_frame(H2 type, std::uint8_t flags, std::uint32_t stream,
                            std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) {
    out += static_cast<char>(payload.size() >> shift & 0xff);
  }
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) {
    out += static_cast<char>(stream >> shift & 0xff);
  }
  return out + std::string(payload);
}

// The client's side of the start: preface and empty SETTINGS.
inline std::string h2_hello() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(H2::kSettings, 0, 0, "");
}

// One field without indexing, RFC 7541 section 6.2.2; both shorter than 127 bytes.
inline std::string h2_field(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out += static_cast<char>(name.size());
  out += name;
  out += static_cast<char>(value.size());
  return out + std::string(value);
}

inline std::string h2_request(std::string_view method, std::string_view path) {
  return h2_field(":method", method) + h2_field(":scheme", "http") + h2_field(":path", path) +
         h2_field(":authority", "h");
}

inline std::string h2_get(std::uint32_t stream, std::string_view path) {
  return h2_frame(H2::kHeaders, kEndStream | kEndHeaders, stream, h2_request("GET", path));
}

}  // namespace dsl::http::test
