// A chain that begins in one zone and ends in another: its two halves put together.
#pragma once

#include <cstdint>
#include <optional>

#include "mcns/wire/message.h"

namespace mcns {

// The last link of the first half is an ALIAS: the addresses of where it leads are said of `owner`.
struct AliasLink {
  Name owner;
  std::uint32_t ttl_max = 0;
};

// Where the answer to a question of that name and type leads by CNAMEs and tells no more; nothing
// when it has the records, or says that there are none.
std::optional<Name> open_end(const Name& name, Type type, const Message& answer);

// `whole`, which has the links so far, becomes the answer to a question of `type`; `rest` is what
// is said of the name that they lead to. Null when nobody could tell: SERVFAIL.
void join_chain(const AliasLink* alias, Type type, const Message* rest, Message& whole);

}  // namespace mcns
