// What a Table knows about one key.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dsl/config/config.h"
#include "dsl/config/value.h"

namespace dsl::config {

struct KeyState {
  // In the order of Value.
  using Target = std::variant<std::string*, std::int64_t*, bool*, std::chrono::milliseconds*,
                              std::uint64_t*, std::vector<std::string>*,
                              std::map<std::string, std::string>*, Entries, double*>;

  std::string key;        // "agent.tick"
  std::size_t index = 0;  // among the States
  Target target;
  Value initial;  // the target's value when it was bound
  std::string help;
  bool required = false;
  bool secret = false;
  bool reloadable = false;
  bool or_one = false;
  std::optional<Value> minimum;
  std::optional<Value> maximum;
  std::vector<std::string> one_of;
  std::optional<std::string> port_variable;  // "PORT" or "PORT_<NAME>"

  Origin origin;
  Origin* told_origin = nullptr;                         // gets the same, once it holds
  std::function<Result<void>(const std::string&)> each;  // of a text, or of a list's items
  std::size_t entries = 0;                               // of tables
  std::string content;                                   // what the entries say, but for places

  Kind kind() const { return static_cast<Kind>(target.index()); }
  // The target's value now, and a new one.
  Value current() const;
  void set(Value value) const;
  // "agent", and "" for a key outside of sections.
  std::string_view section() const;
  // "tick"
  std::string name() const;
};

using States = std::vector<std::unique_ptr<KeyState>>;
// By their keys.
using StatesByKey = std::map<std::string_view, const KeyState*>;

// "agent.tick" -> "AGENT_TICK", appended to `out`.
void append_variable_name(std::string_view text, std::string& out);
// "mcp-agent", "agent.tick" -> "MCP_AGENT_AGENT_TICK"
std::string variable_name(std::string_view service, std::string_view key);

}  // namespace dsl::config
