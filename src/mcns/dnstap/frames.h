// Frame Streams: a stream of frames, each with its length in front, big-endian. A length of 0 says
// that a control frame follows, with a length of its own.
//
//   data      length(4) payload
//   control   0(4) length(4) type(4) { field(4) length(4) value }
//
// One way (a file): START data... STOP. Both ways (a socket): the writer sends READY, the reader
// ACCEPT, the writer START data... STOP, the reader FINISH.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace mcns::dnstap {

inline constexpr std::string_view kContentType = "protobuf:dnstap.Dnstap";

enum class ControlType : std::uint32_t {
  kAccept = 1,
  kStart = 2,
  kStop = 3,
  kReady = 4,
  kFinish = 5,
};

struct Control {
  ControlType type = ControlType::kAccept;
  std::vector<std::string> content_types;  // of ACCEPT, START and READY
};

// READY, ACCEPT and START name our content type.
std::string control_frame(ControlType type);
void append_data_frame(std::string_view payload, std::string& out);
// What the data frame at the front of `frames` takes.
std::size_t data_frame_size(std::string_view frames);

struct ControlFrame {
  Control control;
  std::size_t size = 0;  // octets that it takes
};
// The control frame at the front of `octets`, which a peer sent; nothing while it is not whole.
// kInvalidArgument for what is none.
dsl::Result<std::optional<ControlFrame>> read_control(std::string_view octets);

}  // namespace mcns::dnstap
