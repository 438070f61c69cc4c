// What the tests of rdata share.
#pragma once

#include <string>
#include <string_view>

#include "mcns/rdata/encodings.h"
#include "mcns/rdata/rdata.h"
#include "support/result_matchers.h"

namespace mcns::test {

inline Name name(std::string_view text) { return dsl::test::require_ok(Name::parse(text)); }

inline const Name& example_org() {
  static const Name origin = name("example.org.");
  return origin;
}

// Octets of hexadecimal digits, with blanks anywhere.
inline Bytes octets(std::string_view digits) {
  std::string packed;
  for (const char c : digits) {
    packed += c == ' ' ? "" : std::string(1, c);
  }
  auto bytes = from_hex(packed);
  MC_ASSERT(bytes.has_value(), "the test has hexadecimal digits");
  return *bytes;
}

inline dsl::Result<Bytes> read(Type type, std::string_view text) {
  return rdata_from_text(type, text, example_org());
}

}  // namespace mcns::test
