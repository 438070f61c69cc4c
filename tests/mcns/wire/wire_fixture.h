// What the tests of names and messages share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <rapidcheck.h>

#include "mcns/wire/name.h"
#include "support/result_matchers.h"

namespace mcns::test {

inline Name name(std::string_view text) { return dsl::test::require_ok(Name::parse(text)); }

// "\x03www\x07example\x00" and the like, NUL octets included.
template <std::size_t N>
Bytes octets(const char (&literal)[N]) {
  return Bytes(literal, N - 1);
}

inline Bytes two(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)};
}

// Twelve octets.
inline Bytes header(unsigned id, unsigned flags, unsigned questions, unsigned answers = 0,
                    unsigned authorities = 0, unsigned additionals = 0) {
  return two(id) + two(flags) + two(questions) + two(answers) + two(authorities) + two(additionals);
}

// Up to `labels_max` labels of any octets.
inline rc::Gen<Name> names(std::size_t labels_max = 6) {
  return rc::gen::exec([labels_max] {
    Bytes wire;
    const auto labels = *rc::gen::inRange<std::size_t>(0, labels_max + 1);
    for (std::size_t i = 0; i < labels; ++i) {
      const auto size = *rc::gen::inRange<std::size_t>(1, 12);
      wire += static_cast<char>(size);
      wire += *rc::gen::container<std::string>(size, rc::gen::arbitrary<char>());
    }
    return dsl::test::require_ok(Name::from_wire(wire + '\0'));
  });
}

// The same with the case of each letter drawn anew.
inline Bytes other_case(Bytes octets) {
  for (char& c : octets) {
    if (to_lower(c) >= 'a' && to_lower(c) <= 'z' && *rc::gen::arbitrary<bool>()) {
      c = static_cast<char>(c ^ 0x20);
    }
  }
  return octets;
}

}  // namespace mcns::test
