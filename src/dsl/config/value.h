// A key's value: from TOML, from text (flags, variables), and back to TOML.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dsl/config/toml.h"
#include "dsl/result/result.h"

namespace dsl::config {

// In the order of the alternatives of Value.
enum class Kind { kText, kInteger, kBoolean, kDuration, kSize, kList, kTable, kTables, kNumber };

// std::monostate stands for tables, whose values go straight to their reader.
using Value = std::variant<std::string, std::int64_t, bool, std::chrono::milliseconds,
                           std::uint64_t, std::vector<std::string>,
                           std::map<std::string, std::string>, std::monostate, double>;

Kind kind_of(const Value& value);
// "a duration such as \"30s\""
std::string_view description(Kind kind);

// Takes the texts out of `toml`. On an error `where` is set to the place at fault.
Result<Value> value_from_toml(Kind kind, TomlValue& toml, Position& where);
Result<Value> value_from_text(Kind kind, std::string_view text);

// As it stands behind the `=` in a file; empty for tables.
std::string to_toml(const Value& value);
// What a value says, wherever it stands: equal texts for equal values.
std::string content_of(const TomlValue& value);
// A TOML basic string, with its quotes.
std::string quoted(std::string_view text);

}  // namespace dsl::config
