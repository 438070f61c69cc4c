#include "mcns/dnstap/frames.h"

#include <array>

#include "mcns/wire/octets.h"

namespace mcns::dnstap {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kNumber = 4;
constexpr std::size_t kControlHead = 2 * kNumber;  // the escape and the length
constexpr std::size_t kControlMax = 512;           // as others bound it
constexpr std::size_t kContentTypeMax = 256;
constexpr std::uint32_t kContentTypeField = 1;

void append_number(std::size_t number, std::string& out) {
  std::array<char, kNumber> octets{};
  write32(octets.data(), static_cast<std::uint32_t>(number));
  out.append(octets.data(), octets.size());
}

bool has_content_type(ControlType type) {
  return type != ControlType::kStop && type != ControlType::kFinish;
}

Result<Control> read_payload(std::string_view payload) {
  const std::uint32_t type = read32(payload, 0);
  if (type < static_cast<std::uint32_t>(ControlType::kAccept) ||
      type > static_cast<std::uint32_t>(ControlType::kFinish)) {
    return fail(Code::kInvalidArgument, "a control frame of type {}", type);
  }
  Control control{static_cast<ControlType>(type), {}};
  std::string_view rest = payload.substr(kNumber);
  while (!rest.empty()) {
    if (rest.size() < 2 * kNumber || rest.size() - 2 * kNumber < read32(rest, kNumber)) {
      return fail(Code::kInvalidArgument, "a field of a control frame is cut short");
    }
    const std::size_t size = read32(rest, kNumber);
    const std::string_view value = rest.substr(2 * kNumber, size);
    const bool is_known = read32(rest, 0) == kContentTypeField && has_content_type(control.type);
    if (!is_known || size > kContentTypeMax) {
      return fail(Code::kInvalidArgument, "a control frame has a field that it cannot have");
    }
    control.content_types.emplace_back(value);
    rest.remove_prefix(2 * kNumber + size);
  }
  return control;
}

}  // namespace

std::string control_frame(ControlType type) {
  std::string payload;
  append_number(static_cast<std::size_t>(type), payload);
  if (has_content_type(type)) {
    append_number(kContentTypeField, payload);
    append_number(kContentType.size(), payload);
    payload += kContentType;
  }
  std::string out;
  append_number(0, out);
  append_number(payload.size(), out);
  return out + payload;
}

void append_data_frame(std::string_view payload, std::string& out) {
  append_number(payload.size(), out);
  out += payload;
}

std::size_t data_frame_size(std::string_view frames) { return kNumber + read32(frames, 0); }

Result<std::optional<ControlFrame>> read_control(std::string_view octets) {
  if (octets.size() >= kNumber && read32(octets, 0) != 0) {
    return fail(Code::kInvalidArgument, "no control frame");
  }
  if (octets.size() < kControlHead) {
    return std::optional<ControlFrame>();
  }
  const std::size_t size = read32(octets, kNumber);
  if (size < kNumber || size > kControlMax) {
    return fail(Code::kInvalidArgument, "a control frame of {} octets", size);
  }
  if (octets.size() - kControlHead < size) {
    return std::optional<ControlFrame>();
  }
  MC_ASSIGN(Control control, read_payload(octets.substr(kControlHead, size)));
  return std::optional(ControlFrame{std::move(control), kControlHead + size});
}

}  // namespace mcns::dnstap
