// Names that mean the same everywhere, or nothing outside: answered here and never asked of an
// upstream (RFC 6761, 6303, 7686, 7793, 8375, 8880, 9462).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "mcns/wire/codes.h"
#include "mcns/wire/query.h"

namespace mcns {

struct SpecialAnswer {
  enum class Kind : std::uint8_t {
    kNotSpecial,
    kNxDomain,
    kNoData,
    kRecords,
  };
  Kind kind = Kind::kNotSpecial;
  // The zone that a negative answer's SOA belongs to: the last so many labels of the name.
  std::uint8_t zone_labels = 0;
  Type type = Type::kA;                     // of the records
  std::span<const std::string_view> rdata;  // of all of them, uncompressed; never goes away
};

// What a class IN question for `name` gets, unless a zone of ours or a forward says otherwise. A
// pure function that does not allocate.
SpecialAnswer special_answer(const QueryName& name, Type type);

// Of all records and negative answers: RFC 6303 section 3.
constexpr std::uint32_t kSpecialTtl = 10800;
// Data of the SOA for the authority section of a negative answer, uncompressed.
std::string_view special_soa();

}  // namespace mcns
