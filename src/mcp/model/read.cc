// Reads checked TOML tables with defaults.
#include "dsl/config/units.h"
#include "mcp/model/resolve_parts.h"

namespace mcp::model {

namespace {

using Kind = TomlValue::Kind;

const TomlValue* find(const TomlValue& table, std::string_view key, Kind kind) {
  const TomlValue* value = table.find(key);
  return value != nullptr && value->kind == kind ? value : nullptr;
}

}  // namespace

std::string read_text(const TomlValue& table, std::string_view key, std::string fallback) {
  const TomlValue* value = find(table, key, Kind::kString);
  if (value == nullptr) {
    return fallback;
  }
  return value->string;
}

bool read_bool(const TomlValue& table, std::string_view key, bool fallback) {
  const TomlValue* value = find(table, key, Kind::kBool);
  return value != nullptr ? value->boolean : fallback;
}

std::int64_t read_integer(const TomlValue& table, std::string_view key, std::int64_t fallback) {
  const TomlValue* value = find(table, key, Kind::kInteger);
  return value != nullptr ? value->integer : fallback;
}

std::chrono::milliseconds read_duration(const TomlValue& table, std::string_view key,
                                        std::chrono::milliseconds fallback) {
  const TomlValue* value = find(table, key, Kind::kString);
  if (value == nullptr) {
    return fallback;
  }
  const auto parsed = dsl::config::parse_duration(value->string);
  return parsed ? *parsed : fallback;
}

std::vector<std::string> read_texts(const TomlValue& table, std::string_view key) {
  const TomlValue* value = table.find(key);
  std::vector<std::string> texts;
  if (value != nullptr && value->kind == Kind::kString) {
    texts.push_back(value->string);
  } else if (value != nullptr && value->kind == Kind::kArray) {
    for (const TomlValue& item : value->items) {
      texts.push_back(item.string);
    }
  }
  return texts;
}

std::map<std::string, std::string> read_text_table(const TomlValue& table, std::string_view key) {
  std::map<std::string, std::string> texts;
  if (const TomlValue* value = find(table, key, Kind::kTable)) {
    for (const auto& member : value->members) {
      texts[member.key] = member.value.string;
    }
  }
  return texts;
}

std::vector<const TomlValue*> read_tables(const TomlValue& table, std::string_view key) {
  std::vector<const TomlValue*> tables;
  const TomlValue* value = table.find(key);
  if (value != nullptr && value->kind == Kind::kTable) {
    tables.push_back(value);
  } else if (value != nullptr && value->kind == Kind::kArray) {
    for (const TomlValue& item : value->items) {
      tables.push_back(&item);
    }
  }
  return tables;
}

dsl::config::Position position_of(const TomlValue& table, std::string_view key) {
  const TomlValue* value = table.find(key);
  return value != nullptr ? value->position : table.position;
}

}  // namespace mcp::model
