// Objects as they lie in a mirror: header line, line feed, payload; compressed by zstd; encrypted
// by age, unless the operator keeps mirrors in the clear. There the last zstd frame is one that is
// skipped, with the SHA-256 of all bytes before it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/age.h"
#include "dsl/archive/stream.h"
#include "dsl/env/random.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// Who can open what is written. Without recipients it is not encrypted.
using Recipients = std::vector<archive::AgeRecipient>;
using Identities = std::vector<archive::AgeIdentity>;

// Confined to its owner.
class ObjectWriter {
 public:
  static Result<ObjectWriter> begin(env::Random& random, const Recipients& recipients,
                                    archive::Sink sink, std::string_view line, int zstd_level = 3);
  ObjectWriter(ObjectWriter&&) noexcept;
  ~ObjectWriter();

  Result<void> write(std::span<const std::byte> payload);
  // Without it the object is cut off, and every reader says so.
  Result<void> finish();

 private:
  struct State;
  explicit ObjectWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Confined to its owner. Errors: kWrongKey when no identity opens it, kDataLoss for damage.
class ObjectReader {
 public:
  // Reads as far as the header. kFailedPrecondition for an encrypted object and no identity.
  // `identities` outlive the call only.
  static Result<ObjectReader> open(archive::Source source, const Identities& identities);
  ObjectReader(ObjectReader&&) noexcept;
  ~ObjectReader();

  const std::string& line() const;
  // The payload piece by piece; 0 is its end, found whole.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  struct State;
  explicit ObjectReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dsl::replica
