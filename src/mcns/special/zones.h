// Which special zone a name is in.
#pragma once

#include <cstdint>

#include "mcns/wire/query.h"

namespace mcns {

struct SpecialZone {
  enum class Kind : std::uint8_t {
    kNone,
    kLocalhost,        // every name at and below it is this machine
    kNoSuchName,       // "invalid" and "onion": not even the name itself exists
    kEmpty,            // a zone with nothing in it
    kIpv4only,         // the well-known addresses
    kIpv4onlyReverse,  // a name of one of them
    kLoopback,         // reverse of 127.0.0.0/8, in which 127.0.0.1 has a name
    kLoopback6,        // reverse of ::1
  };
  Kind kind = Kind::kNone;
  std::uint8_t labels = 0;  // of its origin
};

SpecialZone special_zone(const QueryName& name);

// The label number `from_right` (1 = the top-level one), without its length octet.
std::string_view label_from_right(const QueryName& name, std::size_t from_right);

}  // namespace mcns
