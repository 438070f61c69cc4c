// Any bytes as a write-ahead log: however they are cut, the same frames come out, and none behind
// the first that does not belong there.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsl/replica/chain.h"

namespace {

using namespace dsl;
using namespace dsl::replica;

struct Frame {
  std::uint32_t page = 0;
  std::uint32_t page_count = 0;
  std::uint64_t end = 0;
  bool operator==(const Frame&) const = default;
};

struct Reading {
  std::vector<Frame> frames;
  std::uint64_t offset = 0;
  bool good = true;
  bool operator==(const Reading&) const = default;
};

Reading read(std::span<const std::byte> log, std::size_t step) {
  Reading reading;
  FrameReader reader;
  while (!log.empty() && reading.good) {
    const auto part = log.first(std::min(step, log.size()));
    log = log.subspan(part.size());
    reading.good =
        reader
            .feed(part,
                  [&](const WalFrame& frame, std::uint64_t end) -> Result<void> {
                    MC_ASSERT(frame.content.size() == reader.header().page_bytes, "a page");
                    reading.frames.push_back({frame.page, frame.page_count, end});
                    return {};
                  })
            .has_value();
  }
  reading.offset = reader.offset();
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto log = std::as_bytes(std::span(data, size));

  const Reading whole = read(log, size + 1);

  MC_ASSERT(whole.offset <= size, "nothing is made up");
  MC_ASSERT(whole.frames.empty() || whole.frames.back().end == whole.offset, "frames end it");
  MC_ASSERT(read(log, 1) == whole && read(log, 13) == whole, "pieces do not matter");
  return 0;
}
