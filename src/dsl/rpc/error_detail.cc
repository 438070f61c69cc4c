#include "dsl/rpc/error_detail.h"

#include <algorithm>

#include "dsl/v1/common.pb.h"

namespace dsl::rpc {

namespace {

namespace pb = ::dsl::v1;

constexpr std::size_t kDetailBytesMax = 4096;
constexpr std::size_t kTextBytesMax = 1024;

// Cuts at a character's border and replaces what is not UTF-8: a proto3 string that is not UTF-8
// cannot be parsed again.
std::string wire_text(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    std::size_t size = lead < 0x80                    ? 1
                       : lead >= 0xC2 && lead <= 0xDF ? 2
                       : lead >= 0xE0 && lead <= 0xEF ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
    bool good = size > 0 && at + size <= text.size();
    for (std::size_t i = 1; good && i < size; ++i) {
      good = (static_cast<unsigned char>(text[at + i]) & 0xC0) == 0x80;
    }
    if (good && size > 2) {  // overlong forms, surrogates and beyond U+10FFFF
      const auto second = static_cast<unsigned char>(text[at + 1]);
      good = !(lead == 0xE0 && second < 0xA0) && !(lead == 0xED && second > 0x9F) &&
             !(lead == 0xF0 && second < 0x90) && !(lead == 0xF4 && second > 0x8F);
    }
    size = good ? size : 1;
    if (out.size() + size > kTextBytesMax) {
      break;
    }
    out += good ? text.substr(at, size) : std::string_view("?");
    at += size;
  }
  return out;
}

}  // namespace

std::string encode_error(const Error& error, std::string_view request_id) {
  pb::ErrorDetail detail;
  detail.set_code(std::string(code_info(error.code()).name));
  detail.set_hint(wire_text(error.hint()));
  detail.set_id(wire_text(error.id()));
  detail.set_request_id(wire_text(request_id));
  constexpr std::size_t kRoomForCount = 64;
  std::size_t left = error.details().size();
  for (const Detail& finding : error.details()) {
    pb::ErrorDetail::Finding* added = detail.add_findings();
    added->set_where(wire_text(finding.where));
    added->set_message(wire_text(finding.message));
    if (detail.ByteSizeLong() > kDetailBytesMax - kRoomForCount) {
      added->clear_where();
      added->set_message(text("and {} more", left));
      break;
    }
    --left;
  }
  return detail.SerializeAsString();
}

std::string status_message(const Error& error) { return wire_text(error.message()); }

Error decode_error(int grpc_status, std::string message, std::string_view trailer) {
  Code code = code_from_grpc(grpc_status);
  pb::ErrorDetail detail;
  const bool usable = !trailer.empty() && trailer.size() <= 64 * 1024 &&
                      detail.ParseFromArray(trailer.data(), static_cast<int>(trailer.size()));
  if (!usable) {
    return Error(code, std::move(message));
  }
  // A code is believed only when it is one that this status stands for.
  const Code named = code_from_name(detail.code());
  if (code_info(named).name == detail.code() && code_info(named).grpc_status == grpc_status) {
    code = named;
  }
  Error error(code, std::move(message));
  error.set_hint(detail.hint());
  error.set_id(detail.id());
  for (const pb::ErrorDetail::Finding& finding : detail.findings()) {
    error.add_detail(finding.where(), finding.message());
  }
  return error;
}

}  // namespace dsl::rpc
