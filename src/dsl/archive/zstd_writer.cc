#include <utility>
#include <vector>

#include <zstd.h>

#include "dsl/archive/zstd_stream.h"

namespace dsl::archive {

namespace {

constexpr int kLevelMax = 19;  // those above want flags and memory of their own

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

struct ZstdWriter::State {
  explicit State(Sink to) : context(ZSTD_createCCtx()), sink(std::move(to)) {
    MC_ASSERT(context != nullptr, "zstd: out of memory");
  }

  void set(ZSTD_cParameter parameter, int value) {
    MC_ASSERT(ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), parameter, value)) == 0,
              "the library has the parameter");
  }

  // Gives the sink what is ready; with ZSTD_e_end until the frame is complete.
  Result<void> step(std::span<const std::byte> plain, ZSTD_EndDirective directive) {
    ZSTD_inBuffer input{plain.data(), plain.size(), 0};
    std::size_t left = 1;
    while (directive == ZSTD_e_end ? left > 0 : input.pos < input.size) {
      ZSTD_outBuffer output{packed.data(), packed.size(), 0};
      left = ZSTD_compressStream2(context.get(), &output, &input, directive);
      MC_ASSERT(ZSTD_isError(left) == 0, "compressing memory does not fail");
      if (output.pos > 0) {
        auto taken = sink(std::span(packed).first(output.pos));
        broken = !taken;
        MC_TRY(taken);
      }
    }
    in_frame = directive != ZSTD_e_end;
    return {};
  }

  Result<void> check() const {
    MC_ASSERT(!finished, "nothing follows the end");
    if (broken) {
      return fail(Code::kFailedPrecondition, "the compressed stream has failed before");
    }
    return {};
  }

  std::unique_ptr<ZSTD_CCtx, FreeContext> context;
  Sink sink;
  std::vector<std::byte> packed = std::vector<std::byte>(ZSTD_CStreamOutSize());
  bool in_frame = false;
  bool any_frame = false;
  bool broken = false;  // the sink has failed
  bool finished = false;
};

ZstdWriter::ZstdWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZstdWriter::~ZstdWriter() = default;
ZstdWriter::ZstdWriter(ZstdWriter&&) noexcept = default;
ZstdWriter& ZstdWriter::operator=(ZstdWriter&&) noexcept = default;

Result<ZstdWriter> ZstdWriter::begin(Sink sink, const ZstdWriteOptions& options) {
  if (options.level < 1 || options.level > kLevelMax) {
    return fail(Code::kInvalidArgument, "there is no zstd level {}", options.level)
        .hint("levels are 1 to 19; 3 is the usual one");
  }
  auto state = std::make_unique<State>(std::move(sink));
  state->set(ZSTD_c_compressionLevel, options.level);
  state->set(ZSTD_c_checksumFlag, 1);
  return ZstdWriter(std::move(state));
}

Result<void> ZstdWriter::write(std::span<const std::byte> plain) {
  MC_TRY(state_->check());
  if (plain.empty()) {
    return {};
  }
  state_->any_frame = true;
  return state_->step(plain, ZSTD_e_continue);
}

Result<void> ZstdWriter::end_frame() {
  MC_TRY(state_->check());
  return state_->in_frame ? state_->step({}, ZSTD_e_end) : Result<void>();
}

Result<void> ZstdWriter::finish() {
  MC_TRY(state_->check());
  const bool due = state_->in_frame || !state_->any_frame;
  auto ended = due ? state_->step({}, ZSTD_e_end) : Result<void>();
  state_->finished = true;
  return ended;
}

}  // namespace dsl::archive
