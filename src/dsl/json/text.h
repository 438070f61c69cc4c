// Text as JSON sees it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dsl::json {

// Decodes one code point at `at` and moves past it. Nothing for ill-formed UTF-8: overlong forms,
// surrogates, values above U+10FFFF, truncation.
std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at);
bool is_utf8(std::string_view text);

// Appends `text` as a JSON string, quotes included. Each byte that is not UTF-8 becomes U+FFFD.
void append_string(std::string_view text, std::string& out);

}  // namespace dsl::json
