// Text as wide as a terminal shows it: UTF-8, and colour codes that take no room.
#pragma once

#include <string>
#include <string_view>

namespace dsl::cli {

// Columns of `text`: code points, without colour codes ("\x1b[...m").
std::size_t visible_width(std::string_view text);
// `text` in at most `width` columns, the last of them "…" when something was cut. Colour codes
// stay.
std::string shortened(std::string_view text, std::size_t width);

// Columns of the terminal at stdout; 0 when it is none.
std::size_t terminal_width();

}  // namespace dsl::cli
