#include "dsl/config/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include <arpa/inet.h>

namespace dsl::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first.
constexpr std::array<Unit, 5> kDurationUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 9> kSizeUnits{{{"TiB", 1ull << 40},
                                          {"GiB", 1ull << 30},
                                          {"MiB", 1ull << 20},
                                          {"KiB", 1ull << 10},
                                          {"TB", 1'000'000'000'000},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"KB", 1'000},
                                          {"B", 1}}};
constexpr auto kDurationMax = static_cast<std::uint64_t>(std::chrono::milliseconds::max().count());

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `text`; nothing when there are none or the number does not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (parsed.ec != std::errc()) {
    return std::nullopt;
  }
  return value;
}

// Takes what is not a digit at the front of `text`.
std::string_view take_unit(std::string_view& text) {
  const auto end = std::find_if(text.begin(), text.end(), is_digit);
  const std::string_view unit = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(unit.size());
  return unit;
}

// sum + value * factor, if it is at most `maximum`.
bool add_product(std::uint64_t& sum, std::uint64_t value, std::uint64_t factor,
                 std::uint64_t maximum) {
  std::uint64_t product = 0;
  return !__builtin_mul_overflow(value, factor, &product) &&
         !__builtin_add_overflow(sum, product, &sum) && sum <= maximum;
}

Failure bad_duration(std::string_view text, std::string_view why) {
  return fail(Code::kInvalidArgument, "\"{}\" is not a duration: {}", text, why)
      .hint("write it like 50ms, 30s, 5m, 1h30m or 2d");
}

Failure bad_size(std::string_view text, std::string_view why) {
  return fail(Code::kInvalidArgument, "\"{}\" is not a size: {}", text, why)
      .hint("write it like 512, 64KiB, 1MiB or 10GB");
}

Failure bad_host_port(std::string_view text, std::string_view why) {
  return fail(Code::kInvalidArgument, "\"{}\" is not an address with a port: {}", text, why)
      .hint("write it like 127.0.0.1:8443, [::1]:8443, example.test:8443 or :8443");
}

bool is_host_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
         c == '_';
}

bool is_v6_address(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") {
    return std::chrono::milliseconds{0};
  }
  if (text.empty()) {
    return bad_duration(text, "it is empty");
  }

  std::uint64_t sum_ms = 0;
  auto next_unit = kDurationUnits.begin();
  for (std::string_view rest = text; !rest.empty();) {
    if (!is_digit(rest.front())) {
      return bad_duration(text, "expected a number");
    }
    const std::optional<std::uint64_t> number = take_number(rest);
    const std::string_view name = take_unit(rest);
    if (name.empty()) {
      return bad_duration(text, "a unit is missing");
    }
    const auto unit = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                   [&](const Unit& known) { return known.name == name; });
    if (unit == kDurationUnits.end()) {
      return bad_duration(text, dsl::text("there is no unit \"{}\"", name));
    }
    if (unit < next_unit) {
      return bad_duration(text, "each unit may stand once, larger units first");
    }
    if (!number || !add_product(sum_ms, *number, unit->factor, kDurationMax)) {
      return bad_duration(text, "it is too long");
    }
    next_unit = unit + 1;
  }
  return std::chrono::milliseconds{static_cast<std::int64_t>(sum_ms)};
}

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() == 0) {
    return "0s";
  }
  std::string out = duration.count() < 0 ? "-" : "";
  // Unsigned negation, so that the smallest value has a magnitude too.
  auto rest_ms = static_cast<std::uint64_t>(duration.count());
  rest_ms = duration.count() < 0 ? 0 - rest_ms : rest_ms;
  for (const Unit& unit : kDurationUnits) {
    if (rest_ms >= unit.factor) {
      out += std::to_string(rest_ms / unit.factor).append(unit.name);
      rest_ms %= unit.factor;
    }
  }
  return out;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) {
    return bad_size(text, "expected a whole number");
  }
  std::string_view unit = text;
  const std::optional<std::uint64_t> number = take_number(unit);
  if (number && unit.empty()) {
    return *number;
  }
  const auto known = std::find_if(kSizeUnits.begin(), kSizeUnits.end(),
                                  [&](const Unit& entry) { return entry.name == unit; });
  if (known == kSizeUnits.end() && !unit.empty()) {
    return bad_size(text, dsl::text("there is no unit \"{}\"", unit));
  }
  std::uint64_t bytes = 0;
  if (!number ||
      !add_product(bytes, *number, known->factor, std::numeric_limits<std::uint64_t>::max())) {
    return bad_size(text, "it is too large");
  }
  return bytes;
}

std::string format_size(std::uint64_t bytes) {
  if (bytes == 0) {
    return "0";
  }
  for (const Unit& unit : kSizeUnits) {
    if (unit.factor > 1 && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor).append(unit.name);
    }
  }
  return std::to_string(bytes);
}

Result<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad_host_port(text, "the port is missing");
  }

  HostPort out;
  std::string_view port = text.substr(colon + 1);
  const std::size_t port_size = port.size();
  const std::optional<std::uint64_t> number = take_number(port);
  if (port_size == 0 || !port.empty() || !number ||
      *number > std::numeric_limits<std::uint16_t>::max()) {
    return bad_host_port(text, "the port is not a number up to 65535");
  }
  out.port = static_cast<std::uint16_t>(*number);

  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    out.host = host.substr(1, host.size() - 2);
    if (!is_v6_address(out.host)) {
      return bad_host_port(text, "there is no IPv6 address in the brackets");
    }
    return out;
  }
  if (host.find(':') != std::string_view::npos) {
    return bad_host_port(text, "an IPv6 address goes in brackets");
  }
  if (!std::all_of(host.begin(), host.end(), is_host_character)) {
    return bad_host_port(text, "the host has a character that no host name has");
  }
  out.host = host;
  return out;
}

bool is_address(std::string_view text) {
  const std::string name(text);
  if (name.find('\0') != std::string::npos) {
    return false;
  }
  in_addr v4;
  return inet_pton(AF_INET, name.c_str(), &v4) == 1 || is_v6_address(name);
}

}  // namespace dsl::config
