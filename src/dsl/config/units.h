// Durations, sizes and addresses as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::config {

// "50ms", "30s", "5m", "1h30m", "2d": whole numbers, larger units first. A bare number is refused,
// except 0.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// The form with the largest units that parses back: "1h30m", "250ms", "0s".
std::string format_duration(std::chrono::milliseconds duration);

// "512", "64KiB", "1MiB", "10GiB", "1TiB" (1024) and "KB", "MB", "GB", "TB" (1000).
Result<std::uint64_t> parse_size(std::string_view text);
// Exact: the largest unit that divides `bytes`, so "64KiB", "5GB", "1025".
std::string format_size(std::uint64_t bytes);

// "host:port", "[v6]:port", ":port".
struct HostPort {
  std::string host;  // without brackets; empty = every address
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

// True for an IPv4 or IPv6 literal.
bool is_address(std::string_view text);

}  // namespace dsl::config
