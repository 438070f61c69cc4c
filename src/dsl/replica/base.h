// The copy of a database that begins an epoch, as an object.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/env/env.h"
#include "dsl/replica/envelope.h"
#include "dsl/replica/sealer.h"
#include "dsl/replica/store.h"
#include "dsl/result/result.h"

namespace dsl::replica {

struct CopiedBase {
  std::uint64_t size_bytes = 0;
  std::string sha256;
  std::uint32_t page_bytes = 0;
};

// Who can open an epoch, whatever their order: lower-case hex.
std::string digest_of(const Recipients& recipients);

// Packs `files.base_copy()`, which `copied` describes, into `store`, and fills in what `next` says
// of it; its epoch, position and time are there already. kDataLoss when the copy does not read as
// it was written.
Result<void> pack_base(env::Env& env, const DatabaseFiles& files, const CopiedBase& copied,
                       const Recipients& recipients, Store& store, NewEpoch& next);

}  // namespace dsl::replica
