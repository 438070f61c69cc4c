#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "dsl/config/toml_node.h"

namespace dsl::config {

namespace {

constexpr int kKeyPartsMax = 64;

// Walks over TOML text knowing only strings, comments and separators.
class KeyDepthScan {
 public:
  explicit KeyDepthScan(std::string_view text) : text_(text) {}

  // Where a key has more parts than toml++ (recursive, without a limit of its own) may be given.
  // Values nest 256 deep at most in toml++, so that the whole tree stays shallow enough.
  bool too_deep(Position& where) {
    int dots = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (!kTold[static_cast<unsigned char>(c)]) {
        ++at_;  // nearly all of them
        continue;
      }
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        skip_comment();
        continue;
      }
      if (c == '.') {
        if (++dots >= kKeyPartsMax) {
          where = {line_, static_cast<int>(at_ - line_start_) + 1};
          return true;
        }
      } else if (c == '\n' || c == ',' || c == '=' || c == '{' || c == '[') {
        dots = 0;
      }
      advance();
    }
    return false;
  }

 private:
  // The characters that tell anything.
  static constexpr std::array<bool, 256> kTold = [] {
    std::array<bool, 256> told{};
    for (const char c : std::string_view("\"'#.\n,={[")) {
      told[static_cast<unsigned char>(c)] = true;
    }
    return told;
  }();

  void advance() {
    if (text_[at_] == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    }
    ++at_;
  }

  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') {
      ++at_;
    }
  }

  void skip_string(char quote) {
    const std::string triple(3, quote);
    const bool multi_line = text_.substr(at_, 3) == triple;
    at_ += multi_line ? 3 : 1;
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && quote == '"') {
        advance();
      } else if (multi_line && text_.substr(at_, 3) == triple) {
        at_ += 3;
        return;
      } else if (!multi_line && text_[at_] == quote) {
        ++at_;
        return;
      } else if (!multi_line && text_[at_] == '\n') {
        return;  // not closed: toml++ says so
      }
      if (at_ < text_.size()) {
        advance();
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return std::move(out).str();
}

// Takes the texts out of what it converts.
TomlValue convert_table(toml::table& table) {
  // toml++ sorts by name; people read in the order of the file.
  std::vector<std::pair<const toml::key*, toml::node*>> in_order;
  in_order.reserve(table.size());
  for (auto&& [key, node] : table) {
    in_order.emplace_back(&key, &node);
  }
  std::sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) {
    const toml::source_position& left = a.first->source().begin;
    const toml::source_position& right = b.first->source().begin;
    return std::pair(left.line, left.column) < std::pair(right.line, right.column);
  });

  TomlValue out;
  out.members.reserve(in_order.size());
  for (const auto& [key, node] : in_order) {
    out.members.push_back({std::string(key->str()), position_of(key->source()), convert(*node)});
  }
  return out;
}

}  // namespace

Position position_of(const toml::source_region& source) {
  return {static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}

TomlValue convert(toml::node& node) {
  TomlValue out;
  switch (node.type()) {
    case toml::node_type::table:
      out = convert_table(*node.as_table());
      break;
    case toml::node_type::array:
      out.kind = TomlValue::Kind::kArray;
      out.items.reserve(node.as_array()->size());
      for (toml::node& item : *node.as_array()) {
        out.items.push_back(convert(item));
      }
      break;
    case toml::node_type::string:
      out.kind = TomlValue::Kind::kString;
      out.string = std::move(node.as_string()->get());
      break;
    case toml::node_type::integer:
      out.kind = TomlValue::Kind::kInteger;
      out.integer = node.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      out.kind = TomlValue::Kind::kFloat;
      out.number = node.as_floating_point()->get();
      break;
    case toml::node_type::boolean:
      out.kind = TomlValue::Kind::kBool;
      out.boolean = node.as_boolean()->get();
      break;
    case toml::node_type::date:
      out.kind = TomlValue::Kind::kString;
      out.string = printed(node.as_date()->get());
      break;
    case toml::node_type::time:
      out.kind = TomlValue::Kind::kString;
      out.string = printed(node.as_time()->get());
      break;
    case toml::node_type::date_time:
      out.kind = TomlValue::Kind::kString;
      out.string = printed(node.as_date_time()->get());
      break;
    case toml::node_type::none:
      break;
  }
  out.position = position_of(node.source());
  return out;
}

const TomlValue* TomlValue::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const TomlMember& member) { return member.key == key; });
  return found == members.end() ? nullptr : &found->value;
}

std::string_view TomlValue::kind_name() const {
  switch (kind) {
    case Kind::kString:
      return "string";
    case Kind::kInteger:
      return "integer";
    case Kind::kFloat:
      return "float";
    case Kind::kBool:
      return "boolean";
    case Kind::kArray:
      return "array";
    case Kind::kTable:
      return "table";
  }
  return "value";
}

Result<TomlValue> parse_toml(std::string_view text, std::string_view name) {
  Position where;
  Result<TomlValue> parsed = parse_toml(text, where);
  return parsed ? std::move(parsed) : with_context(std::move(parsed), at(name, where));
}

Result<TomlValue> parse_toml(std::string_view text, Position& where) {
  MC_ASSIGN(const std::unique_ptr<toml::table> document, parse_document(text, where));
  return convert_table(*document);
}

Result<std::unique_ptr<toml::table>> parse_document(std::string_view text, Position& where) {
  if (KeyDepthScan(text).too_deep(where)) {
    return fail(Code::kInvalidArgument, "a key has more than {} parts", kKeyPartsMax);
  }
  try {
    return std::make_unique<toml::table>(toml::parse(text));
  } catch (const toml::parse_error& error) {
    where = position_of(error.source());
    return fail(Code::kInvalidArgument, "{}", error.description());
  }
}

std::string at(std::string_view file, Position position) {
  constexpr std::size_t kNumbersMax = 24;  // two of them with their colons
  std::string out;
  out.reserve(file.size() + kNumbersMax);
  out += file;
  out += ':';
  out += std::to_string(position.line);
  out += ':';
  out += std::to_string(position.column);
  return out;
}

}  // namespace dsl::config
