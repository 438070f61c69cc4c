#include "dsl/env/clock.h"

#include <optional>

namespace dsl::env {

namespace {

// `value` in the `width` digits from `at` on.
void put(std::string& out, std::size_t at, std::size_t width, unsigned value) {
  for (std::size_t i = width; i > 0; --i) {
    out[at + i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  // Every line of the log has one: by hand this takes a tenth of what snprintf takes.
  std::string out = "0000-00-00T00:00:00.000Z";
  put(out, 0, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put(out, 5, 2, static_cast<unsigned>(date.month()));
  put(out, 8, 2, static_cast<unsigned>(date.day()));
  put(out, 11, 2, static_cast<unsigned>(clock.hours().count()));
  put(out, 14, 2, static_cast<unsigned>(clock.minutes().count()));
  put(out, 17, 2, static_cast<unsigned>(clock.seconds().count()));
  put(out, 20, 3, static_cast<unsigned>(clock.subseconds().count()));
  return out;
}

namespace {

// Takes characters from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  // -1 when there are not so many digits.
  int number(std::size_t digits) {
    int value = 0;
    for (; digits > 0; --digits) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
        return -1;
      }
      value = 10 * value + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<WallTime> read_time(Reader reader) {
  using namespace std::chrono;
  const int y = reader.number(4);
  const bool dash1 = reader.take("-");
  const int mo = reader.number(2);
  const bool dash2 = reader.take("-");
  const int d = reader.number(2);
  const bool gap = reader.take("Tt ");
  const int h = reader.number(2);
  const bool colon = reader.take(":");
  const int mi = reader.number(2);
  if (y < 0 || mo < 1 || d < 1 || !dash1 || !dash2 || !gap || !colon || h < 0 || h > 23 || mi < 0 ||
      mi > 59) {
    return std::nullopt;
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d))};
  milliseconds time = hours(h) + minutes(mi);
  if (reader.take(":")) {
    const int s = reader.number(2);
    if (s < 0 || s > 60) {  // 60 is a leap second
      return std::nullopt;
    }
    time += seconds(s);
    if (reader.take(".")) {
      int digit = reader.number(1);
      if (digit < 0) {
        return std::nullopt;
      }
      for (int scale = 100; digit >= 0; digit = reader.number(1), scale /= 10) {
        time += milliseconds(digit * scale);
      }
    }
  }
  const bool east = reader.take("+");
  if (east || reader.take("-")) {
    const int oh = reader.number(2);
    const bool separated = reader.take(":");
    const int om = reader.number(2);
    if (oh < 0 || oh > 23 || !separated || om < 0 || om > 59) {
      return std::nullopt;
    }
    const minutes offset = hours(oh) + minutes(om);
    time -= east ? offset : -offset;
  } else if (!reader.take("Zz")) {
    return std::nullopt;
  }
  if (!date.ok() || !reader.at_end()) {
    return std::nullopt;
  }
  return WallTime(sys_days(date)) + time;
}

}  // namespace

Result<WallTime> parse_time(std::string_view text) {
  const auto time = read_time(Reader(text));
  if (!time) {
    return fail(Code::kInvalidArgument, "\"{}\" is not a time", text)
        .hint("write it as 2026-04-03T08:45:00Z, or with an offset: 2026-04-03T10:45:00+02:00");
  }
  return *time;
}

}  // namespace dsl::env
