// Makes a database file of a chain.
#pragma once

#include <functional>
#include <string>

#include "dsl/env/file_system.h"
#include "dsl/replica/chain.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// Writes the database as it was at `until`, a commit of the chain or its base, to `path`, which
// must not exist; synced. What an error leaves there is no database yet.
Result<void> rebuild(Store& store, const Chain& chain, const Position& until,
                     const Identities& identities, env::FileSystem& files, const std::string& path,
                     const ChainProgress& progress = {});

// The same as files for the plain `sqlite3` shell, in `directory`, which must not exist: the base,
// the log of each generation, and a script that replays one after the other. Every log is whole, so
// the last state is that of `until`.
struct ExportedFile {
  std::string name;
  std::uint64_t size_bytes = 0;
};
Result<std::vector<ExportedFile>> export_log(Store& store, const Chain& chain,
                                             const Position& until, const Identities& identities,
                                             env::FileSystem& files, const std::string& directory,
                                             const ChainProgress& progress = {});

}  // namespace dsl::replica
