// Archives of images for tests, small and well-formed.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dsl/archive/tar.h"
#include "mcp/agent/image_archive.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {

inline std::string tar_of(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out;
  auto writer = dsl::test::require_ok(dsl::archive::TarWriter::begin(dsl::archive::append_to(out)));
  for (const auto& [path, content] : files) {
    dsl::test::require_ok(writer.add({.path = path, .mode = 0644, .size_bytes = content.size()}));
    dsl::test::require_ok(writer.write(std::as_bytes(std::span(content))));
  }
  dsl::test::require_ok(writer.finish());
  return out;
}

// As podman writes it: configuration, one layer each, the manifest last.
inline std::string image_tar(const std::vector<ArchivedImage>& images) {
  std::vector<std::pair<std::string, std::string>> files;
  std::string manifest;
  for (const ArchivedImage& image : images) {
    files.emplace_back("layer-of-" + image.id + ".tar", std::string(3000, 'l'));
    files.emplace_back(image.id + ".json", "{}");
    std::string names;
    for (const std::string& name : image.names) {
      names += (names.empty() ? "\"" : ",\"") + name + "\"";
    }
    manifest += dsl::text(R"({}{"Config":"{}.json","RepoTags":{},"Layers":["layer-of-{}.tar"]})",
                          manifest.empty() ? "" : ",", image.id,
                          names.empty() ? "null" : "[" + names + "]", image.id);
  }
  files.emplace_back("manifest.json", "[" + manifest + "]");
  return tar_of(files);
}

}  // namespace mcp::agent::test
