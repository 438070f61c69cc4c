// Any bytes as the tail of a mirror, and as one object in the clear.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/replica/envelope.h"
#include "dsl/replica/sync_tail.h"

namespace {

using namespace dsl;
using namespace dsl::replica;

constexpr std::size_t kRecordMax = 1u << 20;

archive::Source in_steps(std::string_view bytes, std::size_t step) {
  return [source = archive::source_of(bytes), step](std::span<std::byte> out) {
    return source(out.first(std::min(out.size(), step)));
  };
}

struct Reading {
  std::string line;
  std::string payload;
  bool whole = false;
  bool operator==(const Reading&) const = default;
};

Reading read(std::string_view object, std::size_t step) {
  Reading reading;
  auto reader = ObjectReader::open(in_steps(object, step), {});
  if (!reader) {
    return reading;
  }
  reading.line = reader->line();
  std::vector<std::byte> piece(4096);
  while (reading.payload.size() < kRecordMax) {
    const auto size = reader->read(piece);
    if (!size || *size == 0) {
      reading.whole = size.has_value();
      break;
    }
    reading.payload.append(reinterpret_cast<const char*>(piece.data()), *size);
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  const auto tail = read_tail(archive::source_of(bytes), kRecordMax);
  if (tail) {
    std::size_t total = 0;
    for (const std::string& record : tail->records) {
      MC_ASSERT(bytes.substr(total + 8, record.size()) == record, "records lie one after another");
      total += 8 + record.size();
      (void)read(record, record.size() + 1);
    }
    MC_ASSERT(total <= size, "nothing is made up");
    const auto again = read_tail(in_steps(bytes, 1), kRecordMax);
    MC_ASSERT(again && again->records == tail->records && again->torn == tail->torn,
              "pieces do not matter");
  }
  MC_ASSERT(read(bytes, 1) == read(bytes, size + 1), "pieces do not matter");
  return 0;
}
