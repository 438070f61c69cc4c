// A chain that begins in one zone and ends in another: its two halves put together.
#pragma once

#include <cstdint>

#include "mcns/wire/message.h"

namespace mcns {

// The last link of the first half is an ALIAS: the addresses of where it leads are said of `owner`.
struct AliasLink {
  Name owner;
  std::uint32_t ttl_max = 0;
};

// `whole`, which has the links so far, becomes the answer to a question of `type`; `rest` is what
// is said of the name that they lead to. Null when nobody could tell: SERVFAIL.
void join_chain(const AliasLink* alias, Type type, const Message* rest, Message& whole);

}  // namespace mcns
