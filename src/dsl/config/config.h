// A service's configuration: a struct bound to keys by a declarative table.
//
//   struct Config { std::string socket = "/srv/mcq/admin.sock"; std::chrono::milliseconds
//   tick{30000}; }; config::Table table("mcq"); table.text("socket.path",
//   &config.socket).help("local socket").reloadable(); table.duration("agent.tick",
//   &config.tick).range("1s", "1h"); MC_TRY(table.load(sources));
//
// Precedence: command flag > $PORT/$PORT_<NAME> > $<SERVICE>_<SECTION>_<KEY> > TOML > default.
// Every problem is collected; all are reported together in the details of one kInvalidArgument
// (exit code 2), each with file:line:column and, for an unknown key, the nearest known one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/config/origin.h"
#include "dsl/config/toml.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace dsl::config {

// Where values come from. `file` may be empty: no file then.
struct Sources {
  std::string file;
  bool file_required = true;  // false: a missing file means defaults
  // Dotted key -> value, from the command line. In flags and variables a list is "a,b", a table
  // "k=v,k=v"; an empty variable counts as not set.
  std::map<std::string, std::string> flags;
};

struct KeyState;

// How the entries of [[key]] come to their target. Without `begin` and `take_back` they come once.
struct Entries {
  std::function<void()> begin;  // a new list: the former one is kept
  std::function<Result<void>(const TomlValue&)> add;
  std::function<void()> take_back;  // the former list again
};

// Declares one key's attributes; returned by the Table's binders. A range or choice that the
// default of an optional key does not keep is a mistake of ours (asserted by `load`).
class Key {
 public:
  Key& help(std::string text);
  Key& required();
  Key& secret();  // masked in check-config; `<key>_file = path` is accepted too, also as $..._FILE
  Key& reloadable();  // SIGHUP takes a new value; of `tables` only those with a target
  // In the key's own notation; "" = open. Integers, numbers, durations and sizes only.
  Key& range(const std::string& minimum, const std::string& maximum);
  Key& one_of(std::vector<std::string> values);  // texts, and each item of a list
  // Of a text, and of each item of a list. An error stands at the place of the value, and a reload
  // finds it too, whether it takes the key or not.
  Key& each(std::function<Result<void>(const std::string&)> rule);
  Key& or_one();  // a list that may be given as one text: "a" is ["a"]
  // `target` is told where the value that holds came from: for whoever finds fault with it later.
  Key& origin(Origin* target);
  // "" = $PORT, else $PORT_<NAME>. A text key keeps its host and gets this port.
  Key& port_variable(const std::string& name);

 private:
  friend class Table;
  explicit Key(KeyState* state) : state_(state) {}
  KeyState* state_;
};

// A key that a reload would change, and may not.
struct Unapplied {
  std::string key;
  std::string running;  // as it stands behind the `=` in a file; secrets masked
  std::string wanted;
};

// Confined to one thread. Targets must outlive the table; their values at binding time are the
// defaults.
class Table {
 public:
  // `service` names the environment prefix: "mcp-agent" -> $MCP_AGENT_... Two keys of one name are
  // a mistake of ours (asserted).
  explicit Table(std::string service);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  Key text(std::string key, std::string* target);
  Key integer(std::string key, std::int64_t* target);
  Key number(std::string key, double* target);  // finite; an integer is one, too
  Key boolean(std::string key, bool* target);
  Key duration(std::string key, std::chrono::milliseconds* target);
  Key size(std::string key, std::uint64_t* target);
  Key list(std::string key, std::vector<std::string>* target);             // array of strings
  Key table(std::string key, std::map<std::string, std::string>* target);  // free string table
  // [[key]]: one call of `add` for each entry, with its value, after the other targets are set;
  // `add` reports its own problems. From the file only.
  Key tables(std::string key, std::function<Result<void>(const TomlValue&)> add);
  // The same into a list, which a reload replaces whole: `target` holds what `read` makes of each
  // entry.
  template <class T>
  Key tables(std::string key, std::vector<T>* target,
             std::function<Result<T>(const TomlValue&)> read) {
    auto former = std::make_shared<std::vector<T>>();
    return tables(
        std::move(key),
        Entries{.begin =
                    [target, former] {
                      *former = std::move(*target);
                      target->clear();
                    },
                .add = [target, read = std::move(read)](const TomlValue& entry) -> Result<void> {
                  MC_ASSIGN(T value, read(entry));
                  target->push_back(std::move(value));
                  return {};
                },
                .take_back = [target, former] { *target = std::move(*former); }});
  }
  // An extra check over the finished values, e.g. one key against another. Runs once all else is
  // good.
  void check(std::function<Result<void>()> rule);

  // Sets every target. After an error they hold anything: the program is not to go on.
  Result<void> load(env::Env& env, const Sources& sources);
  // Reads the file again and sets the keys marked reloadable. `apply` is told the keys whose value
  // changed, if there are any, once all is good; it may refuse them, having changed nothing. On any
  // problem, its own too, nothing is changed. Returns those keys. Keys that would change but are
  // not reloadable are in `restart_needed` from then on.
  using Apply = std::function<Result<void>(const std::vector<std::string>& changed)>;
  Result<std::vector<std::string>> reload(env::Env& env, const Sources& sources,
                                          const Apply& apply = nullptr);

  const std::vector<Unapplied>& restart_needed() const;

  // `key = value  # origin` for each key, secrets masked: what `check-config` prints.
  std::string effective() const;
  // A commented TOML example with every key, type, default and help.
  std::string reference() const;

 private:
  Key tables(std::string key, Entries entries);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dsl::config
