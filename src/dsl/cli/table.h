// How a table looks at a given width.
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"

namespace dsl::cli {

// `width` 0 = no limit.
std::string render_table(const std::vector<Column>& columns,
                         const std::vector<std::vector<std::string>>& rows, const Globals& globals,
                         std::size_t width);

}  // namespace dsl::cli
