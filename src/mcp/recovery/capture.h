// Puts a node's units into a point: files as they are, databases as consistent copies.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/recovery/manifest.h"
#include "mcp/recovery/point_writer.h"

namespace mcp::recovery {

struct Unit {
  std::string name;
  std::string root;                    // "/srv/mcr"
  std::vector<std::string> leave_out;  // absolute paths, with all below them
  bool shares_root = false;            // see UnitRecord
  std::string version;
  std::int64_t generation = 0;
  std::string spec_sha256;
};

// Told of each unit and file; `bytes` were captured so far.
using CaptureProgress = std::function<void(const std::string& unit, std::uint64_t bytes)>;

// Appends `unit` to `point` and its records to `manifest`. What cannot be read or copied is a
// problem of the unit, and the others go on; an error is one of the point as a whole, such as a
// full disk.
Result<void> capture_unit(dsl::env::Env& env, const Unit& unit, PointWriter& point,
                          Manifest& manifest, const CaptureProgress& progress);

// A file that is no part of a tree, such as an image's archive.
Result<void> capture_file(dsl::env::Env& env, const std::string& file, const std::string& path,
                          PointWriter& point, Manifest& manifest);

}  // namespace mcp::recovery
