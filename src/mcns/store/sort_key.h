// The order of names as bytes, for the database.
#pragma once

#include <optional>

#include "mcns/wire/name.h"

namespace mcns::store {

// What `name`, which is within `origin`, is sorted by: compared as bytes the keys of a zone have
// the canonical order of RFC 4034 section 6.1, and names that differ in case only have one key.
//
// It holds the labels from the right, without those of the origin and in lower case, with an octet
// 0 between them; an octet 0 or 1 inside a label is 1 followed by 1 or 2. So the key of the apex is
// empty, and what lies below a name begins with that name's key and a 0.
Bytes sort_key(const Name& name, const Name& origin);
// The name with that key, in lower case. Nothing for what is no key below `origin`.
std::optional<Name> name_of(BytesView key, const Name& origin);

}  // namespace mcns::store
