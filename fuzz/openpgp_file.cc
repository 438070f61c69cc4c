// Any bytes as an OpenPGP file, binary or armored, under the passphrase of the seeds: the same
// however the bytes come.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/archive/openpgp.h"

namespace {

using namespace dsl::archive;

// What is packed may be a thousand times as long as the file.
constexpr std::size_t kPlainMax = 1 << 20;

struct Reading {
  std::string plain;
  bool opened = false;
  bool complete = false;
  bool operator==(const Reading&) const = default;
};

// With `step` bytes a call of the source, and `room_size` of them asked for.
Reading read(std::string_view file, std::size_t step, std::size_t room_size) {
  Reading reading;
  auto reader = OpenPgpReader::open(
      [source = source_of(file), step](std::span<std::byte> out) {
        return source(out.first(std::min(out.size(), step)));
      },
      dsl::Secret::from(std::string_view("password")));
  reading.opened = reader.has_value();
  std::array<std::byte, 4096> room;
  while (reader && reading.plain.size() < kPlainMax) {
    const auto size = reader->read(std::span(room).first(room_size));
    if (!size || *size == 0) {
      reading.complete = size.has_value();
      break;
    }
    reading.plain.append(reinterpret_cast<const char*>(room.data()), *size);
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Stretching a passphrase is most of the work, and the file says how much: the octets that ask
  // for more than a little are made to ask for less.
  std::string file(reinterpret_cast<const char*>(data), size);
  for (std::size_t i = 0; i + 13 < file.size(); ++i) {
    const std::string_view head = std::string_view(file).substr(i, 3);
    if (head[0] == 4 && head[2] == 3) {
      file[i + 12] = static_cast<char>(file[i + 12] & 0x1f);
    }
  }

  const Reading whole = read(file, size + 1, 4096);
  const Reading pieces = read(file, 1, 4096);

  MC_ASSERT(!whole.complete || whole.opened, "only what was opened is complete");
  MC_ASSERT(whole.opened == pieces.opened && whole.complete == pieces.complete,
            "pieces do not matter");
  MC_ASSERT(!whole.complete || whole.plain == pieces.plain, "nor for the content");
  return 0;
}
