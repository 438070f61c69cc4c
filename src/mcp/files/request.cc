// Numbers in the byte order of the machine: both ends are on it.
#include "mcp/files/request.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "mcp/files/service_path.h"

namespace mcp::files {

namespace {

constexpr std::uint32_t kMagic = 0x4d43'4e31;  // another version of the helper says something else
constexpr std::size_t kTextMax = 4096;

template <class Number>
void put(std::string& out, Number number) {
  static_assert(std::is_integral_v<Number>);
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

void put_info(std::string& out, const Info& info) {
  put(out, static_cast<std::uint8_t>(info.kind));
  put(out, info.mode);
  put(out, info.uid);
  put(out, info.gid);
  put(out, info.size_bytes);
  put(out, info.modified_ns);
}

// Takes from the front; after the first thing that is not there all else is zero and `good` false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    if (rest_.size() < sizeof value) {
      return fail(), value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }

  std::string text() {
    const std::size_t size = number<std::uint16_t>();
    if (size > rest_.size() || size > kTextMax) {
      return fail(), std::string();
    }
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }

  // One of 0..most.
  std::uint8_t choice(std::uint8_t most) {
    const auto value = number<std::uint8_t>();
    if (value > most) {
      fail();
    }
    return value;
  }

  Info info() {
    Info out;
    out.kind = static_cast<Kind>(choice(static_cast<std::uint8_t>(Kind::kOther)));
    out.mode = number<std::uint32_t>();
    out.uid = number<std::uint32_t>();
    out.gid = number<std::uint32_t>();
    out.size_bytes = number<std::uint64_t>();
    out.modified_ns = number<std::int64_t>();
    return out;
  }

  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }
  void fail() {
    good_ = false;
    rest_ = {};
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

bool is_plain_path(const std::string& path) {
  ServicePath parsed;
  return parse_service_path(path, {}, parsed) == PathFault::kNone && parsed.path == path;
}

// What each request must bring.
bool is_sound(const Request& request) {
  const bool needs_partial =
      request.op == Op::kOpenPartial || request.op == Op::kCommit || request.op == Op::kDropPartial;
  const bool needs_target = request.op == Op::kCommit;
  return is_plain_path(request.path) && (request.mode & ~0777u) == 0 &&
         (needs_partial ? is_partial_name(request.partial) : request.partial.empty()) &&
         (needs_target ? is_file_name(request.target) : request.target.empty());
}

}  // namespace

bool is_partial_name(std::string_view name) {
  if (!name.starts_with(kPartialPrefix) || name.size() != kPartialPrefix.size() + kPartialDigits) {
    return false;
  }
  const std::string_view digits = name.substr(kPartialPrefix.size());
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string encode(const Request& request) {
  std::string out;
  put(out, kMagic);
  put(out, static_cast<std::uint8_t>(request.op));
  put(out, static_cast<std::uint8_t>(request.follow ? 1 : 0));
  put(out, request.mode);
  put(out, request.before_s);
  put_text(out, request.path);
  put_text(out, request.partial);
  put_text(out, request.target);
  return out;
}

std::optional<Request> decode_request(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.number<std::uint32_t>() != kMagic) {
    return std::nullopt;
  }
  Request request;
  request.op = static_cast<Op>(reader.choice(static_cast<std::uint8_t>(Op::kSweep)));
  request.follow = reader.choice(1) == 1;
  request.mode = reader.number<std::uint32_t>();
  request.before_s = reader.number<std::int64_t>();
  request.path = reader.text();
  request.partial = reader.text();
  request.target = reader.text();
  const bool whole = reader.good() && reader.at_end() && static_cast<std::uint8_t>(request.op) != 0;
  return whole && is_sound(request) ? std::optional(std::move(request)) : std::nullopt;
}

std::string encode(const Answer& answer) {
  std::string out;
  put(out, kMagic);
  put(out, answer.error);
  put(out, static_cast<std::uint8_t>(answer.stage));
  put(out, static_cast<std::uint8_t>(answer.cut ? 1 : 0));
  put_info(out, answer.info);
  return out;
}

std::optional<Answer> decode_answer(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.number<std::uint32_t>() != kMagic) {
    return std::nullopt;
  }
  Answer answer;
  answer.error = reader.number<std::int32_t>();
  answer.stage = static_cast<Stage>(reader.choice(static_cast<std::uint8_t>(Stage::kSync)));
  answer.cut = reader.choice(1) == 1;
  answer.info = reader.info();
  return reader.good() && reader.at_end() ? std::optional(answer) : std::nullopt;
}

void append(std::string& out, const Entry& entry) {
  put_info(out, entry.info);
  put_text(out, entry.name);
  put_text(out, entry.link);
}

std::optional<std::vector<Entry>> decode_entries(std::string_view bytes) {
  Reader reader(bytes);
  std::vector<Entry> entries;
  while (!reader.at_end()) {
    Entry entry;
    entry.info = reader.info();
    entry.name = reader.text();
    entry.link = reader.text();
    if (!reader.good() || entry.name.empty() || entry.name.size() > 255 ||
        entry.name.find('/') != std::string::npos) {
      return std::nullopt;
    }
    entries.push_back(std::move(entry));
  }
  return reader.good() ? std::optional(std::move(entries)) : std::nullopt;
}

}  // namespace mcp::files
