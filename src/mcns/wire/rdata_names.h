// Names inside the rdata of the types whose senders may compress them. All that a message has to
// know of rdata; what it means is for the unit `rdata`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

// One or two names behind fixed octets, or behind character-strings; what follows them is opaque.
struct RdataNames {
  std::uint16_t type;
  std::uint8_t octets;   // before the first name
  std::uint8_t strings;  // and behind those
  std::uint8_t names;
  bool sent_compressed;  // of RFC 1035: we compress them too (RFC 3597 section 4)
};

// Nothing for a type whose rdata never has a compressed name.
const RdataNames* find_rdata_names(Type type);

// Where the first name begins; nothing when `rdata` is too short.
std::optional<std::size_t> first_name_at(const RdataNames& layout, BytesView rdata);

// Size of the uncompressed name at `at`, or nothing when there is none.
std::optional<std::size_t> name_size_at(BytesView wire, std::size_t at);

}  // namespace mcns
