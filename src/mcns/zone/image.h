// All zones of a version as one file, laid out as they lie in memory, so that reading it parses
// nothing. It is as good as memory, for the build that wrote it: docs/formats/zone-image.md.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dsl/env/file_system.h"
#include "dsl/result/result.h"
#include "mcns/wire/name.h"
#include "mcns/zone/store.h"

namespace mcns::zone {

// What an image says of a zone, for whoever compares it with the database.
struct ImageZone {
  std::int64_t id = 0;
  Name origin;
  std::uint32_t serial = 0;
  bool has_dname = false;
};

// In octets, of the image of no zones.
std::uint64_t empty_image_size();

// Writes the image into an empty file and syncs it. `build` names the layout: any text that two
// builds with different ones do not share. The version stays pinned meanwhile.
dsl::Result<void> write_image(const Version& version, std::string_view build, dsl::env::File& file);

// Publishes what is in the file, in a store that is still empty, and says what that is, in
// canonical order. kDataLoss for a file that is damaged, kFailedPrecondition for one of another
// build: the store is still empty then. Before anything else of this process hashes a name: names
// are found by the secrets of the process that wrote the image, which become those of this one.
dsl::Result<std::vector<ImageZone>> read_image(dsl::env::File& file, std::string_view build,
                                               Store& store);

}  // namespace mcns::zone
