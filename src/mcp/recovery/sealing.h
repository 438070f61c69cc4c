// The encryption of a point's files: age for those who hold a key, OpenPGP for those who hold a
// passphrase. Private to mcp::recovery.
#pragma once

#include <memory>
#include <string>

#include "dsl/archive/stream.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/recovery/point_reader.h"
#include "mcp/recovery/point_writer.h"

namespace mcp::recovery {

using dsl::Result;

// Confined to its owner. Without `finish` the file is refused by every reader.
class Sealer {
 public:
  static Result<std::unique_ptr<Sealer>> begin(dsl::env::Env& env, const PointKeys& keys,
                                               dsl::archive::Sink sink);
  virtual ~Sealer() = default;

  virtual Result<void> write(std::span<const std::byte> plain) = 0;
  virtual Result<void> finish() = 0;
};

// What is inside; kWrongKey when nothing of `keys` opens it, kInvalidArgument when what it takes is
// not there at all. `keys` outlives the call only.
Result<dsl::archive::Source> open_sealed(Seal seal, dsl::archive::Source source,
                                         const ReadKeys& keys);

}  // namespace mcp::recovery
