#include "dsl/archive/openpgp_armor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dsl/archive/openpgp_packets.h"
#include "dsl/json/canonical.h"

namespace dsl::archive {

namespace {

constexpr std::string_view kBegin = "-----BEGIN PGP MESSAGE-----";
constexpr std::string_view kEnd = "-----END PGP MESSAGE-----";
constexpr std::size_t kLineBytes = 48;       // 64 characters
constexpr std::size_t kLineMax = 1000;       // of a line that is read, headers included
constexpr std::size_t kLinesBeforeMax = 50;  // headers, and empty lines before the first

Result<void> give(const Sink& sink, std::string_view text) {
  return sink(std::as_bytes(std::span(text)));
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

}  // namespace

void PgpCrc24::add(std::string_view bytes) {
  for (const char c : bytes) {
    value_ ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 16U;
    for (int i = 0; i < 8; ++i) {
      value_ <<= 1U;
      if ((value_ & 0x1000000U) != 0) {
        value_ ^= 0x1864CFBU;
      }
    }
  }
}

std::string PgpCrc24::octets() const {
  return {static_cast<char>((value_ >> 16U) & 255U), static_cast<char>((value_ >> 8U) & 255U),
          static_cast<char>(value_ & 255U)};
}

PgpArmorWriter::PgpArmorWriter(Sink sink) : sink_(std::move(sink)) {}

Result<void> PgpArmorWriter::put(std::string text) {
  if (!std::exchange(begun_, true)) {
    text.insert(0, std::string(kBegin) + "\n\n");
  }
  return text.empty() ? Result<void>() : give(sink_, text);
}

Result<void> PgpArmorWriter::write(std::span<const std::byte> bytes) {
  held_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string_view all = held_;
  std::string text;
  std::size_t taken = 0;
  for (; all.size() - taken >= kLineBytes; taken += kLineBytes) {
    text += json::base64(all.substr(taken, kLineBytes)) + '\n';
  }
  crc_.add(all.substr(0, taken));
  held_.erase(0, taken);
  return put(std::move(text));
}

Result<void> PgpArmorWriter::finish() {
  crc_.add(held_);
  std::string text = held_.empty() ? "" : json::base64(held_) + '\n';
  text += '=' + json::base64(crc_.octets()) + '\n' + std::string(kEnd) + '\n';
  return put(std::move(text));
}

Result<std::string> PgpArmorReader::next_line() {
  MC_ASSIGN(std::string_view line, input_.line(kLineMax));
  if (line.empty()) {
    return pgp_damaged("the armor ends before its last line: it was cut");
  }
  if (!line.ends_with('\n') && line.size() == kLineMax) {
    return pgp_damaged("a line of the armor is too long");
  }
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  return std::string(line.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

Result<void> PgpArmorReader::begin() {
  std::size_t lines = 0;
  std::string line;
  while (is_blank(line)) {
    if (++lines > kLinesBeforeMax) {
      return pgp_damaged("this is no OpenPGP");
    }
    MC_ASSIGN(line, next_line());
  }
  if (line != kBegin) {
    return pgp_damaged("this is no OpenPGP message: it has another first line");
  }
  // Headers, of which nothing is asked, to an empty line.
  while (!is_blank(line)) {
    if (++lines > kLinesBeforeMax) {
      return pgp_damaged("the armor has no empty line before its body");
    }
    MC_ASSIGN(line, next_line());
  }
  return {};
}

Result<void> PgpArmorReader::decode_line() {
  MC_ASSIGN(std::string line, next_line());
  if (line.starts_with('=')) {
    if (line != '=' + json::base64(crc_.octets())) {
      return pgp_damaged("the checksum of the armor does not fit");
    }
    MC_ASSIGN(line, next_line());
    if (line != kEnd) {
      return pgp_damaged("something follows the checksum of the armor");
    }
  }
  if (line == kEnd) {
    ended_ = true;
    return expect_end();
  }
  auto bytes = json::from_base64(line);
  if (!bytes || padded_ || bytes->empty()) {
    return pgp_damaged("a line of the armor is damaged");
  }
  padded_ = line.ends_with('=');
  held_ = std::move(*bytes);
  taken_ = 0;
  crc_.add(held_);
  return {};
}

Result<void> PgpArmorReader::expect_end() {
  while (true) {
    MC_ASSIGN(const std::string_view line, input_.line(kLineMax));
    if (line.empty()) {
      return {};
    }
    if (line.find_first_not_of(" \t\r\n") != std::string_view::npos) {
      return pgp_damaged("something follows the armor");
    }
  }
}

Result<std::size_t> PgpArmorReader::read(std::span<std::byte> out) {
  if (!std::exchange(begun_, true)) {
    MC_TRY(begin());
  }
  while (taken_ == held_.size() && !ended_) {
    MC_TRY(decode_line());
    if (ended_) {
      held_.clear();
      taken_ = 0;
    }
  }
  const std::size_t size = std::min(out.size(), held_.size() - taken_);
  if (size > 0) {
    std::memcpy(out.data(), held_.data() + taken_, size);
    taken_ += size;
  }
  return size;
}

}  // namespace dsl::archive
