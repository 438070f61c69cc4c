#include "dsl/log/line.h"

#include <algorithm>
#include <array>

namespace dsl::log {

namespace {

struct LevelText {
  std::string_view name;
  std::string_view padded;
  std::string_view journal;  // sd-daemon(3): syslog priority in angle brackets
  std::string_view color;
};

constexpr std::array<LevelText, 4> kLevels{{{"debug", "debug", "<7>", "\x1b[2m"},
                                            {"info", "info ", "<6>", "\x1b[32m"},
                                            {"warn", "warn ", "<4>", "\x1b[33m"},
                                            {"error", "error", "<3>", "\x1b[31m"}}};
constexpr std::string_view kColorOff = "\x1b[0m";
constexpr std::string_view kColorDim = "\x1b[2m";
constexpr std::array<std::string_view, 5> kReserved{"time", "level", "service", "logger",
                                                    "message"};

const LevelText& level_text(Level level) { return kLevels.at(static_cast<std::size_t>(level)); }

bool is_continuation(unsigned char c) { return (c & 0xC0) == 0x80; }

// Length of the well-formed UTF-8 sequence at the front, 0 when there is none (RFC 3629 section 4:
// no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first < 0xC2   ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(byte(i))) {
      return 0;
    }
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool beyond = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void append_control(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
  }
}

// Escapes control characters and repairs UTF-8; with `quotes` also what JSON strings escape.
void append_clean(std::string& out, std::string_view text, bool quotes) {
  while (!text.empty()) {
    const auto special = std::find_if(text.begin(), text.end(), [](char c) {
      return is_control(c) || c == '"' || c == '\\' || static_cast<unsigned char>(c) >= 0x80;
    });
    const auto plain = static_cast<std::size_t>(special - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) {
      return;
    }
    const char c = text.front();
    if (is_control(c)) {
      append_control(out, c);
      text.remove_prefix(1);
      continue;
    }
    if (quotes && (c == '"' || c == '\\')) {
      out += '\\';
    }
    const std::size_t length = utf8_length(text);
    out += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_clean(out, text, true);
  out += '"';
}

// True when key=value would not be read back as it was.
bool needs_quotes(std::string_view value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
           return c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(c);
         });
}

bool has_name(std::span<const Field> fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const Field& field) { return field.name() == name; });
}

// Calls `use` for each field once, a later one of the same name standing for the earlier ones.
template <class Use>
void each_field(const Line& line, Use use) {
  for (std::size_t i = 0; i < line.outer.size(); ++i) {
    const Field& field = line.outer[i];
    if (!has_name(line.outer.subspan(i + 1), field.name()) && !has_name(line.inner, field.name())) {
      use(field);
    }
  }
  for (std::size_t i = 0; i < line.inner.size(); ++i) {
    if (!has_name(line.inner.subspan(i + 1), line.inner[i].name())) {
      use(line.inner[i]);
    }
  }
}

void append_text_fields(std::string& out, const Line& line, bool color) {
  const auto append = [&](const Field& field) {
    out += ' ';
    out += color ? kColorDim : "";
    append_clean(out, field.name(), false);
    out += '=';
    out += color ? kColorOff : "";
    if (field.quoted() && needs_quotes(field.value())) {
      append_quoted(out, field.value());
    } else {
      append_clean(out, field.value(), false);
    }
  };
  if (!line.service.empty()) {
    append(Field("service", line.service));
  }
  each_field(line, append);
}

void append_message(std::string& out, const Line& line) {
  append_clean(out, line.component, false);
  out += ": ";
  append_clean(out, line.message, false);
}

void append_text(std::string& out, const Line& line, bool color) {
  const LevelText& level = level_text(line.level);
  out += color ? kColorDim : "";
  out += env::format_time(line.time);
  out += color ? kColorOff : "";
  out += ' ';
  out += color ? level.color : "";
  out += level.padded;
  out += color ? kColorOff : "";
  out += ' ';
  append_message(out, line);
  append_text_fields(out, line, color);
}

void append_json_member(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() || out.back() == '{' ? "" : ",";
  append_quoted(out, name);
  out += ':';
  append_quoted(out, value);
}

void append_json(std::string& out, const Line& line) {
  out += '{';
  append_json_member(out, "time", env::format_time(line.time));
  append_json_member(out, "level", level_text(line.level).name);
  if (!line.service.empty()) {
    append_json_member(out, "service", line.service);
  }
  append_json_member(out, "logger", line.component);
  append_json_member(out, "message", line.message);
  each_field(line, [&](const Field& field) {
    const bool reserved =
        std::find(kReserved.begin(), kReserved.end(), field.name()) != kReserved.end();
    const std::string name = reserved ? field.name() + "_" : field.name();
    if (field.quoted()) {
      append_json_member(out, name, field.value());
    } else {
      out += ',';
      append_quoted(out, name);
      out += ':';
      out += field.value();
    }
  });
  out += '}';
}

}  // namespace

std::string_view level_name(Level level) { return level_text(level).name; }

std::string format_line(const Line& line, Format format, bool color) {
  std::string out;
  out.reserve(256);
  switch (format) {
    case Format::kText:
      append_text(out, line, color);
      break;
    case Format::kJournal:
      out += level_text(line.level).journal;
      append_message(out, line);
      append_text_fields(out, line, false);
      break;
    case Format::kJson:
      append_json(out, line);
      break;
  }
  out += '\n';
  return out;
}

}  // namespace dsl::log
