// What an answer counts as.
#pragma once

#include <cstdint>
#include <string_view>

#include "mcns/wire/codes.h"
#include "mcns/wire/query.h"

namespace mcns::rrl {

enum class Kind : std::uint8_t { kPositive, kNoData, kNxDomain, kReferral, kError };

struct Counted {
  Kind kind = Kind::kError;
  std::uint8_t labels = 0;  // of the question's name, from the right: the name that it counts for
  bool operator==(const Counted&) const = default;
};

// `response` answers `query`, which was read; it may be an upstream's. `rcode`: with the bits that
// stand in its OPT record. `labels`: whose name a positive answer counts for: all of the
// question's, or those of the wildcard's parent or the DNAME that made it, so that made-up names
// count together.
//
// Negative answers count for the zone, and referrals for the cut, which is the owner of the first
// record of their authority section; where that is not there, for the name above. Errors count for
// no name.
Counted classify(const Query& query, Rcode rcode, std::string_view response, std::uint8_t labels);

}  // namespace mcns::rrl
