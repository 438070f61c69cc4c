// Structured logging: a message, typed fields, one line.
//
//   static log::Logger logger("agent.boot");
//   logger.info("component is healthy", {{"component", name}, {"ms", elapsed}});
//
// Lines are queued (bounded) and written by one thread; when the queue is full the oldest line of
// the lowest level makes room for a higher one, debug first, and every drop is counted and
// reported.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"

namespace dsl::log {

enum class Level { kDebug, kInfo, kWarn, kError };
// kText is coloured on a terminal. kJournal has the priority journald wants in front ("<6>") and no
// time. Control characters are escaped in all of them: a line stays one line.
enum class Format { kText, kJson, kJournal };

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kText;
  std::string service;  // field of every line
  std::size_t queue_max = 8192;
  int fd = 2;                   // not closed by the log
  env::Clock* clock = nullptr;  // nullptr = the system's; else it outlives the log
};

// A named value. Secrets have no conversion to it, so they cannot be logged.
class Field {
 public:
  Field(std::string_view name, std::string_view value)
      : name_(name), value_(value), quoted_(true) {}
  Field(std::string_view name, const std::string& value) : Field(name, std::string_view(value)) {}
  Field(std::string_view name, const char* value) : Field(name, std::string_view(value)) {}
  Field(std::string_view name, bool value) : name_(name), value_(value ? "true" : "false") {}
  template <std::integral T>
  Field(std::string_view name, T value) : name_(name), value_(std::to_string(value)) {}

  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool quoted() const { return quoted_; }  // a string, as opposed to a number or boolean

 private:
  std::string name_;
  std::string value_;
  bool quoted_ = false;
};

using Fields = std::initializer_list<Field>;

// Starts the writer thread; to be called once, early (kFailedPrecondition while it runs). Lines
// logged before it, and after `stop`, go to stderr at once with the defaults. `stop` is called at
// the exit of the process too.
Result<void> start(const Options& options);
// Writes out what is queued and ends the writer thread. Safe to call twice.
void stop();

// Changes the level of a component ("agent.boot") and of everything below it, at run time;
// component "" is the whole process. Levels set further down earlier are forgotten.
void set_level(std::string_view component, Level level);
Result<Level> parse_level(std::string_view name);
Result<Format> parse_format(std::string_view name);
std::uint64_t dropped_lines();  // since `start`

// A named text that outlives the scope which has it: every call opens some, and few of them log.
struct ScopeField {
  std::string_view name;
  std::string_view value;
};

// Fields added to every line that this thread logs while the object lives: request id, caller,
// method. Nests; of two fields with one name the innermost counts.
class Scope {
 public:
  explicit Scope(std::initializer_list<ScopeField> fields);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  std::size_t count_;
};

// Thread-safe. A call site (component, level and message) that logs more than 20 lines in 10 s is
// silenced until the 10 s end, then the log reports how many lines it suppressed; errors and
// records are exempt.
class Logger {
 public:
  explicit Logger(std::string_view component) : component_(component) {}

  void debug(std::string_view message, Fields fields = {}) const {
    write(Level::kDebug, message, fields);
  }
  void info(std::string_view message, Fields fields = {}) const {
    write(Level::kInfo, message, fields);
  }
  void warn(std::string_view message, Fields fields = {}) const {
    write(Level::kWarn, message, fields);
  }
  void error(std::string_view message, Fields fields = {}) const {
    write(Level::kError, message, fields);
  }
  // A line of level info that is never silenced: one that somebody counts on, such as who changed
  // what.
  void record(std::string_view message, Fields fields = {}) const;
  // Message, hint, id, code and details of an Error become fields.
  void failure(Level level, std::string_view message, const Error& error) const;

 private:
  void write(Level level, std::string_view message, Fields fields) const;

  std::string component_;
};

}  // namespace dsl::log
