// What a version of the zones is built from, and what its names hold.
#pragma once

#include <cstdint>
#include <vector>

#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

// All records of one name and type, with their one TTL (RFC 2181 section 5.2).
struct Rrset {
  Name name;
  Type type = Type::kA;
  std::uint32_t ttl = 0;     // seconds
  std::vector<Bytes> rdata;  // uncompressed, without duplicates; never empty
  bool operator==(const Rrset&) const = default;
};

}  // namespace mcns
