#include "mcp/cli/format.h"

#include <algorithm>
#include <array>
#include <vector>

#include "dsl/env/clock.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Globals;
using dsl::cli::Paint;

namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::size_t kDigestShown = 12;
constexpr std::size_t kValueMax = 60;

constexpr std::array<std::string_view, 5> kGood = {"healthy", "running", "done", "ok", "adopted"};
constexpr std::array<std::string_view, 7> kQuiet = {"stopped", "pending", "skipped",    "same",
                                                    "keep",    "already", "not started"};
constexpr std::array<std::string_view, 12> kBusy = {
    "starting", "preparing", "gating", "created", "restarting", "blocked",
    "retrying", "holding",   "change", "add",     "warn",       "unknown"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// "3h 20m", or "3h" when nothing of the smaller unit is left.
std::string two_units(std::int64_t ms, std::int64_t large, std::string_view large_name,
                      std::int64_t small, std::string_view small_name) {
  const std::string head = text("{}{}", ms / large, large_name);
  const std::int64_t rest = ms % large / small;
  return rest == 0 ? head : text("{} {}{}", head, rest, small_name);
}

// "mcr:v1" for "host:8443/mcr:v1": the first part is a host when it has a dot, a colon, or is
// localhost.
std::string_view without_host(std::string_view image) {
  const std::size_t slash = image.find('/');
  if (slash == std::string_view::npos) {
    return image;
  }
  const std::string_view first = image.substr(0, slash);
  const bool host = first.find_first_of(".:") != std::string_view::npos || first == "localhost";
  return host ? image.substr(slash + 1) : image;
}

// At most kValueMax bytes of a value, from a little before `from`.
std::string excerpt(const std::string& value, std::size_t from) {
  constexpr std::size_t kBefore = 20;
  if (value.empty()) {
    return "(nothing)";
  }
  if (value.size() <= kValueMax) {
    return value;
  }
  const std::size_t start = std::min(from > kBefore ? from - kBefore : 0, value.size() - kValueMax);
  const bool more = start + kValueMax < value.size();
  return text("{}{}{}", start > 0 ? "..." : "", value.substr(start, kValueMax), more ? "..." : "");
}

// Where two values part.
std::size_t common_length(const std::string& a, const std::string& b) {
  const auto parted = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return static_cast<std::size_t>(parted - a.begin());
}

}  // namespace

std::string duration_text(std::int64_t ms) {
  if (ms < kSecond) {
    return text("{} ms", ms);
  }
  if (ms < 10 * kSecond) {
    return text("{}.{} s", ms / kSecond, ms % kSecond / 100);
  }
  if (ms < kMinute) {
    return text("{} s", ms / kSecond);
  }
  return ms < kHour ? two_units(ms, kMinute, "m", kSecond, "s")
                    : two_units(ms, kHour, "h", kMinute, "m");
}

std::string age_text(std::int64_t since_ms, std::int64_t now_ms) {
  if (since_ms <= 0) {
    return "-";
  }
  const std::int64_t age = std::max<std::int64_t>(now_ms - since_ms, 0);  // clocks may be set back
  if (age < kMinute) {
    return text("{}s", age / kSecond);
  }
  if (age < kHour) {
    return text("{}m", age / kMinute);
  }
  return age < kDay ? two_units(age, kHour, "h", kMinute, "m")
                    : two_units(age, kDay, "d", kHour, "h");
}

std::string time_text(std::int64_t ms) {
  if (ms <= 0) {
    return "-";
  }
  std::string out = dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(ms)));
  out.resize(std::string_view("2026-04-03T08:45:00").size());
  out[10] = ' ';
  return out;
}

std::string short_image(std::string_view image) {
  std::string out(without_host(image));
  const std::size_t digest = out.find("@sha256:");
  if (digest != std::string::npos) {
    out.resize(std::min(out.size(), digest + 8 + kDigestShown));
  }
  return out;
}

std::string short_ports(const google::protobuf::RepeatedPtrField<std::string>& ports) {
  std::vector<std::string> shown;
  for (const std::string& port : ports) {
    // 127.0.0.1:28443->8443/tcp, and 127.0.0.1:53/udp of a socket
    const std::string host = port.substr(0, std::min(port.find("->"), port.find('/')));
    std::string one = host.substr(host.rfind(':') == std::string::npos ? 0 : host.rfind(':') + 1);
    one += port.ends_with("/udp") && !one.ends_with("/udp") ? "/udp" : "";
    if (std::find(shown.begin(), shown.end(), one) == shown.end()) {
      shown.push_back(std::move(one));
    }
  }
  std::string out;
  for (const std::string& one : shown) {
    out += (out.empty() ? "" : ", ") + one;
  }
  return out;
}

std::string painted_state(const Globals& globals, std::string_view state) {
  if (contains(kGood, state) || state.starts_with("healthy")) {
    return paint(globals, state == "healthy(sealed)" ? Paint::kWarn : Paint::kGood, state);
  }
  if (contains(kQuiet, state)) {
    return paint(globals, Paint::kDim, state);
  }
  return paint(globals, contains(kBusy, state) ? Paint::kWarn : Paint::kBad, state);
}

bool is_calm(std::string_view state) {
  return contains(kGood, state) || contains(kQuiet, state) || state == "healthy";
}

std::string difference_lines(const Differences& differences, std::string_view indent) {
  std::string out;
  for (const pb::Difference& difference : differences) {
    const std::size_t from = common_length(difference.have(), difference.want());
    out += text("{}{}: {} -> {}\n", indent, difference.field(), excerpt(difference.have(), from),
                excerpt(difference.want(), from));
  }
  return out;
}

std::string wrapped(std::string_view paragraph) {
  constexpr std::size_t kWidth = 80;
  std::string out;
  std::size_t column = 0;
  for (std::string_view rest = paragraph; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (column > 0 && column + 1 + word.size() > kWidth) {
      out += '\n';
      column = 0;
    }
    out += column > 0 ? " " : "";
    out += word;
    column += word.size() + (column > 0 ? 1 : 0);
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return out;
}

}  // namespace mcp::cli
