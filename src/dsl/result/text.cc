#include "dsl/result/text.h"

#include <cstdio>

#include "dsl/result/result.h"

namespace dsl::detail {

std::string to_text(double value) {
  char buffer[32];
  const int size = std::snprintf(buffer, sizeof buffer, "%g", value);
  return std::string(buffer, static_cast<std::size_t>(size));
}

std::string fill(std::string_view pattern, std::initializer_list<std::string> values) {
  std::string out;
  auto value = values.begin();
  std::size_t from = 0;
  for (std::size_t at = pattern.find("{}"); at != std::string_view::npos;
       at = pattern.find("{}", from)) {
    MC_ASSERT(value != values.end(), "more {} than arguments");
    out += pattern.substr(from, at - from);
    out += *value++;
    from = at + 2;
  }
  MC_ASSERT(value == values.end(), "more arguments than {}");
  out += pattern.substr(from);
  return out;
}

}  // namespace dsl::detail
