// Any bytes as a Cookie header: what is taken could have been set by us.
#include "dsl/http/cookies.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsl::http;
  const auto cookies = parse_cookies({reinterpret_cast<const char*>(data), size});
  if (!cookies) {
    return 0;
  }
  MC_ASSERT(cookies->size() <= kCookiesMax, "they are bounded");
  for (const auto& [name, value] : *cookies) {
    SetCookie set;
    set.name = name;
    set.value = value;
    MC_ASSERT(format_set_cookie(set).has_value(), "a name and a value that may be set");
  }
  return 0;
}
