// Positions on the earth (RFC 1876).
#pragma once

#include <span>
#include <string>

#include "mcns/rdata/token.h"

namespace mcns {

// The wire form of "52 14 5.000 N 0 8 50.000 E 10m", which begins at `word`. Moves that behind what
// was taken. kInvalidArgument; `word` then is the index of the word at fault.
dsl::Result<Bytes> read_location(std::span<const Token> words, std::size_t& word);

// Whether `wire` is a position that can be written as text: version 0, every number in its range.
bool is_location(BytesView wire);
// In the form of the example above, with size and precisions.
void append_location(std::string& out, BytesView wire);

}  // namespace mcns
