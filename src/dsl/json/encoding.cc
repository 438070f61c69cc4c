// Base64 of bytes, by OpenSSL.
#include <algorithm>

#include <openssl/evp.h>

#include "dsl/json/canonical.h"

namespace dsl::json {

namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());  // OpenSSL counts in unsigned char
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') {
    return c - 'A';
  }
  if (c >= 'a' && c <= 'z') {
    return c - 'a' + 26;
  }
  if (c >= '0' && c <= '9') {
    return c - '0' + 52;
  }
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends with a NUL
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(bytes),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// Own decoder: EVP_DecodeBlock skips white space, and gives padding back as zero bytes.
Result<std::string> from_base64(std::string_view text) {
  const auto malformed = [](std::size_t at) {
    return fail(Code::kInvalidArgument, "not base64 at byte {}", at);
  };
  if (text.size() % 4 != 0) {
    return malformed(text.size());
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  const std::size_t count = text.size() - padding;

  std::string bytes;
  bytes.reserve(count * 3 / 4);
  unsigned buffer = 0;
  int bits = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int value = value_of(text[i]);
    if (value < 0) {
      return malformed(i);
    }
    buffer = (buffer << 6) | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((buffer >> bits) & 0xFFU);
      buffer &= (1U << bits) - 1;
    }
  }
  // RFC 4648 section 3.5: the unused bits must be zero, so that each value has one form.
  if (buffer != 0) {
    return malformed(count);
  }
  return bytes;
}

}  // namespace dsl::json
