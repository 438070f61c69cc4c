// Shell text as commands. Internal to this module; `split_shell` in render.h is the public half.
#pragma once

#include "mcp/model/render.h"

namespace mcp::model {

struct ShellCommand {
  int line = 1;  // where it begins
  std::vector<std::string> words;
};

// Commands end at a newline, `;` or `&&`.
Result<std::vector<ShellCommand>> split_commands(std::string_view text);

}  // namespace mcp::model
