#include "mcp/recovery/point_name.h"

#include <algorithm>
#include <array>

namespace mcp::recovery {

using dsl::text;

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kTokenDigits = 8;
constexpr std::size_t kTimeLetters = 16;  // 20261126T020000Z

// "20261126T020000Z" of "2026-11-26T02:00:00.000Z", and back.
std::string compact(dsl::env::WallTime time) {
  std::string out = dsl::env::format_time(time).substr(0, 19);
  std::erase_if(out, [](char c) { return c == '-' || c == ':'; });
  return out + "Z";
}

std::optional<dsl::env::WallTime> from_compact(std::string_view letters) {
  if (letters.size() != kTimeLetters) {
    return std::nullopt;
  }
  const std::string s(letters);
  const auto time =
      dsl::env::parse_time(s.substr(0, 4) + "-" + s.substr(4, 2) + "-" + s.substr(6, 5) + ":" +
                           s.substr(11, 2) + ":" + s.substr(13));
  // Only what `compact` would write.
  if (!time || compact(*time) != letters) {
    return std::nullopt;
  }
  return *time;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
         });
}

std::string_view ending(Seal seal) { return seal == Seal::kAge ? ".tar.zst.age" : ".tar.zst.gpg"; }

}  // namespace

std::string PointName::id() const {
  return text("{}_{}_{}_{}", domain, node, compact(time), token);
}

std::optional<PointName> parse_point_id(std::string_view id) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = i + 1 < parts.size() ? id.find('_') : id.size();
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    parts.at(i) = id.substr(0, end);
    id.remove_prefix(std::min(end + 1, id.size()));
  }
  const auto time = from_compact(parts[2]);
  if (!is_name(parts[0]) || !is_name(parts[1]) || !time || parts[3].size() != kTokenDigits ||
      parts[3].find_first_not_of(kHexDigits) != std::string_view::npos) {
    return std::nullopt;
  }
  return PointName{std::string(parts[0]), std::string(parts[1]), *time, std::string(parts[3])};
}

std::string archive_name(const std::string& id, Seal seal) {
  return id + std::string(ending(seal));
}

std::string manifest_name(const std::string& id, Seal seal) {
  return id + (seal == Seal::kAge ? ".manifest.age" : ".manifest.gpg");
}

std::string signature_name(const std::string& id, Seal seal) {
  return archive_name(id, seal) + ".minisig";
}

std::optional<ArchiveFile> parse_archive_name(std::string_view name) {
  for (const Seal seal : {Seal::kAge, Seal::kOpenPgp}) {
    if (name.ends_with(ending(seal))) {
      const auto point = parse_point_id(name.substr(0, name.size() - ending(seal).size()));
      return point ? std::optional<ArchiveFile>({*point, seal}) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace mcp::recovery
