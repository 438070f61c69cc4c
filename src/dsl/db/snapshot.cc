#include "dsl/db/snapshot.h"

#include <future>
#include <utility>
#include <vector>

#include "dsl/env/path.h"
#include "dsl/hash/sha256.h"

namespace dsl::db {
namespace {

constexpr std::size_t kChunkBytes = 256u << 10;

// What must be equal in a copy: the schema as text, and the rows of every table.
struct Inventory {
  std::string schema;
  std::vector<std::pair<std::string, std::int64_t>> rows;  // by table name

  bool operator==(const Inventory&) const = default;
  std::int64_t rows_total() const {
    std::int64_t total = 0;
    for (const auto& [table, count] : rows) {
      total += count;
    }
    return total;
  }
};

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    out += c;
    if (c == '"') {
      out += c;
    }
  }
  return out + '"';
}

Result<Inventory> take_inventory(Connection& connection) {
  Inventory inventory;
  Statement schema = connection.prepare(
      "SELECT type, name, tbl_name, sql, type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
      " FROM sqlite_schema ORDER BY type, name");
  MC_TRY(schema.each([&](Row& row) -> Result<void> {
    for (int column = 0; column < 4; ++column) {
      inventory.schema += row.text(column) + '\0';
    }
    if (row.boolean(4)) {
      inventory.rows.emplace_back(row.text(1), 0);
    }
    return {};
  }));
  for (auto& [table, count] : inventory.rows) {
    MC_ASSIGN(count, connection.integer("SELECT count(*) FROM " + quoted(table)));
  }
  for (const char* pragma : {"PRAGMA user_version", "PRAGMA application_id", "PRAGMA encoding"}) {
    MC_ASSIGN(const std::string value, connection.text(pragma));
    inventory.schema += value + '\0';
  }
  return inventory;
}

// All pages in one step, so that the copy is of one state and writers cannot start it over.
Result<void> copy_pages(Connection& source, Connection& copy) {
  sqlite3_backup* backup = sqlite3_backup_init(copy.handle(), "main", source.handle(), "main");
  if (backup == nullptr) {
    return fail(copy.error(sqlite3_errcode(copy.handle())));
  }
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped == SQLITE_DONE && finished == SQLITE_OK) {
    return {};
  }
  // Without an error of the copy it was the source that could not be read.
  return fail(finished != SQLITE_OK ? copy.error(finished) : source.error(stepped));
}

// Copies what the transaction of `source` sees. The copy inherits WAL mode; it is made one file
// without companions, which can be read from read-only media.
Result<void> copy_to(env::Env& env, Connection& source, const std::string& path) {
  // No journal on disk and no syncs: the file is thrown away unless all of it succeeds, and is then
  // synced whole.
  {
    MC_ASSIGN(const auto copy, Connection::open(env, path, Access::kReadWrite));
    MC_TRY(copy->execute("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF"));
    MC_TRY(copy_pages(source, *copy));
  }
  MC_ASSIGN(const auto copy, Connection::open(env, path, Access::kReadWrite));
  return copy->execute("PRAGMA synchronous=OFF; PRAGMA journal_mode=DELETE");
}

Result<void> sync_file(env::FileSystem& files, const std::string& path) {
  MC_ASSIGN(const auto file, files.open(path, env::OpenMode::kReadWrite));
  return file->sync();
}

Result<SnapshotReport> hash_file(env::FileSystem& files, const std::string& path) {
  MC_ASSIGN(const auto file, files.open(path, env::OpenMode::kRead));
  Sha256 hash;
  SnapshotReport report;
  std::vector<std::byte> chunk(kChunkBytes);
  while (true) {
    MC_ASSIGN(const std::size_t size, file->read_at(report.size_bytes, chunk));
    if (size == 0) {
      report.sha256 = hash.finish();
      return report;
    }
    hash.add(std::span(chunk).first(size));
    report.size_bytes += size;
  }
}

// Opens the copy anew, as a restore would, and compares.
Result<void> verify_copy(env::Env& env, const std::string& path, const Inventory& expected) {
  MC_ASSIGN(const auto copy, Connection::open(env, path, Access::kReadOnly));
  MC_ASSIGN(const Inventory found, take_inventory(*copy));
  if (found != expected) {
    return fail(Code::kDataLoss, "{} does not equal its source", path)
        .hint("check memory and disk of this machine, then try again");
  }
  return {};
}

// What the source held is counted in the very state that was copied, while the disk takes the copy
// and another thread hashes it.
Result<SnapshotReport> copy_and_compare(env::Env& env, Connection& source,
                                        const std::string& path) {
  // The first read settles what the transaction sees.
  MC_TRY(source.integer("SELECT count(*) FROM sqlite_schema"));
  MC_TRY(copy_to(env, source, path));
  auto synced = std::async(std::launch::async, [&] { return sync_file(env.files(), path); });
  auto hashed = std::async(std::launch::async, [&] { return hash_file(env.files(), path); });
  MC_ASSIGN(const Inventory inventory, take_inventory(source));
  MC_TRY(verify_copy(env, path, inventory));
  MC_TRY(synced.get());
  MC_ASSIGN(SnapshotReport report, hashed.get());
  report.rows = inventory.rows_total();
  return report;
}

Result<SnapshotReport> write_copy(env::Env& env, Connection& source, const std::string& path) {
  MC_TRY(env.files().open(path, env::OpenMode::kCreateNew, 0600));
  Result<SnapshotReport> report = fail(Code::kInternal, "not run");
  MC_TRY(source.in_snapshot([&](Transaction&) -> Result<void> {
    report = copy_and_compare(env, source, path);
    return {};
  }));
  return report;
}

// The error that led here is the one to report.
void remove_partial(env::FileSystem& files, const std::string& path) {
  for (const char* companion : {"", "-journal", "-wal", "-shm"}) {
    (void)files.remove(path + companion);
  }
}

Result<void> put_in_place(env::FileSystem& files, const std::string& partial,
                          const std::string& destination) {
  Result<void> renamed = files.rename(partial, destination);
  if (!renamed) {
    remove_partial(files, partial);
    return renamed;
  }
  Result<void> synced = files.sync_directory(env::folder_of(destination));
  if (!synced) {
    // Whole, but not there for certain after a power cut: no snapshot.
    (void)files.remove(destination);
  }
  return synced;
}

}  // namespace

Result<SnapshotReport> take_snapshot(env::Env& env, Connection& source,
                                     const std::string& destination) {
  env::FileSystem& files = env.files();
  MC_ASSIGN(const bool exists, files.exists(destination));
  if (exists) {
    return fail(Code::kAlreadyExists, "{} exists already", destination)
        .hint("name another file, or move it away");
  }
  const std::string partial = text("{}.partial-{}", destination, env.random().hex(4));
  Result<SnapshotReport> report = write_copy(env, source, partial);
  if (!report) {
    remove_partial(files, partial);
    return fail(std::move(report).error()).context("snapshot of " + source.path());
  }
  MC_TRY(put_in_place(files, partial, destination));
  return report;
}

}  // namespace dsl::db
