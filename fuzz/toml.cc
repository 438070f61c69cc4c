// Reads any bytes as a configuration file: a table with every kind of key, and a value printed back
// must read as itself.
#include "dsl/config/toml.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/config/units.h"
#include "dsl/config/value.h"
#include "dsl/result/result.h"

namespace {

using dsl::config::Kind;
using dsl::config::Position;
using dsl::config::TomlValue;
using dsl::config::Value;

constexpr Kind kKinds[] = {Kind::kText, Kind::kInteger, Kind::kBoolean, Kind::kDuration,
                           Kind::kSize, Kind::kList,    Kind::kTable,   Kind::kTables};

void check_round_trip(const Value& value) {
  const std::string printed = "key = " + dsl::config::to_toml(value);
  const auto again = dsl::config::parse_toml(printed, "printed");
  MC_ASSERT(again.has_value(), "what is printed can be read");
  Position where;
  TomlValue found = *again->find("key");
  const auto read = dsl::config::value_from_toml(dsl::config::kind_of(value), found, where);
  MC_ASSERT(read.has_value() && *read == value, "what is printed reads as it was");
}

// Reading a value may take it along: each kind gets a copy.
void walk(const TomlValue& value) {
  for (const Kind kind : kKinds) {
    Position where;
    TomlValue copy = value;
    const auto read = dsl::config::value_from_toml(kind, copy, where);
    if (read && kind != Kind::kTables) {
      check_round_trip(*read);
    }
  }
  for (const TomlValue& item : value.items) {
    walk(item);
  }
  for (const dsl::config::TomlMember& member : value.members) {
    MC_ASSERT(member.position.line > 0, "every key has a place");
    walk(member.value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto root = dsl::config::parse_toml(text, "fuzz.toml")) {
    walk(*root);
  }
  (void)dsl::config::parse_duration(text);
  (void)dsl::config::parse_size(text);
  (void)dsl::config::parse_host_port(text);
  return 0;
}
