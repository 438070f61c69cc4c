// $GENERATE: one line that stands for many (a directive of BIND).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace mcns::zonefile {

struct GenerateRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint32_t step = 1;

  std::uint64_t count() const { return std::uint64_t{last - first} / step + 1; }
};

// "1-254" or "0-255/5". kInvalidArgument.
dsl::Result<GenerateRange> parse_generate_range(std::string_view text);

// `pattern` with each "$" replaced by `value`: "${OFFSET,WIDTH,BASE}" adds OFFSET, fills up to
// WIDTH with zeros and writes in BASE, which is d, o, x, X, or n and N for the hexadecimal digits
// backwards with dots between them. "$$" and "\$" become "\$", a dollar sign. kInvalidArgument.
dsl::Result<std::string> expand_generate(std::string_view pattern, std::uint32_t value);

}  // namespace mcns::zonefile
