// Letters of a question's name in random case (draft-vixie-dnsext-dns0x20): more to guess for
// whoever forges an answer, and nothing that a client or the cache gets to see.
#pragma once

#include "mcns/forward/packet.h"
#include "mcns/forward/random_pool.h"
#include "mcns/wire/message.h"

namespace mcns {

// `packet` with each letter of its question's name in upper or in lower case, by chance.
Packet with_random_case(const Packet& packet, RandomPool& random);
// All of them in lower case: what a server says that does not keep them as they were.
Packet with_lower_case(const Packet& packet);

// Writes the ends of names that have the letters of `sent`, which is what a pointer to the question
// leads to, as `asked` has them; nothing when the two are different names. Names whose case is
// signed (RFC 6840 section 5.1) are never sent as pointers, and stay.
void restore_case(const Name& sent, const Name& asked, Message& message);

}  // namespace mcns
