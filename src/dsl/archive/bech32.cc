#include "dsl/archive/bech32.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace dsl::archive {

namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumChars = 6;
// The longest key of age (a hybrid recipient) has under 2000 characters.
constexpr std::size_t kTextMax = 4096;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

// The remainder of what was added so far. BIP 173, "Checksum".
class Checksum {
 public:
  explicit Checksum(std::string_view prefix) {
    for (const char c : prefix) {
      add(static_cast<std::uint32_t>(lower(c)) >> 5);
    }
    add(0);
    for (const char c : prefix) {
      add(static_cast<std::uint32_t>(lower(c)) & 31);
    }
  }

  void add(std::uint32_t value) {
    constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                      0x3d4233dd, 0x2a1462b3};
    const std::uint32_t top = state_ >> 25;
    state_ = ((state_ & 0x1ffffff) << 5) ^ value;
    for (std::size_t i = 0; i < kGenerator.size(); ++i) {
      state_ ^= ((top >> i) & 1) != 0 ? kGenerator[i] : 0;
    }
  }

  std::uint32_t state() const { return state_; }

 private:
  std::uint32_t state_ = 1;
};

Result<std::size_t> separator_of(std::string_view text) {
  if (text.size() > kTextMax) {
    return fail(Code::kInvalidArgument, "a key of {} characters", text.size());
  }
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable || (std::any_of(text.begin(), text.end(), is_upper) &&
                     std::any_of(text.begin(), text.end(), is_lower))) {
    return fail(Code::kInvalidArgument, "not a key: strange characters, or upper and lower case");
  }
  const std::size_t separator = text.rfind('1');
  if (separator == std::string_view::npos || separator == 0 ||
      text.size() - separator - 1 < kChecksumChars) {
    return fail(Code::kInvalidArgument, "not a key, or only the start of one");
  }
  return separator;
}

}  // namespace

Secret bech32_encode(std::string_view prefix, std::span<const std::byte> bytes) {
  const std::size_t values = (bytes.size() * 8 + 4) / 5;
  Secret text = Secret::zeroed(prefix.size() + 1 + values + kChecksumChars);
  auto* out = reinterpret_cast<char*>(text.expose_mutable().data());
  const bool upper_case = std::any_of(prefix.begin(), prefix.end(), is_upper);
  Checksum checksum(prefix);
  const auto put = [&](std::uint32_t value) {
    *out++ = upper_case ? upper(kAlphabet[value]) : kAlphabet[value];
  };

  out = std::copy(prefix.begin(), prefix.end(), out);
  *out++ = '1';
  std::uint32_t held = 0;
  int bits = 0;
  const auto put_value = [&](std::uint32_t value) {
    checksum.add(value);
    put(value);
  };
  for (const std::byte byte : bytes) {
    held = ((held << 8) | std::to_integer<std::uint32_t>(byte)) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) {
      put_value((held >> (bits - 5)) & 31);
    }
  }
  if (bits > 0) {
    put_value((held << (5 - bits)) & 31);
  }
  for (std::size_t i = 0; i < kChecksumChars; ++i) {
    checksum.add(0);
  }
  for (int shift = 25; shift >= 0; shift -= 5) {
    put(((checksum.state() ^ 1) >> shift) & 31);
  }
  return text;
}

Result<Bech32> bech32_decode(std::string_view text) {
  MC_ASSIGN(const std::size_t separator, separator_of(text));
  const std::string_view prefix = text.substr(0, separator);
  const std::string_view data = text.substr(separator + 1);
  const std::size_t values = data.size() - kChecksumChars;

  Secret bytes = Secret::zeroed(values * 5 / 8);
  std::byte* out = bytes.expose_mutable().data();
  Checksum checksum(prefix);
  std::uint32_t held = 0;
  int bits = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::size_t value = kAlphabet.find(lower(data[i]));
    if (value == std::string_view::npos) {
      return fail(Code::kInvalidArgument, "not a key: character {} is none of its alphabet",
                  separator + 2 + i);
    }
    checksum.add(static_cast<std::uint32_t>(value));
    if (i < values) {
      held = ((held << 5) | static_cast<std::uint32_t>(value)) & 0xfff;
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        *out++ = static_cast<std::byte>((held >> bits) & 0xff);
      }
    }
  }
  if (checksum.state() != 1) {
    return fail(Code::kInvalidArgument, "the key's checksum does not fit")
        .hint("a character is wrong or missing: copy it again");
  }
  // BIP 173: what is left over is less than a value, and zero.
  if (bits >= 5 || (held & ((1U << bits) - 1)) != 0) {
    return fail(Code::kInvalidArgument, "the key ends in bits that belong to no byte");
  }
  return Bech32{std::string(prefix), std::move(bytes)};
}

}  // namespace dsl::archive
