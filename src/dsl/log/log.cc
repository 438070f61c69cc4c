#include "dsl/log/log.h"

#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "dsl/log/levels.h"
#include "dsl/log/writer.h"

namespace dsl::log {

namespace {

// The process's log. Thread-safe. Never destroyed: static objects may log while they die.
struct Process {
  Levels levels;
  std::mutex mutex;
  std::shared_ptr<Writer> writer;  // guarded by mutex; null unless started

  std::shared_ptr<Writer> current() {
    const std::lock_guard lock(mutex);
    return writer;
  }
};

Process& process() {
  static Process& instance = *new Process;
  return instance;
}

std::vector<ScopeField>& open_scopes() {
  thread_local std::vector<ScopeField> fields;
  return fields;
}

std::vector<Field> scope_fields() {
  std::vector<Field> fields;
  for (const ScopeField& field : open_scopes()) {
    fields.emplace_back(field.name, field.value);
  }
  return fields;
}

void emit(Level level, std::string_view component, std::string_view message,
          std::span<const Field> fields, Repeats repeats = Repeats::kSilenced) {
  if (!process().levels.enabled(component, level)) {
    return;
  }
  if (const std::shared_ptr<Writer> writer = process().current()) {
    writer->write(level, component, message, scope_fields(), fields, repeats);
  } else {
    write_now(Options{}, level, component, message, scope_fields(), fields);
  }
}

std::string joined(const std::vector<Detail>& details) {
  std::string out;
  for (const Detail& detail : details) {
    out += out.empty() ? "" : "; ";
    out += detail.where.empty() ? detail.message : text("{}: {}", detail.where, detail.message);
  }
  return out;
}

}  // namespace

Result<void> start(const Options& options) {
  static const int registered = std::atexit(stop);
  (void)registered;  // without it only the last lines of a process that never stops are lost

  const std::lock_guard lock(process().mutex);
  if (process().writer) {
    return fail(Code::kFailedPrecondition, "the log is started already");
  }
  process().levels.set("", options.level);
  process().writer = std::make_shared<Writer>(options);
  return {};
}

void stop() {
  std::shared_ptr<Writer> writer;
  {
    const std::lock_guard lock(process().mutex);
    writer = std::exchange(process().writer, nullptr);
  }
  if (writer) {
    writer->stop();
  }
}

void set_level(std::string_view component, Level level) { process().levels.set(component, level); }

Result<Level> parse_level(std::string_view name) {
  if (name == "debug") {
    return Level::kDebug;
  }
  if (name == "info") {
    return Level::kInfo;
  }
  if (name == "warn") {
    return Level::kWarn;
  }
  if (name == "error") {
    return Level::kError;
  }
  return fail(Code::kInvalidArgument, "there is no log level \"{}\"", name)
      .hint("one of debug, info, warn, error");
}

Result<Format> parse_format(std::string_view name) {
  if (name == "text") {
    return Format::kText;
  }
  if (name == "json") {
    return Format::kJson;
  }
  if (name == "journal") {
    return Format::kJournal;
  }
  return fail(Code::kInvalidArgument, "there is no log format \"{}\"", name)
      .hint("one of text, json, journal");
}

std::uint64_t dropped_lines() {
  const std::shared_ptr<Writer> writer = process().current();
  return writer ? writer->dropped() : 0;
}

Scope::Scope(std::initializer_list<ScopeField> fields) : count_(fields.size()) {
  open_scopes().insert(open_scopes().end(), fields);
}

Scope::~Scope() { open_scopes().resize(open_scopes().size() - count_); }

void Logger::write(Level level, std::string_view message, Fields fields) const {
  emit(level, component_, message, {fields.begin(), fields.size()});
}

void Logger::record(std::string_view message, Fields fields) const {
  emit(Level::kInfo, component_, message, {fields.begin(), fields.size()}, Repeats::kKept);
}

void Logger::failure(Level level, std::string_view message, const Error& error) const {
  std::vector<Field> fields{{"error", error.message()}, {"code", code_info(error.code()).name}};
  if (!error.id().empty()) {
    fields.emplace_back("id", error.id());
  }
  if (!error.details().empty()) {
    fields.emplace_back("details", joined(error.details()));
  }
  if (!error.hint().empty()) {
    fields.emplace_back("hint", error.hint());
  }
  emit(level, component_, message, fields);
}

}  // namespace dsl::log
