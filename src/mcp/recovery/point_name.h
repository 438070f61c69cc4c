// Names of points and of the files that make one up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

// "<domain>_<node>_<yyyymmddThhmmssZ>_<8 hex>"; sorts by time within a node.
struct PointName {
  std::string domain;
  std::string node;
  dsl::env::WallTime time{};
  std::string token;  // 8 hex digits

  std::string id() const;
};

// Nothing for what is no id.
std::optional<PointName> parse_point_id(std::string_view id);

// The archive is "<id>.tar.zst.age" or, for those who must use it, "<id>.tar.zst.gpg".
enum class Seal { kAge, kOpenPgp };
std::string archive_name(const std::string& id, Seal seal);
std::string manifest_name(const std::string& id, Seal seal);   // "<id>.manifest.age"
std::string signature_name(const std::string& id, Seal seal);  // archive + ".minisig"

// Which point an archive is; nothing for another file.
struct ArchiveFile {
  PointName point;
  Seal seal = Seal::kAge;
};
std::optional<ArchiveFile> parse_archive_name(std::string_view name);

}  // namespace mcp::recovery
