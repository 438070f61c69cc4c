// Any bytes as zstd: no more plaintext than allowed, however the bytes come.
#include "dsl/archive/zstd_stream.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace dsl::archive;

constexpr std::uint64_t kBytesMax = 1 << 20;

struct Reading {
  std::string plain;
  bool complete = false;
};

Reading read(std::string_view file, std::size_t step, std::size_t room_size) {
  Reading reading;
  ZstdReader reader(
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

  // Whether a frame that says a size and ends in an empty block has that size, the library asks
  // only when it gets the frame in one piece. So one may fail where the other does not.
  MC_ASSERT(!whole.complete || !pieces.complete || whole.plain == pieces.plain,
            "pieces do not matter");
  if (whole.complete && !file.empty()) {
    // RFC 8878 section 3.1.1: a frame's last bytes are needed, whatever its kind.
    MC_ASSERT(!read(file.substr(0, 3), 4096, 4096).complete, "a cut frame is not complete");
  }
  return 0;
}
