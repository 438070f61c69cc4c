// The page that --help prints.
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"

namespace dsl::cli {

// The page of the last command of `path`, which begins with the program itself. Lines have at most
// 80 columns.
std::string help_page(const std::vector<const Command*>& path, const Globals& globals);
// "mcp deploy [OPTIONS] SERVICE"
std::string usage_line(const std::vector<const Command*>& path);
// What the option is for, with the values it may have.
std::string option_help(const Option& option);
// "mcp deploy"
std::string path_text(const std::vector<const Command*>& path);

}  // namespace dsl::cli
