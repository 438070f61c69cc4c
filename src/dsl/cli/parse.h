// From an argument vector to a command with its targets set. CLI11 stays behind it.
#pragma once

#include <vector>

#include "dsl/cli/cli.h"

namespace dsl::cli {

struct Parsed {
  std::vector<const Command*> path;  // the program first, then each sub-command
  bool help = false;                 // --help was given; no target is set then
};

// How many words of `argv` are the program's own: all of them, or those up to a command that takes
// the rest as it is.
int own_words(const Command& program, int argc, const char* const* argv);

// Sets the targets of every option given. Errors are kInvalidArgument.
Result<Parsed> parse(const Command& program, int argc, const char* const* argv);

// "there is no command ...", with the nearest one as the hint.
Error unknown_command(const std::vector<const Command*>& path, const std::string& word);

}  // namespace dsl::cli
