// Reads a point and checks all of it on the way: signature, encryption, every frame, every file's
// hash, and that the manifest names exactly what is there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/archive/age_keys.h"
#include "dsl/archive/minisign.h"
#include "dsl/archive/stream.h"
#include "dsl/archive/tar.h"
#include "dsl/env/env.h"
#include "dsl/secret/secret.h"
#include "mcp/recovery/manifest.h"
#include "mcp/recovery/point_name.h"

namespace mcp::recovery {

struct PointSource {
  Seal seal = Seal::kAge;
  std::string archive;    // paths
  std::string signature;  // empty = there is none
};

struct ReadKeys {
  std::vector<dsl::archive::AgeIdentity> identities;
  std::optional<dsl::Secret> passphrase;  // of points under OpenPGP
  // One of them has to have signed; empty = signatures are not looked at.
  std::vector<dsl::archive::MinisignPublicKey> signers;
};

// Id of the errors about signatures.
inline constexpr const char* kNotSigned = "backup.signature";

// Called for each entry but the manifest, in the order of the archive. `content` gives a file's
// bytes; what is not read of them is read and hashed by the reader.
using OnEntry = std::function<Result<void>(const dsl::archive::TarEntry& entry,
                                           const dsl::archive::Source& content)>;

// What was found, once the whole point has been read. Until then nothing that `on_entry` got may be
// used. Errors: kWrongKey (no identity opens it), kDataLoss with what is damaged, kPermissionDenied
// with id kNotSigned (not signed, or by another key).
Result<Manifest> read_point(dsl::env::Env& env, const PointSource& source, const ReadKeys& keys,
                            const OnEntry& on_entry);

// The manifest file beside the archive alone. It is not signed by itself: the signature of the
// archive names its hash.
Result<Manifest> read_manifest(dsl::env::Env& env, Seal seal, const std::string& path,
                               const std::string& signature, const ReadKeys& keys);

}  // namespace mcp::recovery
