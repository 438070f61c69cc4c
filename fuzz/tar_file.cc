// Any bytes as a tar archive: the same entries however the bytes come, none that must not be
// followed, and what was read is written and read again the same.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/tar.h"

namespace {

using namespace dsl::archive;

// Holes make a small archive large.
constexpr std::size_t kContentMax = 64 << 10;

struct Entry {
  TarEntry header;
  std::string content;  // a beginning of it
  bool whole = false;
  bool operator==(const Entry&) const = default;
};

struct Reading {
  std::vector<Entry> entries;
  bool complete = false;
  bool operator==(const Reading&) const = default;
};

Reading read(std::string_view file, std::size_t step) {
  Reading reading;
  TarReader reader([source = source_of(file), step](std::span<std::byte> out) {
    return source(out.first(std::min(out.size(), step)));
  });
  std::array<std::byte, 4096> room;
  while (true) {
    auto header = reader.next();
    if (!header || !*header) {
      reading.complete = header.has_value();
      return reading;
    }
    Entry entry{.header = std::move(**header)};
    while (entry.content.size() < kContentMax) {
      const auto size = reader.read(room);
      if (!size || *size == 0) {
        entry.whole = size.has_value();
        break;
      }
      entry.content.append(reinterpret_cast<const char*>(room.data()), *size);
    }
    MC_ASSERT(entry.content.size() <= entry.header.size_bytes, "no more than it says");
    MC_ASSERT(!entry.whole || entry.content.size() == entry.header.size_bytes, "and no less");
    reading.entries.push_back(std::move(entry));
  }
}

bool leaves_its_folder(std::string_view path) {
  return path.empty() || path.front() == '/' || path == ".." || path.starts_with("../") ||
         path.ends_with("/..") || path.find("/../") != std::string_view::npos ||
         path.find('\0') != std::string_view::npos;
}

std::string written(const std::vector<Entry>& entries) {
  std::string out;
  auto writer = TarWriter::begin(append_to(out));
  for (const Entry& entry : entries) {
    MC_ASSERT(writer->add(entry.header), "what is read can be written");
    MC_ASSERT(writer->write(std::as_bytes(std::span(entry.content))), "it has its size");
  }
  MC_ASSERT(writer->finish(), "no entry lacks anything");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);

  const Reading whole = read(file, size + 1);

  MC_ASSERT(read(file, 7) == whole, "pieces do not matter");
  for (const Entry& entry : whole.entries) {
    MC_ASSERT(!leaves_its_folder(entry.header.path), "it may be followed");
    MC_ASSERT(entry.header.kind != TarKind::kHardLink || !leaves_its_folder(entry.header.link),
              "and so may what it links to");
  }
  const bool writable =
      whole.complete && std::all_of(whole.entries.begin(), whole.entries.end(),
                                    [](const Entry& entry) { return entry.whole; });
  if (writable) {
    MC_ASSERT(read(written(whole.entries), 4096) == whole, "it is read as it was written");
  }
  return 0;
}
