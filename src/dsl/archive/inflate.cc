#include "dsl/archive/inflate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <zlib.h>

namespace dsl::archive {

namespace {

constexpr std::size_t kPackedBytes = 64 << 10;

// As inflateInit2 numbers them: the window, and what is around it.
int window_bits(DeflateForm form) {
  switch (form) {
    case DeflateForm::kRaw:
      return -MAX_WBITS;
    case DeflateForm::kZlib:
      return MAX_WBITS;
    case DeflateForm::kGzip:
      return MAX_WBITS + 16;
  }
  return 0;
}

}  // namespace

InflateReader::InflateReader(Source source, DeflateForm form, std::string_view what)
    : source_(std::move(source)),
      form_(form),
      what_(what),
      stream_(std::make_unique<z_stream>()),
      packed_(std::make_unique<std::byte[]>(kPackedBytes)) {
  MC_ASSERT(inflateInit2(stream_.get(), window_bits(form)) == Z_OK, "zlib: out of memory");
}

InflateReader::~InflateReader() { inflateEnd(stream_.get()); }

Result<bool> InflateReader::refill() {
  if (source_ended_) {
    return false;
  }
  const std::span<std::byte> room(packed_.get(), kPackedBytes);
  MC_ASSIGN(const std::size_t size, source_(room));
  MC_ASSERT(size <= room.size(), "a source writes where it may");
  source_ended_ = size == 0;
  stream_->next_in = reinterpret_cast<Bytef*>(packed_.get());
  stream_->avail_in = static_cast<uInt>(size);
  return !source_ended_;
}

Result<bool> InflateReader::begins_member() {
  bool more = stream_->avail_in > 0;
  if (!more) {
    MC_ASSIGN(more, refill());
  }
  if (more && form_ != DeflateForm::kGzip) {
    return fail(Code::kDataLoss, "{}: something follows the compressed data", what_);
  }
  return more;
}

Result<std::size_t> InflateReader::step(std::span<std::byte> out) {
  const std::size_t room = std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max());
  stream_->next_out = reinterpret_cast<Bytef*>(out.data());
  stream_->avail_out = static_cast<uInt>(room);
  while (stream_->avail_out == room) {
    if (stream_ended_) {
      MC_ASSIGN(const bool more, begins_member());
      if (!more) {
        return std::size_t{0};
      }
      MC_ASSERT(inflateReset(stream_.get()) == Z_OK, "zlib: a stream can begin again");
      stream_ended_ = false;
    }
    if (stream_->avail_in == 0) {
      MC_ASSIGN(const bool more, refill());
      if (!more) {
        return fail(Code::kDataLoss, "{}: the compressed data end before they are complete", what_)
            .hint("the file was cut: fetch it again");
      }
    }
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    stream_ended_ = result == Z_STREAM_END;
    // No progress is no error: it wants more of one or the other.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return fail(Code::kDataLoss, "{}: the compressed data are damaged: {}", what_,
                  stream_->msg != nullptr ? stream_->msg : "of another kind")
          .hint("use another copy");
    }
  }
  return room - stream_->avail_out;
}

Result<std::size_t> InflateReader::read(std::span<std::byte> out) {
  MC_ASSERT(!out.empty(), "a source is given room");
  if (error_) {
    return fail(*error_);
  }
  auto size = step(out);
  if (!size) {
    error_ = size.error();
  }
  return size;
}

}  // namespace dsl::archive
