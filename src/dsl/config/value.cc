#include "dsl/config/value.h"

#include <array>
#include <charconv>
#include <cmath>

#include "dsl/config/units.h"

namespace dsl::config {

namespace {

constexpr std::array<std::string_view, 9> kDescriptions{"a string",
                                                        "an integer",
                                                        "true or false",
                                                        "a duration such as \"30s\"",
                                                        "a size such as \"64KiB\"",
                                                        "an array of strings",
                                                        "a table of strings",
                                                        "an array of tables",
                                                        "a number"};

std::string_view with_article(TomlValue::Kind kind) {
  switch (kind) {
    case TomlValue::Kind::kString:
      return "a string";
    case TomlValue::Kind::kInteger:
      return "an integer";
    case TomlValue::Kind::kFloat:
      return "a float";
    case TomlValue::Kind::kBool:
      return "a boolean";
    case TomlValue::Kind::kArray:
      return "an array";
    case TomlValue::Kind::kTable:
      return "a table";
  }
  return "a value";
}

Failure wrong_type(Kind kind, const TomlValue& found, Position& where) {
  where = found.position;
  return fail(Code::kInvalidArgument, "expected {}, found {}", description(kind),
              with_article(found.kind));
}

Result<Value> strings_from_toml(TomlValue& toml, Position& where) {
  std::vector<std::string> out;
  out.reserve(toml.items.size());
  for (TomlValue& item : toml.items) {
    if (item.kind != TomlValue::Kind::kString) {
      return wrong_type(Kind::kText, item, where);
    }
    out.push_back(std::move(item.string));
  }
  return out;
}

Result<Value> table_from_toml(TomlValue& toml, Position& where) {
  std::map<std::string, std::string> out;
  for (TomlMember& member : toml.members) {
    if (member.value.kind != TomlValue::Kind::kString) {
      return wrong_type(Kind::kText, member.value, where);
    }
    out[member.key] = std::move(member.value.string);
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return text;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> out;
  while (!trimmed(text).empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    out.emplace_back(trimmed(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

Result<Value> integer_from_text(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Code::kInvalidArgument, "\"{}\" is not an integer", text);
  }
  return number;
}

Result<Value> number_from_text(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return fail(Code::kInvalidArgument, "\"{}\" is not a number", text);
  }
  return number;
}

Result<Value> boolean_from_text(std::string_view text) {
  if (text == "true" || text == "1") {
    return true;
  }
  if (text == "false" || text == "0") {
    return false;
  }
  return fail(Code::kInvalidArgument, "\"{}\" is neither true nor false", text);
}

Result<Value> table_from_text(std::string_view text) {
  std::map<std::string, std::string> out;
  for (const std::string& item : split_at_commas(text)) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos) {
      return fail(Code::kInvalidArgument, "\"{}\" is not of the form name=value", item);
    }
    out[item.substr(0, equals)] = item.substr(equals + 1);
  }
  return out;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) {
    out += (out.empty() ? "" : ", ") + item;
  }
  return out;
}

struct TomlPrinter {
  std::string operator()(const std::string& value) const { return quoted(value); }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::chrono::milliseconds value) const {
    return quoted(format_duration(value));
  }
  std::string operator()(std::uint64_t value) const { return quoted(format_size(value)); }
  std::string operator()(const std::vector<std::string>& value) const {
    std::vector<std::string> items;
    for (const std::string& item : value) {
      items.push_back(quoted(item));
    }
    return "[" + joined(items) + "]";
  }
  std::string operator()(const std::map<std::string, std::string>& value) const {
    std::vector<std::string> items;
    for (const auto& [name, item] : value) {
      items.push_back(quoted(name) + " = " + quoted(item));
    }
    return items.empty() ? "{}" : "{ " + joined(items) + " }";
  }
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(double value) const { return text("{}", value); }
};

}  // namespace

Kind kind_of(const Value& value) { return static_cast<Kind>(value.index()); }

std::string_view description(Kind kind) { return kDescriptions.at(static_cast<std::size_t>(kind)); }

Result<Value> value_from_toml(Kind kind, TomlValue& toml, Position& where) {
  using TomlKind = TomlValue::Kind;
  where = toml.position;
  switch (kind) {
    case Kind::kText:
      if (toml.kind == TomlKind::kString) {
        return std::move(toml.string);
      }
      break;
    case Kind::kInteger:
      if (toml.kind == TomlKind::kInteger) {
        return toml.integer;
      }
      break;
    case Kind::kBoolean:
      if (toml.kind == TomlKind::kBool) {
        return toml.boolean;
      }
      break;
    case Kind::kDuration:
      if (toml.kind == TomlKind::kString) {
        return value_from_text(kind, toml.string);
      }
      if (toml.kind == TomlKind::kInteger && toml.integer == 0) {
        return std::chrono::milliseconds{0};
      }
      break;
    case Kind::kSize:
      if (toml.kind == TomlKind::kString) {
        return value_from_text(kind, toml.string);
      }
      if (toml.kind == TomlKind::kInteger && toml.integer >= 0) {
        return static_cast<std::uint64_t>(toml.integer);
      }
      break;
    case Kind::kList:
      if (toml.kind == TomlKind::kArray) {
        return strings_from_toml(toml, where);
      }
      break;
    case Kind::kTable:
      if (toml.kind == TomlKind::kTable) {
        return table_from_toml(toml, where);
      }
      break;
    case Kind::kTables:
      for (const TomlValue& item : toml.items) {
        if (item.kind != TomlKind::kTable) {
          return wrong_type(kind, item, where);
        }
      }
      if (toml.kind == TomlKind::kArray) {
        return std::monostate();
      }
      break;
    case Kind::kNumber:
      if (toml.kind == TomlKind::kInteger) {
        return static_cast<double>(toml.integer);
      }
      if (toml.kind == TomlKind::kFloat && std::isfinite(toml.number)) {
        return toml.number;
      }
      break;
  }
  return wrong_type(kind, toml, where);
}

Result<Value> value_from_text(Kind kind, std::string_view text) {
  switch (kind) {
    case Kind::kText:
      return std::string(text);
    case Kind::kInteger:
      return integer_from_text(text);
    case Kind::kBoolean:
      return boolean_from_text(text);
    case Kind::kDuration: {
      MC_ASSIGN(const std::chrono::milliseconds duration, parse_duration(text));
      return duration;
    }
    case Kind::kSize: {
      MC_ASSIGN(const std::uint64_t bytes, parse_size(text));
      return bytes;
    }
    case Kind::kList:
      return split_at_commas(text);
    case Kind::kTable:
      return table_from_text(text);
    case Kind::kNumber:
      return number_from_text(text);
    case Kind::kTables:
      break;
  }
  return fail(Code::kInvalidArgument, "it can only be set in the file");
}

std::string to_toml(const Value& value) { return std::visit(TomlPrinter(), value); }

std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string content_of(const TomlValue& value) {
  std::string out;
  switch (value.kind) {
    case TomlValue::Kind::kString:
      return quoted(value.string);
    case TomlValue::Kind::kInteger:
      return std::to_string(value.integer);
    case TomlValue::Kind::kFloat:
      return text("{:a}", value.number);
    case TomlValue::Kind::kBool:
      return value.boolean ? "true" : "false";
    case TomlValue::Kind::kArray:
      for (const TomlValue& item : value.items) {
        out += content_of(item) + ",";
      }
      return "[" + out + "]";
    case TomlValue::Kind::kTable:
      for (const TomlMember& member : value.members) {
        out += quoted(member.key) + "=" + content_of(member.value) + ",";
      }
      break;
  }
  return "{" + out + "}";
}

}  // namespace dsl::config
