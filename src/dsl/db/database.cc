#include "dsl/db/database.h"

#include "dsl/db/connection.h"
#include "dsl/db/damage.h"
#include "dsl/db/found.h"
#include "dsl/db/migrate.h"
#include "dsl/db/readers.h"
#include "dsl/db/snapshot.h"
#include "dsl/db/sqlite_error.h"
#include "dsl/db/writer.h"
#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "dsl/replica/replicator.h"

namespace dsl::db {
namespace {

const log::Logger kLogger("db");

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
                 std::unique_ptr<replica::Replicator> replicator, std::unique_ptr<Writer> writer,
                 std::unique_ptr<Readers> readers)
      : env_(env),
        path_(std::move(path)),
        schema_version_(schema_version),
        replicator_(std::move(replicator)),
        writer_(std::move(writer)),
        readers_(std::move(readers)) {}

  ~SqliteDatabase() override {
    if (replicator_ != nullptr) {
      replicator_->stop();  // it may be copying through the writer
    }
    readers_.reset();
    writer_.reset();
    if (replicator_ != nullptr) {
      replicator_->finish();
    }
  }

  // Waits for the first copy where a mirror takes commits before they are acknowledged.
  void start_replication(std::uint32_t page_bytes) {
    replicator_->start(page_bytes, [this, page_bytes](const std::string& destination,
                                                      const std::function<Result<void>()>& pinned) {
      return copy_base(destination, page_bytes, pinned);
    });
  }

  Result<SnapshotReport> snapshot(const std::string& destination) override {
    // A connection of its own: the readers go on, and so does the writer.
    MC_ASSIGN(const PinnedState source, pin_state(env_, path_));
    return take_snapshot(env_, source, destination);
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

  void stop_waiting() override {
    if (replicator_ != nullptr) {
      replicator_->stop_waiting();
    }
  }

  std::optional<replica::Status> replica_status() const override {
    return replicator_ == nullptr ? std::nullopt : std::optional(replicator_->status());
  }

  Result<void> wait_until_replicated(std::chrono::milliseconds timeout) override {
    if (replicator_ != nullptr && !replicator_->wait_until_stored(timeout)) {
      return fail(Code::kDeadlineExceeded, "{}: the mirrors do not have every commit", path_)
          .hint("look at the state of the replica");
    }
    return {};
  }

 protected:
  Result<void> write_erased(const Work& work) override { return writer_->write(work); }
  Result<void> read_erased(const Work& work, View view) override {
    return view == View::kTransaction ? readers_->read(work) : readers_->run(work);
  }

 private:
  // The state is fixed between two commits, then copied while others go on.
  Result<replica::CopiedBase> copy_base(const std::string& destination, std::uint32_t page_bytes,
                                        const std::function<Result<void>()>& pinned) {
    PinnedState source;
    const auto fix_state = [&](Connection&) -> Result<void> {
      MC_TRY(pinned());
      MC_ASSIGN(source, pin_state(env_, path_));
      return pinned();
    };
    MC_TRY(writer_->upkeep(fix_state));
    MC_ASSIGN(const SnapshotReport copied, take_snapshot(env_, source, destination));
    return replica::CopiedBase{
        .size_bytes = copied.size_bytes, .sha256 = copied.sha256, .page_bytes = page_bytes};
  }

  env::Env& env_;
  std::string path_;
  int schema_version_;
  std::unique_ptr<replica::Replicator> replicator_;  // null = not replicated
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

// Makes the file before SQLite does, which would use the umask.
Result<void> create_or_restrict(env::FileSystem& files, const std::string& path,
                                const Found& found) {
  if (!found.database) {
    MC_TRY(files.open(path, env::OpenMode::kCreateNew, 0600));
    return files.sync_directory(env::folder_of(path));
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
    MC_ASSIGN(const PinnedState source, pin_state(env, connection.path()));
    MC_TRY(take_snapshot(env, source, copy));
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

Result<void> Database::replica_health() const {
  const auto status = replica_status();
  if (!status) {
    return {};
  }
  if (!status->following) {
    return fail(Code::kUnavailable, "the replica stands still: {}", status->reason);
  }
  for (const replica::MirrorStatus& mirror : status->mirrors) {
    if (mirror.state == replica::MirrorState::kFailing ||
        mirror.state == replica::MirrorState::kLost) {
      return fail(Code::kUnavailable, "the mirror {} is {}: {}", mirror.place,
                  name_of(mirror.state), mirror.error);
    }
    if (mirror.sync && !mirror.sync_active) {
      return fail(Code::kUnavailable, "commits are acknowledged without {}", mirror.place);
    }
  }
  return {};
}

Result<void> Database::check_file(env::Env& env, const std::string& path) {
  {
    MC_ASSIGN(const auto connection, Connection::open(env, path, Access::kReadWrite));
    MC_TRY(check_pages(*connection));
    MC_TRY(connection->execute("PRAGMA journal_mode=DELETE"));
  }
  MC_ASSIGN(const auto file, env.files().open(path, env::OpenMode::kReadWrite));
  MC_TRY(file->sync());
  return env.files().sync_directory(env::folder_of(path));
}

Result<std::unique_ptr<Database>> Database::open(env::Env& env, const std::string& path,
                                                 const Options& options) {
  MC_TRY(check_path(path));
  MC_ASSIGN(const Found found, look_at_files(env, path, options));
  MC_TRY(create_or_restrict(env.files(), path, found));
  std::unique_ptr<replica::Replicator> replicator;
  if (options.owner && !options.replica.mirrors.empty()) {
    // Before SQLite changes anything: it compares the files with what it left.
    // Behind a link the log lies beside the file that the link names.
    MC_ASSIGN(const std::string file, env.files().canonical(path));
    MC_ASSIGN(replicator, replica::Replicator::open(env, file, options.replica));
  }
  MC_ASSIGN(auto connection, Connection::open(env, path, Access::kReadWrite));
  MC_TRY(check_usable(*connection, found));
  MC_ASSIGN(const MigrationPlan plan, plan_migrations(*connection, options.migrations));
  if (options.owner) {
    MC_TRY(migrate(env, *connection, plan));
  } else if (!plan.pending.empty()) {
    return fail(Code::kFailedPrecondition, "{} has the schema of an older version", path)
        .hint("start its service once: it migrates the database");
  }
  MC_ASSIGN(const std::int64_t page_bytes, connection->integer("PRAGMA page_size"));
  auto writer = std::make_unique<Writer>(std::move(connection),
                                         WriterOptions{.queue_max = options.queue_max,
                                                       .group_max = options.group_max,
                                                       .checkpoints = options.owner,
                                                       .replicator = replicator.get()});
  MC_ASSIGN(auto readers, Readers::open(env, path, options.readers));
  const bool replicated = replicator != nullptr;
  auto database = std::make_unique<SqliteDatabase>(
      env, path, static_cast<int>(options.migrations.size()), std::move(replicator),
      std::move(writer), std::move(readers));
  if (replicated) {
    database->start_replication(static_cast<std::uint32_t>(page_bytes));
  }
  return database;
}

}  // namespace dsl::db
