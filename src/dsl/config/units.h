// Durations, sizes and addresses as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::config {

// "50ms", "30s", "5m", "1h30m", "2d". A bare number is refused, except 0.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// The shortest form that parses back: "1h30m", "250ms".
std::string format_duration(std::chrono::milliseconds duration);

// "512", "64KiB", "1MiB", "10GiB" (1024) and "KB", "MB", "GB" (1000).
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

// "host:port", "[v6]:port", ":port".
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

// True for an IPv4 or IPv6 literal.
bool is_address(std::string_view text);

}  // namespace dsl::config
