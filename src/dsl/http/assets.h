// Files that are part of the binary, served with strong ETags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/http/server.h"

namespace dsl::http {

// The bytes live as long as the process.
struct Asset {
  std::string_view path;  // below the prefix, without a slash in front: "app.css"
  std::string_view content_type;
  std::string_view bytes;
};

struct AssetOptions {
  std::string prefix = "/static/";
  Access access = Access::kPublic;
  // Names with a hash in them may be kept for ever: "public, max-age=31536000, immutable".
  std::string cache_control = "no-cache";  // keep, and ask each time whether it still holds
};

// Adds one route for each asset: conditional requests, ranges, and compressed copies made once,
// each with a strong tag of its own.
void add_assets(Router& router, const std::vector<Asset>& assets, const AssetOptions& options);

}  // namespace dsl::http
