#include "dsl/archive/gzip.h"

#include <utility>

#include "dsl/archive/inflate.h"

namespace dsl::archive {

struct GzipReader::State {
  InflateReader inflate;
  GzipReadOptions options;
  std::uint64_t given_bytes = 0;
};

GzipReader::GzipReader(Source source, const GzipReadOptions& options)
    : state_(new State{{std::move(source), DeflateForm::kGzip, "gzip"}, options}) {}
GzipReader::~GzipReader() = default;
GzipReader::GzipReader(GzipReader&&) noexcept = default;
GzipReader& GzipReader::operator=(GzipReader&&) noexcept = default;

Result<std::size_t> GzipReader::read(std::span<std::byte> out) {
  State& state = *state_;
  if (state.given_bytes <= state.options.bytes_max) {
    MC_ASSIGN(const std::size_t size, state.inflate.read(out));
    state.given_bytes += size;
    if (state.given_bytes <= state.options.bytes_max) {
      return size;
    }
  }
  return fail(Code::kTooLarge, "gzip: it unpacks to more than {} bytes", state.options.bytes_max);
}

}  // namespace dsl::archive
