// Image archives as files: where the one of a reference lies, and what it says it holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/env/file_system.h"
#include "dsl/result/result.h"

namespace mcp::agent {

using dsl::Result;

struct ArchivedImage {
  std::string id;                  // as podman shows it, without "sha256:"
  std::vector<std::string> names;  // none for an image that was saved by id or digest
};

// Reads a docker archive (plain, zstd or gzip) to its end. kDataLoss for what is damaged, cut,
// lacks a file that it lists, or is of another form; kTooLarge for absurd sizes.
Result<std::vector<ArchivedImage>> read_image_archive(dsl::env::FileSystem& files,
                                                      const std::string& path);

// ".tar", ".tar.zst" or ".tar.gz".
bool is_archive_name(std::string_view name);

// The file that is loaded for `reference`: named after the whole of it, else after what follows its
// last slash (boot::archive_stem), in the first folder that has one.
std::optional<std::string> find_archive(dsl::env::FileSystem& files,
                                        const std::vector<std::string>& folders,
                                        const std::string& reference);

}  // namespace mcp::agent
