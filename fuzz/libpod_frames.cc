// Attached output and event lines of podman: any bytes, in any pieces.
#include "mcp/runtime/libpod_frames.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "mcp/runtime/libpod_json.h"

namespace {

// The content of all frames, fed in pieces of `step` bytes; empty when they are not frames.
std::string content_of(std::string_view bytes, std::size_t step) {
  mcp::runtime::FrameReader reader;
  std::string content;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto more = reader.feed(bytes.substr(at, step), [&](auto, std::string_view piece) {
      content += piece;
      return true;
    });
    if (!more) {
      return "";
    }
  }
  return content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  const std::string whole = content_of(bytes, size + 1);
  const std::string pieces = content_of(bytes, 3);
  MC_ASSERT(whole == pieces, "frames do not depend on how their bytes arrive");

  mcp::runtime::LineReader lines(64);
  std::size_t count = 0;
  const auto on_line = [&](std::string_view line) {
    MC_ASSERT(line.size() <= 64, "lines are bounded");
    (void)mcp::runtime::decode_event(line);  // any error is fine, a crash is not
    (void)mcp::runtime::check_pull_line(line);
    return ++count < 1000;
  };
  (void)(lines.feed(bytes, on_line) && lines.finish(on_line));
  (void)mcp::runtime::decode_list(bytes);
  (void)mcp::runtime::decode_inspect(bytes);
  (void)mcp::runtime::decode_error(500, bytes);
  (void)mcp::runtime::parse_time(bytes);
  return 0;
}
