// A TOML document as a light tree in which every key and value knows its position.
//
// The seam to toml++: only src/dsl/config/*.cc includes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::config {

struct Position {
  int line = 0;  // from 1; 0 = unknown
  int column = 0;
};

struct TomlMember;

// One value. [[x]] and x = [{...}] are both kArray. Dates and times are kept as their text
// (kString).
struct TomlValue {
  enum class Kind { kString, kInteger, kFloat, kBool, kArray, kTable };

  Kind kind = Kind::kTable;
  Position position;
  std::string string;
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::vector<TomlValue> items;     // kArray
  std::vector<TomlMember> members;  // kTable, in the order of the file

  // The member named `key`, or nullptr.
  const TomlValue* find(std::string_view key) const;
  // "string", "integer", ... as a user reads it
  std::string_view kind_name() const;
};

struct TomlMember {
  std::string key;
  Position position;  // of the key
  TomlValue value;
};

// `name` (a path) goes into errors: "mcq.toml:3:14: ...". A duplicate key is an error, and so is a
// key of more than 64 parts (a.b.c has three).
Result<TomlValue> parse_toml(std::string_view text, std::string_view name);
// As above for one who tells the place himself: an error has it in `where`, its message without.
Result<TomlValue> parse_toml(std::string_view text, Position& where);

// "file:line:column"
std::string at(std::string_view file, Position position);

}  // namespace dsl::config
