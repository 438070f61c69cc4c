// One reading of all sources: a value, an origin and a place for each key, and every problem.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/config/key_state.h"

namespace toml {
inline namespace v3 {
class key;
class node;
class table;
}  // namespace v3
}  // namespace toml

namespace dsl::config {

struct Loaded {
  Value value;
  Origin origin;
  const TomlValue* tables = nullptr;  // the array of a key of that kind; lives in the loader

  std::size_t entries() const { return tables != nullptr ? tables->items.size() : 0; }
  std::string content() const { return tables != nullptr ? content_of(*tables) : std::string(); }
};

// What an error says, a line each: its details, else its message.
std::vector<std::string> findings(const Error& error);

// Why `value` is not allowed for the key; empty when it is.
std::string problem_with(const KeyState& state, const Value& value);

// Used once. Changes no target. The keys outlive it.
class Loader {
 public:
  Loader(const States& states, const StatesByKey& by_key, std::string_view service, env::Env& env,
         const Sources& sources);
  ~Loader();

  // Reads the file; to be called first, once.
  void read();
  // The value of one of the states; meaningful when there are no problems. Once for each.
  Loaded load_key(const KeyState& state);

  // `position` with line 0 = of the whole source.
  void report(const std::string& source, Position position, std::string message);
  void report_in_file(Position position, std::string message) {
    report(sources_.file, position, std::move(message));
  }
  bool good() const { return problems_.empty(); }
  // Nothing, or all problems as one error.
  Result<void> verdict() const;

 private:
  struct Found {
    toml::node* value = nullptr;
    toml::node* secret_file = nullptr;  // of `<key>_file`
  };
  struct Problem {
    Position position;
    std::string where;
    std::string message;
  };
  // What the source that counts says about a key.
  struct Setting {
    Origin origin;  // as check-config shows it
    Position position;
    std::string source;  // as problems name it; empty = the file
    Result<Value> value;
  };

  void read_file();
  void match_table(toml::table& table, const std::string& prefix);
  void match_member(const toml::key& key, toml::node& value, const std::string& name);
  const KeyState* find_key(const std::string& name);
  void report_unknown(Position position, bool is_table, const std::string& name);
  void match_flags();
  std::string suggestion(const std::string& name) const;
  Origin in_file(Position position, std::string more = {}) const {
    return {std::move(more), file_, position};
  }

  std::optional<Setting> find_setting(const KeyState& state);
  std::optional<Setting> setting_from_flags(const KeyState& state);
  std::optional<Setting> setting_from_variables(const KeyState& state);
  const std::string& variable_of(const KeyState& state);
  std::optional<Setting> setting_from_file(const KeyState& state);
  void apply_port(const KeyState& state, std::optional<Setting>& setting);
  Result<Value> read_secret(const std::string& path);
  void check_each(const KeyState& state, const Setting& setting, const std::string& source);

  const States& states_;
  const std::string service_;
  env::Env& env_;
  const Sources& sources_;

  const StatesByKey& by_key_;
  std::set<std::string, std::less<>> sections_;
  std::shared_ptr<const std::string> file_;  // its name
  std::unique_ptr<toml::table> document_;
  std::deque<TomlValue> tables_;  // the values of such keys
  bool file_failed_ = false;
  StatesByKey::const_iterator next_key_;  // after the one that was found last
  std::vector<Found> found_;              // by the index of the key
  std::string variable_;                  // name of a key's, made in place behind the service's
  std::size_t variable_stem_;
  std::vector<Problem> problems_;
};

}  // namespace dsl::config
