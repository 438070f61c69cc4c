// zstd (RFC 8878) by stream, with content checksums and in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace dsl::archive {

struct ZstdWriteOptions {
  int level = 3;  // 1 is fastest; beyond 12 the time is seldom worth it. 1 to 19.
};

// Compresses a stream into one frame, or several. Confined to its owner.
class ZstdWriter {
 public:
  // kInvalidArgument for a level that there is not.
  static Result<ZstdWriter> begin(Sink sink, const ZstdWriteOptions& options = {});
  ~ZstdWriter();
  ZstdWriter(ZstdWriter&&) noexcept;
  ZstdWriter& operator=(ZstdWriter&&) noexcept;

  Result<void> write(std::span<const std::byte> plain);
  // Ends the frame, so that what was written can be read without what follows; the next `write`
  // begins another. Does nothing between frames.
  Result<void> end_frame();
  // Ends the stream, which has a frame even if nothing was written. Once, and nothing after it.
  Result<void> finish();

 private:
  struct State;
  explicit ZstdWriter(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

struct ZstdReadOptions {
  std::uint64_t bytes_max = UINT64_MAX;  // of plaintext
};
// Beyond so much plaintext, more than kZstdRatioMax bytes of it for one that was read are refused:
// no data of ours packs like that, but bombs do.
constexpr std::uint64_t kZstdRatioFromBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kZstdRatioMax = 1000;
// Frames that ask for a larger window are refused (2^27 bytes, as `zstd` itself does).
constexpr int kZstdWindowLogMax = 27;

// Decompresses frames, one after the other, until the source ends.
//
// Errors: kDataLoss for what is damaged, cut, or no zstd; kTooLarge for a limit; those of the
// source as they come. Errors repeat. A frame's checksum is known at its end, after its bytes were
// given out. Confined to its owner.
class ZstdReader {
 public:
  explicit ZstdReader(Source source, const ZstdReadOptions& options = {});
  ~ZstdReader();
  ZstdReader(ZstdReader&&) noexcept;
  ZstdReader& operator=(ZstdReader&&) noexcept;

  // Bytes put at the start of `out`, 0 at the end: a Source.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dsl::archive
