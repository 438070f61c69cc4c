// Paths below a directory that nothing leads out of.
#pragma once

#include <string>

#include <sys/types.h>

#include "dsl/env/unique_fd.h"

namespace mcp::files {

using dsl::env::UniqueFd;

// How a path is resolved.
enum class Resolver {
  kKernel,  // openat2, and our own steps where that is not to be had
  kSteps,   // our own steps always: for tests
};

// Opens `path` below the directory `root`; "" is the directory itself. A symbolic link is followed
// as long as it stays below `root`; one that is absolute, or climbs out, is EXDEV, and so is "..".
// O_NOFOLLOW is about the last part of the path. `flags` gets O_CLOEXEC. On failure the result is
// empty and errno says why.
UniqueFd open_beneath(int root, const std::string& path, int flags, mode_t mode = 0,
                      Resolver resolver = Resolver::kKernel);

// A directory that the operator has named, for the calls above and to look at only (O_PATH).
UniqueFd open_root(const std::string& directory);

// Where a symbolic link leads; empty when it cannot be read.
std::string link_of(int folder, const std::string& name);

}  // namespace mcp::files
