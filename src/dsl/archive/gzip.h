// gzip (RFC 1952) by stream, for reading what others have packed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace dsl::archive {

struct GzipReadOptions {
  std::uint64_t bytes_max = UINT64_MAX;  // of plaintext
};

// Unpacks members, one after the other, until the source ends. A byte unpacks to 1032 at most, so
// there is no limit but that of the options.
//
// Errors: kDataLoss for what is damaged, cut, or no gzip; kTooLarge for the limit; those of the
// source as they come. Errors repeat. A member's checksum is known at its end, after its bytes were
// given out. Confined to its owner.
class GzipReader {
 public:
  explicit GzipReader(Source source, const GzipReadOptions& options = {});
  ~GzipReader();
  GzipReader(GzipReader&&) noexcept;
  GzipReader& operator=(GzipReader&&) noexcept;

  // Bytes put at the start of `out`, 0 at the end: a Source.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dsl::archive
