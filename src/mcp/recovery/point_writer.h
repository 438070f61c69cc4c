// Writes a point: tar, zstd in frames of their own, age; hashed and signed on the way.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dsl/archive/age_keys.h"
#include "dsl/archive/minisign.h"
#include "dsl/archive/tar.h"
#include "dsl/env/env.h"
#include "dsl/secret/secret.h"
#include "mcp/recovery/manifest.h"
#include "mcp/recovery/point_name.h"

namespace mcp::recovery {

// Plaintext after which a frame ends, so that a part can be read without what is before it.
constexpr std::uint64_t kFrameBytes = 8u << 20;

struct PointKeys {
  std::vector<dsl::archive::AgeRecipient> recipients;
  const dsl::Secret* passphrase = nullptr;  // OpenPGP instead of age; outlives the writer
  const dsl::archive::MinisignSecretKey* signing = nullptr;  // outlives the writer
};

// One file of a finished point.
struct StoredFile {
  std::string name;
  std::uint64_t size_bytes = 0;
  dsl::archive::MinisignHash blake2b{};  // of its bytes
};

// Confined to its owner. Destroyed before `finish`, it leaves nothing.
class PointWriter {
 public:
  // Makes the point's files in `directory`, as "<name>.partial" until `finish`.
  static Result<std::unique_ptr<PointWriter>> begin(dsl::env::Env& env,
                                                    const std::string& directory,
                                                    const std::string& id, PointKeys keys);
  virtual ~PointWriter() = default;

  // As TarWriter's: an entry, then all of its bytes.
  virtual Result<void> add(const dsl::archive::TarEntry& entry) = 0;
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  // Between two units.
  virtual Result<void> end_unit() = 0;
  // Adds the manifest, signs, syncs and gives the files their names, the archive last: then all
  // three are there. `manifest` gets its time of end.
  virtual Result<std::vector<StoredFile>> finish(Manifest& manifest) = 0;
};

}  // namespace mcp::recovery
