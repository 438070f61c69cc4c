#include "dsl/db/found.h"

#include "dsl/db/snapshot.h"
#include "dsl/db/sqlite_error.h"
#include "dsl/env/path.h"
#include "dsl/replica/chain.h"
#include "dsl/replica/directory_store.h"
#include "dsl/replica/sealer.h"

namespace dsl::db {
namespace {

constexpr std::uint64_t kHeaderBytes = 100;  // https://www.sqlite.org/fileformat.html, section 1.3

Failure refused(const std::string& path, const std::string& why, const Options& options) {
  return fail(Code::kFailedPrecondition, "{} is missing or empty, but {}", path, why)
      .hint("get it back with: " + options.restore_command);
}

// Copies of this database in `folder`: their names begin with its own.
Result<bool> has_copies(env::FileSystem& files, const std::string& folder,
                        const std::string& beginning) {
  MC_ASSIGN(const bool exists, files.exists(folder));
  if (!exists) {
    return false;
  }
  MC_ASSIGN(const auto names, files.list(folder));
  for (const std::string& name : names) {
    if (name.starts_with(beginning)) {
      return true;
    }
  }
  return false;
}

Result<void> refuse_as_new(env::Env& env, const std::string& path, const Options& options) {
  env::FileSystem& files = env.files();
  for (const replica::MirrorOptions& mirror : options.replica.mirrors) {
    MC_ASSIGN(const bool there, files.exists(mirror.directory));
    if (!there) {
      return fail(Code::kFailedPrecondition,
                  "{} is missing or empty, and its mirror {} is not there to be asked", path,
                  mirror.directory)
          .hint("mount the mirror; for a database that never was, make the directory");
    }
    const auto store = replica::directory_store(env, mirror.directory + "/" + env::name_of(path));
    MC_ASSIGN(const auto epochs, replica::list_epochs(*store));
    for (const replica::EpochSummary& epoch : epochs) {
      if (epoch.has_base) {
        return refused(path, text("{} holds a replica of it", mirror.directory), options);
      }
    }
  }
  MC_ASSIGN(const bool was_replicated, files.exists(replica::DatabaseFiles{path}.state()));
  if (was_replicated) {
    return refused(path, "it was replicated", options);
  }
  const std::string folder = env::folder_of(path);
  MC_ASSIGN(const bool has_backups, has_copies(files, folder + "/backups", env::name_of(path)));
  MC_ASSIGN(const bool has_old, has_copies(files, folder, env::name_of(path) + ".pre-"));
  if (has_backups || has_old) {
    return refused(path, "there are copies of it", options);
  }
  return {};
}

}  // namespace

Result<Found> look_at_files(env::Env& env, const std::string& path, const Options& options) {
  env::FileSystem& files = env.files();
  MC_ASSIGN(const bool restoring, files.exists(path + ".restoring"));
  if (restoring) {
    return fail(Code::kFailedPrecondition, "a restore of {} was cut off", path)
        .hint("run it again: " + options.restore_command);
  }
  Found found;
  MC_ASSIGN(found.database, files.exists(path));
  if (found.database) {
    MC_ASSIGN(const env::FileInfo info, files.stat(path));
    found.database_bytes = info.size_bytes;
    found.mode = info.mode;
  }
  std::string wal = path + "-wal";
  if (found.database) {
    // The log lies beside the file itself, not beside a link to it.
    MC_ASSIGN(const std::string file, files.canonical(path));
    wal = file + "-wal";
  }
  MC_ASSIGN(const bool has_wal, files.exists(wal));
  if (has_wal) {
    MC_ASSIGN(const env::FileInfo info, files.stat(wal));
    found.wal_bytes = info.size_bytes;
  }
  if (found.database_bytes == 0) {
    MC_TRY(refuse_as_new(env, path, options));
  }
  if (found.database_bytes == 0 && found.wal_bytes > 0) {
    // SQLite would make a new database and drop the log, and with it committed data.
    return fail(damaged_error(path, "the database is missing while its log is there"));
  }
  if (found.database_bytes > 0 && found.database_bytes < kHeaderBytes) {
    // SQLite takes it for an empty database.
    return fail(damaged_error(path, "the file is shorter than the header of a database"));
  }
  return found;
}

}  // namespace dsl::db
