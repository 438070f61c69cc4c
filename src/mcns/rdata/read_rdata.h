// Presentation form to wire form, from words that still lie in their text: for the reader of zone
// files, which wants to say where an error is and to copy nothing.
#pragma once

#include <cstddef>
#include <span>

#include "mcns/rdata/token.h"
#include "mcns/wire/codes.h"

namespace mcns {

struct RdataRead {
  dsl::Result<Bytes> rdata;
  std::size_t word = 0;  // with an error: at which; the count of the words when one is missing
};

// As rdata_from_text (rdata.h).
RdataRead read_rdata(Type type, std::span<const Token> words, const Name& origin);

}  // namespace mcns
