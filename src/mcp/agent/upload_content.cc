#include "mcp/agent/upload_content.h"

#include <algorithm>

namespace mcp::agent {

namespace {

constexpr std::uint32_t kModeDefault = 0640;
constexpr std::uint32_t kPermissions = 0777;
constexpr std::uint32_t kOwnersOnly = 0600;
// RFC 7468: "-----BEGIN PRIVATE KEY-----", and with a word before: RSA, EC, ENCRYPTED, OPENSSH.
constexpr std::string_view kKeyMark = "PRIVATE KEY-----";

}  // namespace

UploadContent::UploadContent(const std::string& name)
    : named_key_(name.ends_with(".key")), is_pem_(name.ends_with(".pem")) {}

void UploadContent::add(std::string_view bytes) {
  hash_.add(std::as_bytes(std::span(bytes.data(), bytes.size())));
  if (!is_pem_ || saw_key_) {
    return;
  }
  const std::string seam = tail_ + std::string(bytes.substr(0, kKeyMark.size()));
  saw_key_ =
      seam.find(kKeyMark) != std::string::npos || bytes.find(kKeyMark) != std::string_view::npos;
  const std::string_view end = bytes.substr(bytes.size() - std::min(bytes.size(), kKeyMark.size()));
  tail_ = (tail_ + std::string(end));
  tail_.erase(0, tail_.size() - std::min(tail_.size(), kKeyMark.size()));
}

std::uint32_t UploadContent::mode(std::uint32_t wanted) const {
  const std::uint32_t mode = (wanted & kPermissions) == 0 ? kModeDefault : wanted & kPermissions;
  if (!named_key_ && !saw_key_) {
    return mode;
  }
  return (mode & kOwnersOnly) == 0 ? kOwnersOnly : mode & kOwnersOnly;
}

}  // namespace mcp::agent
