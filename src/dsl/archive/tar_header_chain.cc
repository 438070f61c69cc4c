#include "dsl/archive/tar_header_chain.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace dsl::archive {

namespace {

constexpr std::size_t kBlockBytes = 512;
constexpr std::size_t kHeadersMax = 32;  // libarchive takes no more
// IEEE Std 1003.1, pax, "ustar Interchange Format": where the fields lie.
constexpr std::size_t kSizeAt = 124, kSizeBytes = 12, kTypeAt = 156;

constexpr std::array<std::string_view, 5> kNames{"path", "linkpath", "uname", "gname",
                                                 "GNU.sparse.name"};
constexpr std::array<std::string_view, 8> kOfEntries{"path", "linkpath", "uname", "gname",
                                                     "size", "uid",      "gid",   "mtime"};

template <std::size_t kCount>
bool among(const std::array<std::string_view, kCount>& all, std::string_view key) {
  return std::find(all.begin(), all.end(), key) != all.end();
}

Failure malformed() {
  return fail(Code::kDataLoss, "tar: the records of an extended header are damaged")
      .hint("use another copy");
}

std::size_t octal(std::string_view field) {
  field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
  std::size_t value = 0;
  (void)std::from_chars(field.data(), field.data() + field.size(), value, 8);  // none: 0
  return value;
}

Result<void> check_record(bool global, std::string_view key, std::string_view value) {
  if (global && (among(kOfEntries, key) || key.starts_with("GNU.sparse."))) {
    return fail(Code::kInvalidArgument, "tar: a global header sets '{}' of every entry", key)
        .hint("pack it again without a global header");
  }
  if (among(kNames, key) && value.find('\0') != std::string_view::npos) {
    return fail(Code::kInvalidArgument, "tar: an extended header holds a name with a NUL in it")
        .hint("an archive with such a name is not to be unpacked: do not trust where it is from");
  }
  // libarchive keeps what it has understood of a map, and only warns.
  if (key == "GNU.sparse.map" && value.find_first_not_of("0123456789,") != std::string_view::npos) {
    return malformed();
  }
  return {};
}

// "LENGTH KEY=VALUE\n", where LENGTH counts all of it.
Result<void> check_records(bool global, std::string_view records) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto [end, error] =
        std::from_chars(records.data(), records.data() + records.size(), length);
    const auto digits = static_cast<std::size_t>(end - records.data());
    if (error != std::errc() || length > records.size() || length < digits + 3 ||
        records[digits] != ' ' || records[length - 1] != '\n') {
      return malformed();
    }
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals == 0 || equals == std::string_view::npos ||
        record.substr(0, equals).find('\0') != std::string_view::npos) {
      return malformed();
    }
    MC_TRY(check_record(global, record.substr(0, equals), record.substr(equals + 1)));
    records.remove_prefix(length);
  }
  return {};
}

}  // namespace

Result<void> check_header_chain(const HeaderBytes& bytes) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < kHeadersMax; ++i) {
    const std::string header = bytes(at, kBlockBytes);
    if (header.size() < kBlockBytes) {
      break;
    }
    const char type = header[kTypeAt];
    at += kBlockBytes;
    if (type == 'V') {  // the label of a GNU volume, without a body
      continue;
    }
    if (std::string_view("xXgLKA").find(type) == std::string_view::npos) {
      break;
    }
    const std::size_t size = octal(std::string_view(header).substr(kSizeAt, kSizeBytes));
    if (type == 'x' || type == 'X' || type == 'g') {
      MC_TRY(check_records(type == 'g', bytes(at, size)));
    }
    at += (size + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  }
  return {};
}

}  // namespace dsl::archive
