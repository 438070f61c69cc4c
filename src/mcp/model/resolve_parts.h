// What the files of `resolve` share. Internal to this module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mcp/model/model.h"
#include "mcp/model/problems.h"

namespace mcp::model {

struct ResolveScope {
  const Platform& platform;
  const Node& node;
  Problems& problems;
  bool allow_floating = false;
};

// --- reading a checked table; a value of another kind counts as absent ---
using dsl::config::TomlValue;
std::string read_text(const TomlValue& table, std::string_view key, std::string fallback);
bool read_bool(const TomlValue& table, std::string_view key, bool fallback);
std::int64_t read_integer(const TomlValue& table, std::string_view key, std::int64_t fallback);
std::chrono::milliseconds read_duration(const TomlValue& table, std::string_view key,
                                        std::chrono::milliseconds fallback);
std::vector<std::string> read_texts(const TomlValue& table, std::string_view key);  // or a text
std::map<std::string, std::string> read_text_table(const TomlValue& table, std::string_view key);
// The tables of `key`, written as [[key]], as an array, or as a single [key].
std::vector<const TomlValue*> read_tables(const TomlValue& table, std::string_view key);
// Where `key` is, or where the table is when it has none.
dsl::config::Position position_of(const TomlValue& table, std::string_view key);

// A component with every default, its ports still without the platform's offset and its gate not
// yet chosen. `is_main`: the one whose image is named after the service alone.
Component resolve_component(ResolveScope& scope, const Service& service, const std::string& name,
                            bool is_main, const TomlValue& table);

// Writes the gate, then what follows from it: backend TLS of the routes, and the port offset.
void resolve_health(ResolveScope& scope, const Service& service, const TomlValue& table,
                    Component& component);

// A cycle in a graph given as successors by name, as "a -> b -> a"; empty when there is none.
std::string find_cycle(const std::map<std::string, std::vector<std::string>>& edges);

}  // namespace mcp::model
