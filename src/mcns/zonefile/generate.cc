#include "mcns/zonefile/generate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "mcns/rdata/encodings.h"

namespace mcns::zonefile {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::uint64_t kNumberMax = 0x7fffffff;
constexpr std::uint64_t kWidthMax = 255;

struct Format {
  std::int64_t offset = 0;
  std::size_t width = 0;
  char base = 'd';
};

std::optional<std::int64_t> parse_signed(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto number = parse_number(text.substr(negative ? 1 : 0), kNumberMax);
  if (!number) {
    return std::nullopt;
  }
  const auto value = static_cast<std::int64_t>(*number);
  return negative ? -value : value;
}

// What stands between the braces.
std::optional<Format> parse_format(std::string_view text) {
  Format format;
  const std::size_t first = text.find(',');
  const auto offset = parse_signed(text.substr(0, first));
  if (!offset) {
    return std::nullopt;
  }
  format.offset = *offset;
  if (first == std::string_view::npos) {
    return format;
  }
  text.remove_prefix(first + 1);
  const std::size_t second = text.find(',');
  const auto width = parse_number(text.substr(0, second), kWidthMax);
  if (!width) {
    return std::nullopt;
  }
  format.width = static_cast<std::size_t>(*width);
  if (second == std::string_view::npos) {
    return format;
  }
  text.remove_prefix(second + 1);
  if (text.size() != 1 || std::string_view("doxXnN").find(text[0]) == std::string_view::npos) {
    return std::nullopt;
  }
  format.base = text[0];
  return format;
}

std::string digits_of(std::uint64_t value, char base) {
  std::array<char, 24> buffer;
  const int radix = base == 'd' ? 10 : base == 'o' ? 8 : 16;
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, radix);
  std::string digits(buffer.data(), done.ptr);
  if (base == 'X' || base == 'N') {
    std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) {
      return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  }
  return digits;
}

// For ip6.arpa: the width counts the dots too, as BIND's does.
std::string nibbles_of(std::uint64_t value, const Format& format) {
  std::string digits = digits_of(value, format.base);
  std::reverse(digits.begin(), digits.end());
  std::string out;
  for (const char digit : digits) {
    out += out.empty() ? "" : ".";
    out += digit;
  }
  while (out.size() < format.width) {
    out += out.ends_with('.') ? "0" : ".";
  }
  return out;
}

Result<std::string> format_value(const Format& format, std::uint32_t value) {
  const std::int64_t sum = std::int64_t{value} + format.offset;
  if (sum < 0) {
    return fail(Code::kInvalidArgument, "{} with the offset {} is negative", value, format.offset);
  }
  if (format.base == 'n' || format.base == 'N') {
    return nibbles_of(static_cast<std::uint64_t>(sum), format);
  }
  const std::string digits = digits_of(static_cast<std::uint64_t>(sum), format.base);
  return std::string(format.width - std::min(format.width, digits.size()), '0') + digits;
}

}  // namespace

Result<GenerateRange> parse_generate_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  const auto first = parse_number(text.substr(0, dash), kNumberMax);
  const auto last = dash < slash ? parse_number(text.substr(dash + 1, slash - dash - 1), kNumberMax)
                                 : std::nullopt;
  const auto step = slash == std::string_view::npos
                        ? std::optional<std::uint64_t>(1)
                        : parse_number(text.substr(slash + 1), kNumberMax);
  if (!first || !last || !step || *first > *last || *step == 0) {
    return fail(Code::kInvalidArgument, "\"{}\" is no range", text.substr(0, 60))
        .hint("FIRST-LAST or FIRST-LAST/STEP, for example 1-254");
  }
  return GenerateRange{.first = static_cast<std::uint32_t>(*first),
                       .last = static_cast<std::uint32_t>(*last),
                       .step = static_cast<std::uint32_t>(*step)};
}

Result<std::string> expand_generate(std::string_view pattern, std::uint32_t value) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::string_view rest = pattern.substr(at);
    if (rest.starts_with("$$") || rest.starts_with("\\$")) {
      out += "\\$";  // where a name begins, a bare one would be a directive
      at += 2;
    } else if (rest.starts_with('\\') && rest.size() > 1) {
      out += rest.substr(0, 2);
      at += 2;
    } else if (rest.starts_with("${")) {
      const std::size_t end = rest.find('}');
      const auto format =
          end == std::string_view::npos ? std::nullopt : parse_format(rest.substr(2, end - 2));
      if (!format) {
        return fail(Code::kInvalidArgument, "what follows $ is no format")
            .hint("${OFFSET,WIDTH,BASE}, for example ${0,3,d}; bases are d, o, x, X, n and N");
      }
      MC_ASSIGN(const std::string digits, format_value(*format, value));
      out += digits;
      at += end + 1;
    } else {
      out += rest[0] == '$' ? std::to_string(value) : std::string(1, rest[0]);
      ++at;
    }
  }
  return out;
}

}  // namespace mcns::zonefile
