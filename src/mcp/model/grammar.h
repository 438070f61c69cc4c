// Which keys a definition has, and what each may hold. One table; parsing, docs and tests read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dsl/config/toml.h"
#include "mcp/model/problems.h"

namespace mcp::model {

enum class Form {
  kText,
  kBool,
  kInteger,
  kNumber,
  kDuration,     // "30s"
  kSize,         // "64MiB", or bytes
  kTextList,     // ["a", "b"]
  kTextOrList,   // "a" or ["a", "b"]
  kTextTable,    // { a = "b" }
  kEnvironment,  // ["KEY=VALUE"] or { KEY = "VALUE" }
  kTable,
  kTables,  // [[x]], or [x] for a single one
};

struct Section;

struct KeyRule {
  std::string_view name;
  Form form = Form::kText;
  // What is wrong with one text (or each text of a list); empty when nothing is.
  std::string (*check)(std::string_view text) = nullptr;
  std::span<const std::string_view> values = {};  // the closed set of a text
  std::int64_t minimum = 0;                       // integers; durations in ms
  std::int64_t maximum = 0;
  const Section* section = nullptr;  // kTable, kTables
  bool required = false;
};

struct Section {
  std::string_view title;  // "a component"
  std::span<const KeyRule> keys;
};

// The top level of a definition.
const Section& definition_grammar();

// Adds a problem for every key and value of `table` that the section does not allow.
void check_section(const dsl::config::TomlValue& table, const Section& section, Problems& problems);

}  // namespace mcp::model
