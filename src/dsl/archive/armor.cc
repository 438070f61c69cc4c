#include "dsl/archive/armor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dsl/json/canonical.h"

namespace dsl::archive {

namespace {

constexpr std::size_t kLineChars = 64;
constexpr std::size_t kLineBytes = 48;  // that those encode
constexpr std::string_view kSpace = " \t\r\n";

bool is_space(std::string_view text) {
  return text.find_first_not_of(kSpace) == std::string_view::npos;
}

}  // namespace

ArmorWriter::ArmorWriter(Sink sink) : sink_(std::move(sink)) {}

Result<void> ArmorWriter::put(std::string text) {
  if (!begun_) {
    begun_ = true;
    text = std::string(kArmorBegin) + '\n' + text;
  }
  return sink_(std::as_bytes(std::span(text)));
}

Result<void> ArmorWriter::write(std::span<const std::byte> bytes) {
  held_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t whole = held_.size() / kLineBytes * kLineBytes;
  if (whole == 0) {
    return {};
  }
  std::string lines;
  lines.reserve(whole / kLineBytes * (kLineChars + 1));
  for (std::size_t at = 0; at < whole; at += kLineBytes) {
    lines += json::base64(std::string_view(held_).substr(at, kLineBytes));
    lines += '\n';
  }
  held_.erase(0, whole);
  return put(std::move(lines));
}

Result<void> ArmorWriter::finish() {
  std::string lines;
  if (!held_.empty()) {
    lines = json::base64(held_) + '\n';
    held_.clear();
  }
  lines += kArmorEnd;
  lines += '\n';
  return put(std::move(lines));
}

ArmorReader::ArmorReader(BufferedSource& input) : input_(input) {}

Result<std::string_view> ArmorReader::next_line() {
  // Long enough for any line that is right, and to see that one is too long.
  MC_ASSIGN(std::string_view line, input_.line(kLineChars + 3));
  ++line_;
  if (line.empty()) {
    return fail(Code::kDataLoss, "age armor: the text ends without '{}'", kArmorEnd)
        .hint("the file was cut: fetch it again");
  }
  if (line.ends_with('\n')) {
    line.remove_suffix(1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
  }
  return line;
}

Result<void> ArmorReader::skip_to_begin() {
  std::size_t space = 0;
  while (true) {
    MC_ASSIGN(const std::string_view line, next_line());
    if (line == kArmorBegin) {
      begun_ = true;
      return {};
    }
    space += line.size() + 1;
    if (!is_space(line) || space > kArmorSpaceMax) {
      return fail(Code::kDataLoss, "age armor: line {} is not '{}'", line_, kArmorBegin);
    }
  }
}

Result<void> ArmorReader::expect_end() {
  ended_ = true;
  MC_ASSIGN(const std::string_view rest, input_.peek(kArmorSpaceMax + 1));
  if (!is_space(rest) || rest.size() > kArmorSpaceMax) {
    return fail(Code::kDataLoss, "age armor: something follows '{}' in line {}", kArmorEnd, line_);
  }
  return {};
}

Result<void> ArmorReader::decode_line() {
  MC_ASSIGN(const std::string_view line, next_line());
  if (line == kArmorEnd) {
    return expect_end();
  }
  if (line.empty() || line.size() > kLineChars || short_line_) {
    return fail(Code::kDataLoss, "age armor: line {} has the wrong length", line_);
  }
  auto bytes = json::from_base64(line);
  if (!bytes) {
    return fail(Code::kDataLoss, "age armor: line {} is not base64", line_);
  }
  held_ = std::move(*bytes);
  taken_ = 0;
  short_line_ = held_.size() < kLineBytes;
  return {};
}

Result<std::size_t> ArmorReader::read(std::span<std::byte> out) {
  if (!begun_) {
    MC_TRY(skip_to_begin());
  }
  std::size_t filled = 0;
  while (filled < out.size()) {
    if (taken_ == held_.size()) {
      if (ended_) {
        break;
      }
      MC_TRY(decode_line());
      if (ended_) {
        break;
      }
    }
    const std::size_t size = std::min(out.size() - filled, held_.size() - taken_);
    std::memcpy(out.data() + filled, held_.data() + taken_, size);
    taken_ += size;
    filled += size;
  }
  return filled;
}

}  // namespace dsl::archive
