#include "dsl/replica/format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "dsl/json/text.h"
#include "dsl/replica/names.h"

namespace dsl::replica {
namespace {

namespace json = boost::json;

constexpr std::string_view kBaseFormat = "metacircular-replica-base-1";
constexpr std::string_view kSegmentFormat = "metacircular-replica-segment-1";
constexpr std::uint64_t kOffsetMax = std::uint64_t{1} << 53;  // what JSON numbers carry everywhere

Failure damaged(std::string_view why) {
  return fail(Code::kDataLoss, "not the header of a replica's object: {}", why);
}

// Writes members in the order in which they are added.
class Line {
 public:
  Line&& add(std::string_view name, std::string_view value) && {
    begin(name);
    dsl::json::append_string(value, line_);
    return std::move(*this);
  }
  Line&& add(std::string_view name, std::uint64_t value) && {
    begin(name);
    line_ += std::to_string(value);
    return std::move(*this);
  }
  Line&& add(std::string_view name, const std::vector<Commit>& commits) && {
    begin(name);
    line_ += '[';
    for (const Commit& commit : commits) {
      line_ += text("{}[{},{}]", line_.back() == '[' ? "" : ",", commit.end,
                    commit.time.time_since_epoch().count());
    }
    line_ += ']';
    return std::move(*this);
  }
  std::string finish() && { return std::move(line_) + '}'; }

 private:
  void begin(std::string_view name) {
    line_ += line_.empty() ? '{' : ',';
    dsl::json::append_string(name, line_);
    line_ += ':';
  }
  std::string line_;
};

// Reads members by name and remembers the first that is wrong.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  std::string text(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr || !value->is_string()) {
      wrong(name);
      return {};
    }
    return std::string(value->get_string());
  }

  std::uint64_t number(std::string_view name, std::uint64_t max) {
    const json::value* value = find(name);
    const auto number = value == nullptr ? std::nullopt : to_number(*value, max);
    if (!number) {
      wrong(name);
    }
    return number.value_or(0);
  }

  std::string digest(std::string_view name) {
    std::string value = text(name);
    if (value.size() != 64 || value.find_first_not_of("0123456789abcdef") != std::string::npos) {
      wrong(name);
    }
    return value;
  }

  std::vector<Commit> commits(std::string_view name) {
    std::vector<Commit> commits;
    const json::value* value = find(name);
    if (value == nullptr || !value->is_array()) {
      wrong(name);
      return commits;
    }
    for (const json::value& item : value->get_array()) {
      const json::array* pair = item.if_array();
      const auto end =
          pair == nullptr || pair->size() != 2 ? std::nullopt : to_number((*pair)[0], kOffsetMax);
      const auto time = end ? to_number((*pair)[1], kOffsetMax) : std::nullopt;
      if (!time) {
        wrong(name);
        return commits;
      }
      commits.push_back({.end = *end, .time = time_of(*time)});
    }
    return commits;
  }

  static env::WallTime time_of(std::uint64_t milliseconds) {
    return env::WallTime(std::chrono::milliseconds(milliseconds));
  }

  Result<void> finish() const {
    if (!wrong_.empty()) {
      return damaged(dsl::text("its member \"{}\"", wrong_));
    }
    return {};
  }

 private:
  static std::optional<std::uint64_t> to_number(const json::value& value, std::uint64_t max) {
    if (value.is_uint64() && value.get_uint64() <= max) {
      return value.get_uint64();
    }
    if (value.is_int64() && value.get_int64() >= 0 &&
        static_cast<std::uint64_t>(value.get_int64()) <= max) {
      return static_cast<std::uint64_t>(value.get_int64());
    }
    return std::nullopt;
  }
  const json::value* find(std::string_view name) const { return object_.if_contains(name); }
  void wrong(std::string_view name) {
    if (wrong_.empty()) {
      wrong_ = name;
    }
  }

  const json::object& object_;
  std::string wrong_;
};

Result<json::object> parse_line(std::string_view line, std::string_view format) {
  boost::system::error_code error;
  json::value value = json::parse(line, error);
  if (error || !value.is_object()) {
    return damaged("it is not JSON");
  }
  const json::value* found = value.get_object().if_contains("format");
  if (found == nullptr || !found->is_string() || std::string_view(found->get_string()) != format) {
    return damaged(text("it is not of format {}", format));
  }
  return std::move(value.get_object());
}

std::optional<std::uint64_t> from_hex(std::string_view digits) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 16 || read.ec != std::errc() || read.ptr != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

bool is_page_size(std::uint32_t bytes) {
  return bytes >= 512 && bytes <= 65536 && std::has_single_bit(bytes);
}

// Readers make files of that name.
bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= '\0' && c < ' '; });
}

// What a writer never writes, so that readers need not think of it.
Result<void> check(const BaseHeader& header) {
  if (!is_file_name(header.database)) {
    return damaged("its database is no file name");
  }
  if (!is_page_size(header.page_bytes) || header.length == 0 ||
      header.length % header.page_bytes != 0) {
    return damaged("its length is not that of a database");
  }
  return {};
}

Result<void> check(const SegmentHeader& header) {
  if (!is_page_size(header.page_bytes)) {
    return damaged("its pages have no size of pages");
  }
  if (header.generation == 0 || header.length == 0 || header.commits.empty()) {
    return damaged("it holds no commit");
  }
  std::uint64_t last = header.offset;
  env::WallTime time{};
  for (const Commit& commit : header.commits) {
    if (commit.end <= last || commit.time < time) {
      return damaged("its commits are not in order");
    }
    last = commit.end;
    time = commit.time;
  }
  if (last != header.end()) {
    return damaged("its last commit does not end it");
  }
  return {};
}

}  // namespace

std::string to_line(const BaseHeader& header) {
  return Line()
      .add("format", kBaseFormat)
      .add("database", header.database)
      .add("epoch", header.epoch)
      .add("time_ms", static_cast<std::uint64_t>(header.time.time_since_epoch().count()))
      .add("position", header.position)
      .add("page_bytes", header.page_bytes)
      .add("length", header.length)
      .add("sha256", header.sha256)
      .finish();
}

std::string to_line(const SegmentHeader& header) {
  return Line()
      .add("format", kSegmentFormat)
      .add("database", header.database)
      .add("epoch", header.epoch)
      .add("generation", header.generation)
      .add("offset", header.offset)
      .add("length", header.length)
      .add("page_bytes", header.page_bytes)
      .add("salts", to_hex(header.salts, 16))
      .add("sha256", header.sha256)
      .add("previous", header.previous)
      .add("log_before", header.log_before)
      .add("commits", header.commits)
      .finish();
}

Result<BaseHeader> parse_base_header(std::string_view line) {
  MC_ASSIGN(const json::object object, parse_line(line, kBaseFormat));
  Fields fields(object);
  BaseHeader header;
  header.database = fields.text("database");
  header.epoch = fields.text("epoch");
  header.time = Fields::time_of(fields.number("time_ms", kOffsetMax));
  header.position = fields.number("position", kOffsetMax);
  header.page_bytes = static_cast<std::uint32_t>(fields.number("page_bytes", 65536));
  header.length = fields.number("length", kOffsetMax);
  header.sha256 = fields.digest("sha256");
  MC_TRY(fields.finish());
  MC_TRY(check(header));
  return header;
}

Result<SegmentHeader> parse_segment_header(std::string_view line) {
  MC_ASSIGN(const json::object object, parse_line(line, kSegmentFormat));
  Fields fields(object);
  SegmentHeader header;
  header.database = fields.text("database");
  header.epoch = fields.text("epoch");
  header.generation = static_cast<std::uint32_t>(
      fields.number("generation", std::numeric_limits<std::uint32_t>::max()));
  header.offset = fields.number("offset", kOffsetMax);
  header.length = fields.number("length", kOffsetMax);
  header.page_bytes = static_cast<std::uint32_t>(fields.number("page_bytes", 65536));
  const auto salts = from_hex(fields.text("salts"));
  header.sha256 = fields.digest("sha256");
  header.previous = fields.digest("previous");
  header.log_before = fields.number("log_before", kOffsetMax);
  header.commits = fields.commits("commits");
  MC_TRY(fields.finish());
  if (!salts) {
    return damaged("its member \"salts\"");
  }
  header.salts = *salts;
  MC_TRY(check(header));
  return header;
}

}  // namespace dsl::replica
