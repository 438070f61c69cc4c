// Signals and times as podman writes them.
#include <algorithm>
#include <array>
#include <cctype>

#include <signal.h>

#include "mcp/runtime/libpod_json.h"

namespace mcp::runtime {

using dsl::Code;
using dsl::fail;

namespace {

// Digits [at, at + count) of `text` as a number, -1 when they are not all digits.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) {
    return -1;
  }
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      return -1;
    }
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

Result<int> signal_number(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 14> kSignals = {{
      {"HUP", SIGHUP},
      {"INT", SIGINT},
      {"QUIT", SIGQUIT},
      {"ABRT", SIGABRT},
      {"KILL", SIGKILL},
      {"USR1", SIGUSR1},
      {"USR2", SIGUSR2},
      {"PIPE", SIGPIPE},
      {"ALRM", SIGALRM},
      {"TERM", SIGTERM},
      {"CONT", SIGCONT},
      {"STOP", SIGSTOP},
      {"WINCH", SIGWINCH},
      {"PWR", SIGPWR},
  }};
  std::string_view plain = name;
  if (plain.substr(0, 3) == "SIG") {
    plain.remove_prefix(3);
  }
  for (const auto& [known, number] : kSignals) {
    if (known == plain) {
      return number;
    }
  }
  const int number = name.empty() || name.size() > 2 ? -1 : digits(name, 0, name.size());
  if (number < 1 || number > 64) {
    return fail(Code::kInvalidArgument, "'{}' is not a signal", name)
        .hint("name it like TERM or SIGTERM, or give its number");
  }
  return number;
}

dsl::env::WallTime parse_time(std::string_view text) {
  // Podman writes a time long past for what has not happened.
  return std::max(dsl::env::parse_time(text).value_or(dsl::env::WallTime()), dsl::env::WallTime());
}

}  // namespace mcp::runtime
