#include "dsl/db/database.h"

#include "dsl/db/connection.h"
#include "dsl/db/migrate.h"
#include "dsl/db/readers.h"
#include "dsl/db/snapshot.h"
#include "dsl/db/sqlite_error.h"
#include "dsl/db/writer.h"
#include "dsl/log/log.h"

namespace dsl::db {
namespace {

const log::Logger kLogger("db");

constexpr std::uint64_t kHeaderBytes = 100;  // https://www.sqlite.org/fileformat.html, section 1.3

// Up to five lines of what is wrong with pages, rows and indexes; empty when nothing is.
Result<std::string> damage_in(Connection& connection) {
  std::string findings;
  Statement pages = connection.prepare("PRAGMA quick_check(5)");
  MC_TRY(pages.each([&](Row& row) -> Result<void> {
    if (row.text(0) != "ok") {
      findings += (findings.empty() ? "" : "; ") + row.text(0);
    }
    return {};
  }));
  return findings;
}

Result<void> check_pages(Connection& connection) {
  MC_ASSIGN(const std::string findings, damage_in(connection));
  if (!findings.empty()) {
    return fail(damaged_error(connection.path(), findings));
  }
  return {};
}

Result<void> check_references(Connection& connection) {
  Statement violations = connection.prepare("PRAGMA foreign_key_check");
  return violations.each([&](Row& row) -> Result<void> {
    return fail(damaged_error(connection.path(),
                              text("row {} of {} refers to a row of {} that is not there",
                                   row.integer(1), row.text(0), row.text(2))));
  });
}

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(env::Env& env, std::string path, int schema_version,
                 std::unique_ptr<Writer> writer, std::unique_ptr<Readers> readers)
      : env_(env),
        path_(std::move(path)),
        schema_version_(schema_version),
        writer_(std::move(writer)),
        readers_(std::move(readers)) {}

  Result<SnapshotReport> snapshot(const std::string& destination) override {
    // A connection of its own: the readers go on, and so does the writer.
    MC_ASSIGN(const auto source, Connection::open(env_, path_, Access::kReadOnly));
    return take_snapshot(env_, *source, destination);
  }

  Result<void> check() override {
    MC_ASSIGN(const auto connection, Connection::open(env_, path_, Access::kReadOnly));
    return connection->in_snapshot([&](Transaction&) -> Result<void> {
      MC_TRY(check_pages(*connection));
      return check_references(*connection);
    });
  }

  Result<void> checkpoint() override { return writer_->checkpoint(); }
  int schema_version() const override { return schema_version_; }

 protected:
  Result<void> write_erased(const Work& work) override { return writer_->write(work); }
  Result<void> read_erased(const Work& work) override { return readers_->read(work); }

 private:
  env::Env& env_;
  std::string path_;
  int schema_version_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Readers> readers_;  // gone before the writer empties the log
};

Result<void> check_path(const std::string& path) {
  if (path.empty() || path.starts_with(":") || path.starts_with("file:")) {
    return fail(Code::kInvalidArgument, "\"{}\" is not the path of a database file", path)
        .hint("name a file; databases in memory are not supported");
  }
  return {};
}

// How the files lie there before SQLite sees them.
struct Found {
  bool database = false;
  std::uint64_t database_bytes = 0;
  std::uint32_t mode = 0;
  std::uint64_t wal_bytes = 0;
};

Result<Found> look(env::FileSystem& files, const std::string& path) {
  Found found;
  MC_ASSIGN(found.database, files.exists(path));
  if (found.database) {
    MC_ASSIGN(const env::FileInfo info, files.stat(path));
    found.database_bytes = info.size_bytes;
    found.mode = info.mode;
  }
  MC_ASSIGN(const bool has_wal, files.exists(path + "-wal"));
  if (has_wal) {
    MC_ASSIGN(const env::FileInfo info, files.stat(path + "-wal"));
    found.wal_bytes = info.size_bytes;
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

// Makes the file before SQLite does, which would use the umask.
Result<void> create_or_restrict(env::FileSystem& files, const std::string& path,
                                const Found& found) {
  if (!found.database) {
    MC_TRY(files.open(path, env::OpenMode::kCreateNew, 0600));
    return files.sync_directory(folder_of(path));
  }
  if ((found.mode & 077u) != 0) {
    // Some file systems cannot do it; the service must run there too.
    if (const auto changed = files.set_mode(path, 0600); !changed) {
      kLogger.failure(log::Level::kWarn, "others may read the database", changed.error());
    }
  }
  return {};
}

Result<void> check_usable(Connection& connection, const Found& found) {
  if (sqlite3_db_readonly(connection.handle(), "main") == 1) {
    return fail(sqlite_error(nullptr, SQLITE_READONLY, connection.path()));
  }
  // Reads the first pages, and compares the size of the file with what its header says.
  MC_TRY(connection.integer("SELECT count(*) FROM sqlite_schema"));
  if (found.wal_bytes > 0) {
    // With a log that was not emptied the header proves nothing about the file.
    return check_pages(connection);
  }
  // SQLite takes a last page that is cut off for a whole one.
  MC_ASSIGN(const std::int64_t pages, connection.integer("PRAGMA page_count"));
  MC_ASSIGN(const std::int64_t page_bytes, connection.integer("PRAGMA page_size"));
  if (found.database_bytes < static_cast<std::uint64_t>(pages * page_bytes)) {
    return fail(damaged_error(connection.path(), "the end of the file is missing"));
  }
  return {};
}

Result<void> migrate(env::Env& env, Connection& connection, const MigrationPlan& plan) {
  if (plan.has_data && !plan.pending.empty()) {
    const std::string copy = text("{}.pre-{}", connection.path(), plan.pending.front().number);
    // One may be left of an earlier try. The data may have gone on since, with the same schema.
    MC_ASSIGN(const bool left_over, env.files().exists(copy));
    if (left_over) {
      MC_TRY(env.files().remove(copy));
    }
    MC_TRY(take_snapshot(env, connection, copy));
    kLogger.info("copied the database before its migration", {{"copy", copy}});
  }
  MC_ASSIGN(const std::string mode, connection.text("PRAGMA journal_mode=WAL"));
  if (mode != "wal") {
    return fail(Code::kFailedPrecondition, "{} cannot be put into WAL mode, it stays {}",
                connection.path(), mode)
        .hint("the file system must support shared memory maps; network file systems do not");
  }
  return apply_migrations(env, connection, plan);
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(env::Env& env, const std::string& path,
                                                 const Options& options) {
  MC_TRY(check_path(path));
  MC_ASSIGN(const Found found, look(env.files(), path));
  MC_TRY(create_or_restrict(env.files(), path, found));
  MC_ASSIGN(auto connection, Connection::open(env, path, Access::kReadWrite));
  MC_TRY(check_usable(*connection, found));
  MC_ASSIGN(const MigrationPlan plan, plan_migrations(*connection, options.migrations));
  MC_TRY(migrate(env, *connection, plan));
  auto writer = std::make_unique<Writer>(
      std::move(connection),
      WriterLimits{.queue_max = options.queue_max, .group_max = options.group_max});
  MC_ASSIGN(auto readers, Readers::open(env, path, options.readers));
  return std::make_unique<SqliteDatabase>(env, path, static_cast<int>(options.migrations.size()),
                                          std::move(writer), std::move(readers));
}

}  // namespace dsl::db
