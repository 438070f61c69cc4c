// Octets between the zones and SQLite.
#pragma once

#include <span>

#include "dsl/db/statement.h"
#include "mcns/wire/name.h"

namespace mcns::store {

inline dsl::db::Blob blob(BytesView octets) {
  return std::as_bytes(std::span(octets.data(), octets.size()));
}
inline BytesView octets(dsl::db::Blob blob) {
  return {reinterpret_cast<const char*>(blob.data()), blob.size()};
}

}  // namespace mcns::store
