#include "dsl/http/date.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace dsl::http {

namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes `size` digits (or a blank and a digit) from the front; -1 when there are none.
int take_number(std::string_view& text, std::size_t size) {
  std::string_view digits = text.substr(0, size);
  if (digits.starts_with(' ')) {
    digits.remove_prefix(1);
  }
  int value = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (text.size() < size || parsed.ec != std::errc() ||
      parsed.ptr != digits.data() + digits.size() || value < 0) {
    return -1;
  }
  text.remove_prefix(size);
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) {
    return false;
  }
  text.remove_prefix(expected.size());
  return true;
}

// 1 to 12; 0 when there is none.
int take_month(std::string_view& text) {
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (take(text, kMonths[i])) {
      return static_cast<int>(i) + 1;
    }
  }
  return 0;
}

struct Parts {
  int year = -1, month = 0, day = -1, hour = -1, minute = -1, second = -1;
};

bool take_time(std::string_view& text, Parts& parts) {
  parts.hour = take_number(text, 2);
  const bool first = take(text, ":");
  parts.minute = take_number(text, 2);
  const bool second = take(text, ":");
  parts.second = take_number(text, 2);
  return first && second;
}

std::optional<env::WallTime> assemble(const Parts& parts) {
  const year_month_day date(std::chrono::year(parts.year),
                            std::chrono::month(static_cast<unsigned>(parts.month)),
                            std::chrono::day(static_cast<unsigned>(parts.day)));
  // 60: a leap second.
  if (parts.year < 0 || !date.ok() || parts.hour < 0 || parts.hour > 23 || parts.minute < 0 ||
      parts.minute > 59 || parts.second < 0 || parts.second > 60) {
    return std::nullopt;
  }
  return env::WallTime(sys_days(date).time_since_epoch() + std::chrono::hours(parts.hour) +
                       std::chrono::minutes(parts.minute) + std::chrono::seconds(parts.second));
}

// "06 Nov 1994 08:49:37 GMT", or with dashes and two digits of the year (RFC 850).
std::optional<env::WallTime> parse_gmt(std::string_view text, std::string_view dash,
                                       std::size_t year_digits) {
  Parts parts;
  parts.day = take_number(text, 2);
  const bool first = take(text, dash);
  parts.month = take_month(text);
  const bool second = take(text, dash);
  parts.year = take_number(text, year_digits);
  if (year_digits == 2 && parts.year >= 0) {
    parts.year += parts.year < 70 ? 2000 : 1900;
  }
  const bool third = take(text, " ");
  if (!take_time(text, parts) || !first || !second || !third || text != " GMT") {
    return std::nullopt;
  }
  return assemble(parts);
}

// asctime: "Sun Nov  6 08:49:37 1994", behind the day's name.
std::optional<env::WallTime> parse_asctime(std::string_view text) {
  Parts parts;
  parts.month = take_month(text);
  const bool first = take(text, " ");
  parts.day = take_number(text, 2);
  const bool second = take(text, " ");
  const bool clock = take_time(text, parts);
  const bool third = take(text, " ");
  parts.year = take_number(text, 4);
  if (!first || !second || !clock || !third || !text.empty()) {
    return std::nullopt;
  }
  return assemble(parts);
}

}  // namespace

std::string format_http_date(env::WallTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const year_month_day date(days);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time - days).count();
  const auto weekday = std::chrono::weekday(days).c_encoding();
  std::array<char, 64> buffer;
  const int size = std::snprintf(
      buffer.data(), buffer.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[weekday].data(),
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1].data(),
      static_cast<int>(date.year()), static_cast<int>(seconds / 3600),
      static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

std::optional<env::WallTime> parse_http_date(std::string_view text) {
  const auto comma = text.find(", ");
  if (comma != std::string_view::npos) {
    const std::string_view rest = text.substr(comma + 2);
    return comma == 3 ? parse_gmt(rest, " ", 4) : parse_gmt(rest, "-", 2);
  }
  return text.size() > 4 && text[3] == ' ' ? parse_asctime(text.substr(4)) : std::nullopt;
}

}  // namespace dsl::http
