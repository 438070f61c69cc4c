// The parameters of SVCB and HTTPS records (RFC 9460).
#pragma once

#include <span>
#include <string>

#include "mcns/rdata/token.h"

namespace mcns {

// The wire form of "alpn=h2,h3 port=443", sorted by key. Moves `word` to their end.
// kInvalidArgument; `word` then is the index of the word at fault. What holds between them is for
// `check_parameters`.
dsl::Result<Bytes> read_parameters(std::span<const Token> words, std::size_t& word);

// Whether they are keys in order, each with as many octets as it says (section 2.2).
bool are_parameters_framed(BytesView wire);
// Framed parameters: whether each value has the form of its key, and whether all that "mandatory"
// and the others ask for is there (sections 7 and 8).
dsl::Result<void> check_parameters(BytesView wire);

// " alpn="h2,h3" port=443", each with a blank before it. They are checked.
void append_parameters(std::string& out, BytesView wire);

}  // namespace mcns
