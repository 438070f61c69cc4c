// age's ASCII armor: strict PEM (RFC 7468 section 3, figure 3) with the label AGE ENCRYPTED FILE.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "dsl/archive/buffered_source.h"
#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace dsl::archive {

constexpr std::string_view kArmorBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kArmorEnd = "-----END AGE ENCRYPTED FILE-----";
// White space before the first and after the last line that is put up with.
constexpr std::size_t kArmorSpaceMax = 1024;

// Confined to its owner.
class ArmorWriter {
 public:
  explicit ArmorWriter(Sink sink);

  Result<void> write(std::span<const std::byte> bytes);
  // The last lines. Once, and nothing after it.
  Result<void> finish();

 private:
  Result<void> put(std::string text);  // after the first line, if that is due

  Sink sink_;
  std::string held_;  // less than a line
  bool begun_ = false;
};

// Every error of its own is kDataLoss and its message starts with "age armor".
//
// Confined to its owner.
class ArmorReader {
 public:
  // `input` outlives the reader.
  explicit ArmorReader(BufferedSource& input);

  // As Source says. The end is given only when nothing but white space follows the armor.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  Result<std::string_view> next_line();  // without its end
  Result<void> skip_to_begin();
  Result<void> decode_line();  // into held_, or sets ended_
  Result<void> expect_end();   // nothing but white space after the last line

  BufferedSource& input_;
  std::string held_;       // a line, decoded
  std::size_t taken_ = 0;  // of held_
  std::size_t line_ = 0;   // number of the line read last, from 1
  bool begun_ = false;
  bool short_line_ = false;  // the line read last was the last of the body
  bool ended_ = false;
};

}  // namespace dsl::archive
