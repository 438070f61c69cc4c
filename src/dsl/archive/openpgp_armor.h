// OpenPGP's ASCII armor (RFC 4880 section 6) with the label PGP MESSAGE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dsl/archive/buffered_source.h"
#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace dsl::archive {

// Section 6.1.
class PgpCrc24 {
 public:
  void add(std::string_view bytes);
  std::string octets() const;  // three

 private:
  std::uint32_t value_ = 0xB704CE;
};

// Confined to its owner.
class PgpArmorWriter {
 public:
  explicit PgpArmorWriter(Sink sink);

  Result<void> write(std::span<const std::byte> bytes);
  // The last lines. Once, and nothing after it.
  Result<void> finish();

 private:
  Result<void> put(std::string text);  // after the first lines, if those are due

  Sink sink_;
  PgpCrc24 crc_;
  std::string held_;  // less than a line
  bool begun_ = false;
};

// Errors: kDataLoss for text that is none, damaged, cut, or followed by something; those of the
// source as they come.
//
// Confined to its owner.
class PgpArmorReader {
 public:
  // `input` outlives the reader.
  explicit PgpArmorReader(BufferedSource& input) : input_(input) {}

  // As Source says.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  Result<std::string> next_line();  // without its end
  Result<void> begin();             // to behind the headers
  Result<void> decode_line();       // into held_, or sets ended_
  Result<void> expect_end();        // nothing but white space after the last line

  BufferedSource& input_;
  PgpCrc24 crc_;
  std::string held_;       // a line, decoded
  std::size_t taken_ = 0;  // of held_
  bool begun_ = false;
  bool padded_ = false;  // the line before was the last of the body
  bool ended_ = false;
};

}  // namespace dsl::archive
