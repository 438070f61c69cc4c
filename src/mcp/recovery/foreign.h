// Archives that were made by hand, `tar czf - DIR | gpg --symmetric`: brought back into a
// directory.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/recovery/point_reader.h"

namespace mcp::recovery {

struct Unpacked {
  std::size_t files = 0;
  std::vector<std::string> databases;  // opened and looked through
};

// Unpacks `archive` (tar, or that packed by gzip or zstd, or that encrypted by age or gpg) into
// `to`, which must not exist. Databases that were copied as "<name>.snapshot" get their live names.
// Nobody has signed it: that it is what it was is known of an encrypted one only. An error leaves
// no `to`. kDataLoss, kWrongKey, kInvalidArgument for what is no such archive.
Result<Unpacked> unpack_foreign(dsl::env::Env& env, const std::string& archive,
                                const ReadKeys& keys, const std::string& to);

}  // namespace mcp::recovery
