// Deflate (RFC 1951) in its three wrappers, unpacked by stream, for the .cc files of this folder.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

struct z_stream_s;  // zlib's

namespace dsl::archive {

enum class DeflateForm {
  kRaw,
  kZlib,  // RFC 1950
  kGzip,  // RFC 1952; members one after the other
};

// Errors: kDataLoss for what is damaged, cut, of another form, or followed by something; those of
// the source as they come. Errors repeat. Confined to its owner; not movable, since zlib keeps
// where it is.
class InflateReader {
 public:
  // `what` begins messages; it outlives the reader.
  InflateReader(Source source, DeflateForm form, std::string_view what);
  ~InflateReader();
  InflateReader(const InflateReader&) = delete;
  InflateReader& operator=(const InflateReader&) = delete;

  // As Source says.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  Result<std::size_t> step(std::span<std::byte> out);
  Result<bool> refill();         // false at the end of the source
  Result<bool> begins_member();  // whether another member comes

  Source source_;
  DeflateForm form_;
  std::string_view what_;
  std::unique_ptr<z_stream_s> stream_;
  std::unique_ptr<std::byte[]> packed_;
  bool source_ended_ = false;
  bool stream_ended_ = false;
  std::optional<Error> error_;
};

}  // namespace dsl::archive
