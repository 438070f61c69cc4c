// What a backup point holds: every file with its hash, every database with its rows, every image,
// and where it all came from. docs/formats/point.md describes the JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/tar.h"
#include "dsl/db/image.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

struct FileRecord {
  // Path within the point, "mcr/mcr.toml". Owners are those inside of the user's namespace: 0 is
  // the user of the agent, whatever its number.
  dsl::archive::TarEntry entry;
  std::string sha256;                           // of a file's content, lower-case hex
  std::optional<dsl::db::ImageFacts> database;  // stored as one commit of it
  bool torn = false;                            // it changed while it was read
};

struct UnitRecord {
  std::string name;     // service, or "mcp" for the agent itself
  std::string root;     // where it lay: "/srv/mcr"
  std::string version;  // of the service's definition; empty for the agent
  std::int64_t generation = 0;
  std::string spec_sha256;
  // Other things live in its directory, which stay: only what the point has of it is exchanged.
  bool shares_root = false;
  std::vector<std::string> problems;  // what could not be read or copied; empty = whole
};

struct ImageRecord {
  std::string reference;
  std::string digest;
  std::string file;  // path within the point; empty = named only
};

// A stretch of ids: `count` from `inside` in the namespace are those from `outside` on the host.
struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
};

// How much of its node a point has. Only a whole one satisfies a schedule or a retention rule.
enum class Extent {
  kWhole,      // every unit, and nothing of them is missing
  kSelection,  // the units that were asked for
  kPartial,    // something could not be read
};
std::string_view name(Extent extent);  // "whole", "selection", "partial"
std::optional<Extent> parse_extent(std::string_view name);

// The point before this one, by which a removed or exchanged point shows.
struct Predecessor {
  std::string id;               // empty = this is the first
  std::string manifest_sha256;  // of its manifest
};

struct Manifest {
  std::string id;  // "metacircular.net_rift_20261126T020000Z_1f2e3d4c"
  std::int64_t sequence = 0;
  std::string domain;
  std::string node;
  std::string tool;  // "mcp-agent 0.4.0"
  std::int64_t begun_ms = 0;
  std::int64_t ended_ms = 0;
  std::map<std::string, std::string> tags;
  bool selection = false;  // only some units were asked for
  std::uint32_t uid = 0;   // of the agent's user
  std::uint32_t gid = 0;
  std::string user;
  std::vector<IdRange> uid_map;
  std::vector<UnitRecord> units;
  std::vector<FileRecord> files;  // in the order of the archive
  std::vector<ImageRecord> images;
  std::vector<std::string> recipients;
  Predecessor previous;

  Extent extent() const;
  std::uint64_t bytes() const;  // of all files
  const UnitRecord* unit(std::string_view name) const;
};

constexpr std::string_view kManifestPath = "MANIFEST.json";
constexpr std::size_t kManifestBytesMax = std::size_t{1} << 30;

// Canonical JSON (RFC 8785) and a line feed.
Result<std::string> to_json(const Manifest& manifest);
// kDataLoss for what is no manifest of this format; kFailedPrecondition for a newer one.
Result<Manifest> parse_manifest(std::string_view json);

}  // namespace mcp::recovery
