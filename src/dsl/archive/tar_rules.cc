#include "dsl/archive/tar_rules.h"

#include <algorithm>
#include <string_view>

namespace dsl::archive {

namespace {

// Why `path` must not be followed; empty when it may.
std::string_view fault_of(std::string_view path) {
  if (path.empty()) {
    return "is empty";
  }
  if (path.size() > kTarPathMax) {
    return "is too long";
  }
  if (path.find('\0') != std::string_view::npos) {
    return "holds a NUL";
  }
  if (path.front() == '/') {
    return "is absolute";
  }
  if (path.back() == '/') {
    return "ends in a slash";
  }
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part == "..") {
      return "leads upwards (..)";
    }
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  return {};
}

// Names from an archive may be anything: what a terminal or a log would trip over is left out.
std::string shown(std::string_view path) {
  constexpr std::size_t kShownMax = 200;
  std::string out;
  for (const char c : path.substr(0, kShownMax)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return path.size() > kShownMax ? out + "..." : out;
}

Failure refused(const TarEntry& entry, std::string_view what, std::string_view why) {
  return fail(Code::kInvalidArgument, "tar: {} of '{}' {}", what, shown(entry.path), why);
}

Result<void> check_link(const TarEntry& entry) {
  switch (entry.kind) {
    case TarKind::kHardLink:
      if (const std::string_view fault = fault_of(entry.link); !fault.empty()) {
        return refused(entry, "the hard link", fault);
      }
      return {};
    case TarKind::kSymlink:
      // Absolute ones and those that lead upwards are usual.
      if (entry.link.empty() || entry.link.size() > kTarPathMax ||
          entry.link.find('\0') != std::string::npos) {
        return refused(entry, "the symbolic link", "is empty, too long, or holds a NUL");
      }
      return {};
    case TarKind::kFile:
    case TarKind::kDirectory:
      if (!entry.link.empty()) {
        return refused(entry, "the link", "belongs to no file and no directory");
      }
      return {};
  }
  return {};
}

}  // namespace

Result<void> check_entry(const TarEntry& entry) {
  if (const std::string_view fault = fault_of(entry.path); !fault.empty()) {
    return fail(Code::kInvalidArgument, "tar: the path '{}' {}", shown(entry.path), fault)
        .hint("an archive with such a path is not to be unpacked: do not trust where it is from");
  }
  MC_TRY(check_link(entry));
  if (entry.kind != TarKind::kFile && entry.size_bytes > 0) {
    return refused(entry, "the size", "belongs to files only");
  }
  if (entry.size_bytes > std::uint64_t{INT64_MAX}) {
    return refused(entry, "the size", "is out of range");
  }
  if ((entry.mode & ~std::uint32_t{07777}) != 0) {
    return refused(entry, "the mode", "has more than permission bits");
  }
  if (entry.user.find('\0') != std::string::npos || entry.group.find('\0') != std::string::npos) {
    return refused(entry, "the owner's name", "holds a NUL");
  }
  std::size_t xattr_bytes = 0;
  for (const auto& [name, value] : entry.xattrs) {
    if (name.empty() || name.find('\0') != std::string::npos) {
      return refused(entry, "an extended attribute", "has no name, or a NUL in it");
    }
    xattr_bytes += name.size() + value.size();
  }
  if (xattr_bytes > kTarXattrBytesMax) {
    return refused(entry, "the extended attributes",
                   text("have {} bytes, more than {}", xattr_bytes, kTarXattrBytesMax));
  }
  return {};
}

CharsetGuard::CharsetGuard(Charset charset) {
  // Made once, since they are read from files where there are any, and never freed, so that no
  // order of destruction matters.
  static const locale_t kAsciiLocale = ::newlocale(LC_ALL_MASK, "C", nullptr);
  static const locale_t kUtf8Locale = ::newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);
  MC_ASSERT(kAsciiLocale != nullptr && kUtf8Locale != nullptr, "the C library has both itself");
  before_ = ::uselocale(charset == Charset::kAscii ? kAsciiLocale : kUtf8Locale);
}

CharsetGuard::~CharsetGuard() { ::uselocale(before_); }

}  // namespace dsl::archive
