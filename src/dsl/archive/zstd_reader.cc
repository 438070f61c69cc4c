#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <zstd.h>
#include <zstd_errors.h>

#include "dsl/archive/zstd_stream.h"

namespace dsl::archive {

namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Failure refused(std::size_t result, std::uint64_t at) {
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_frameParameter_windowTooLarge:
      return fail(Code::kTooLarge, "zstd: a frame wants more than {} MiB of memory",
                  (1 << kZstdWindowLogMax) >> 20);
    case ZSTD_error_prefix_unknown:
      return fail(Code::kDataLoss, "zstd: this is not zstd, or something follows it: near byte {}",
                  at);
    case ZSTD_error_checksum_wrong:
      return fail(Code::kDataLoss, "zstd: the frame that ends near byte {} is damaged", at)
          .hint("its checksum does not fit: use another copy");
    default:
      return fail(Code::kDataLoss, "zstd: damaged near byte {}: {}", at, ZSTD_getErrorName(result))
          .hint("use another copy");
  }
}

}  // namespace

struct ZstdReader::State {
  State(Source from, const ZstdReadOptions& chosen)
      : context(ZSTD_createDCtx()), source(std::move(from)), options(chosen) {
    MC_ASSERT(
        context != nullptr && ZSTD_isError(ZSTD_DCtx_setParameter(
                                  context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax)) == 0,
        "zstd: out of memory");
  }

  Result<void> refill() {
    MC_ASSIGN(const std::size_t size, source(packed));
    MC_ASSERT(size <= packed.size(), "a source writes where it may");
    input = {packed.data(), size, 0};
    taken_bytes += size;
    source_ended = size == 0;
    return {};
  }

  Result<std::size_t> read(std::span<std::byte> out) {
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos == 0) {
      // What the library still holds comes before more is read.
      if (input.pos == input.size && !output_pending) {
        if (!source_ended) {
          MC_TRY(refill());
        }
        if (source_ended) {
          return finished();
        }
      }
      const std::size_t result = ZSTD_decompressStream(context.get(), &output, &input);
      if (ZSTD_isError(result) != 0) {
        return refused(result, taken_bytes - input.size + input.pos);
      }
      frame_complete = result == 0;
      output_pending = output.pos == output.size && !frame_complete;
    }
    given_bytes += output.pos;
    MC_TRY(check_limits());
    return output.pos;
  }

  Result<std::size_t> finished() const {
    if (!frame_complete) {
      return fail(Code::kDataLoss, "zstd: the data ends inside a frame, after {} bytes",
                  taken_bytes)
          .hint("the file was cut: fetch it again");
    }
    return std::size_t{0};
  }

  Result<void> check_limits() const {
    if (given_bytes > options.bytes_max) {
      return fail(Code::kTooLarge, "zstd: it unpacks to more than {} bytes", options.bytes_max);
    }
    if (given_bytes > kZstdRatioFromBytes && given_bytes / kZstdRatioMax > taken_bytes) {
      return fail(Code::kTooLarge, "zstd: {} bytes unpack to {} and more", taken_bytes, given_bytes)
          .hint("no real data packs that well: do not trust where it comes from");
    }
    return {};
  }

  std::unique_ptr<ZSTD_DCtx, FreeContext> context;
  Source source;
  ZstdReadOptions options;
  std::vector<std::byte> packed = std::vector<std::byte>(ZSTD_DStreamInSize());
  ZSTD_inBuffer input{nullptr, 0, 0};  // of packed
  bool source_ended = false;
  bool frame_complete = false;  // no frame at all is not complete either
  bool output_pending = false;
  std::uint64_t taken_bytes = 0;  // from the source
  std::uint64_t given_bytes = 0;
  std::optional<Error> error;  // what every further read says
};

ZstdReader::ZstdReader(Source source, const ZstdReadOptions& options)
    : state_(std::make_unique<State>(std::move(source), options)) {}
ZstdReader::~ZstdReader() = default;
ZstdReader::ZstdReader(ZstdReader&&) noexcept = default;
ZstdReader& ZstdReader::operator=(ZstdReader&&) noexcept = default;

Result<std::size_t> ZstdReader::read(std::span<std::byte> out) {
  MC_ASSERT(!out.empty(), "a source is given room");
  if (state_->error) {
    return fail(*state_->error);
  }
  auto size = state_->read(out);
  if (!size) {
    state_->error = size.error();
  }
  return size;
}

}  // namespace dsl::archive
