// Any bytes as gzip: no more plaintext than allowed, and the same however the bytes come.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/archive/gzip.h"

namespace {

using namespace dsl::archive;

constexpr std::uint64_t kBytesMax = 1 << 20;

struct Reading {
  std::string plain;
  bool complete = false;
};

Reading read(std::string_view file, std::size_t step, std::size_t room_size) {
  Reading reading;
  GzipReader reader(
      [source = source_of(file), step](std::span<std::byte> out) {
        return source(out.first(std::min(out.size(), step)));
      },
      {.bytes_max = kBytesMax});
  std::array<std::byte, 4096> room;
  while (true) {
    const auto size = reader.read(std::span(room).first(room_size));
    if (!size || *size == 0) {
      reading.complete = size.has_value();
      return reading;
    }
    reading.plain.append(reinterpret_cast<const char*>(room.data()), *size);
    MC_ASSERT(reading.plain.size() <= kBytesMax, "the limit holds");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);

  const Reading whole = read(file, size + 1, 4096);
  const Reading pieces = read(file, 7, 97);

  MC_ASSERT(whole.complete == pieces.complete, "pieces do not matter");
  MC_ASSERT(!whole.complete || whole.plain == pieces.plain, "nor for the content");
  if (whole.complete) {
    // RFC 1952 section 2.3: a member ends with its checksum and size.
    MC_ASSERT(!read(file.substr(0, file.size() - 1), 4096, 4096).complete,
              "a cut file is not complete");
  }
  return 0;
}
