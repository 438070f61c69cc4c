// Manual pages of section 1, made from the same data as --help.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/service/version.h"

namespace dsl::cli {

// The page of the last command of `path`, which begins with the program itself, in man(7) source.
std::string man_page(const std::vector<const Command*>& path, const BuildInfo& build);
// "mcp_boot_status.1"
std::string man_file(const std::vector<const Command*>& path);

// Calls `visit` for the program and for each command below it that is not hidden; its first error
// ends the walk.
Result<void> each_command(
    const Command& program,
    const std::function<Result<void>(const std::vector<const Command*>& path)>& visit);

}  // namespace dsl::cli
