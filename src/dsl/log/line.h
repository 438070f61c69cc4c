// How one line looks in each format.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dsl/env/clock.h"
#include "dsl/log/log.h"

namespace dsl::log {

struct Line {
  env::WallTime time;
  Level level = Level::kInfo;
  std::string_view service;  // empty = left out
  std::string_view component;
  std::string_view message;
  std::span<const Field> outer;  // of the scopes
  std::span<const Field> inner;  // of the call; counts where both have the same name
};

std::string_view level_name(Level level);

// One line with its line feed:
//   kText     2026-04-03T08:45:00.000Z info  agent.boot: component is healthy service=mcp ms=12
//   kJournal  <6>agent.boot: component is healthy service=mcp ms=12
//   kJson     {"time":"...","level":"info","service":"mcp","logger":"agent.boot","message":...}
// JSON has each name once: a field named like one of those five gets "_" behind its name. Bytes
// that are not UTF-8 come out as U+FFFD.
std::string format_line(const Line& line, Format format, bool color);

}  // namespace dsl::log
