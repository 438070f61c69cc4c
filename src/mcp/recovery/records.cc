#include "mcp/recovery/records.h"

#include "dsl/env/path.h"

namespace mcp::recovery {

using dsl::db::Row;
using dsl::db::Transaction;

namespace {

// Times are milliseconds since the Unix epoch. The sequence outlives the points: one that was
// pruned was there all the same.
constexpr std::string_view kInitial = R"sql(
CREATE TABLE points(
  id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, node TEXT NOT NULL, begun INTEGER NOT NULL,
  kind TEXT NOT NULL, bytes INTEGER NOT NULL, content_bytes INTEGER NOT NULL,
  files INTEGER NOT NULL, units TEXT NOT NULL, extent TEXT NOT NULL,
  manifest_sha256 TEXT NOT NULL, keep_until INTEGER NOT NULL) STRICT;
CREATE TABLE copies(
  point TEXT NOT NULL REFERENCES points(id) ON DELETE CASCADE, target TEXT NOT NULL,
  pushed INTEGER NOT NULL, verified INTEGER NOT NULL, error TEXT NOT NULL,
  PRIMARY KEY(point, target)) STRICT;
CREATE TABLE chain(
  id INTEGER PRIMARY KEY CHECK(id = 1), sequence INTEGER NOT NULL, point TEXT NOT NULL,
  manifest_sha256 TEXT NOT NULL) STRICT;
CREATE TABLE runs(
  id INTEGER PRIMARY KEY, begun INTEGER NOT NULL, ended INTEGER NOT NULL, kind TEXT NOT NULL,
  point TEXT NOT NULL, error TEXT NOT NULL) STRICT;
)sql";

constexpr int kRunsMax = 100;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace

Result<std::unique_ptr<Records>> Records::open(dsl::env::Env& env, const std::string& path,
                                               bool owner) {
  MC_TRY(env.files().make_directories(dsl::env::folder_of(path), 0700));
  MC_ASSIGN(auto db, dsl::db::Database::open(env, path,
                                             {.migrations = {{1, "initial", kInitial}},
                                              .readers = 1,
                                              .owner = owner,
                                              .restore_command = "mcp-agent backup rescan"}));
  return std::unique_ptr<Records>(new Records(std::move(db)));
}

Result<std::unique_ptr<Records>> Records::open(dsl::env::Env& env, const std::string& path) {
  return open(env, path, true);
}

Result<std::unique_ptr<Records>> Records::open_as_guest(dsl::env::Env& env,
                                                        const std::string& path) {
  return open(env, path, false);
}

Result<Records::Next> Records::next() {
  Next next;
  MC_TRY(db_->query("SELECT sequence, point, manifest_sha256 FROM chain",
                    [&](Row& row) -> Result<void> {
                      next.sequence = row.integer(0) + 1;
                      next.previous = {row.text(1), row.text(2)};
                      return {};
                    }));
  return next;
}

Result<void> Records::put_point(const PointRow& row) {
  return db_->write([&](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("INSERT OR REPLACE INTO points VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  row.id, row.sequence, row.node, row.begun_ms, row.kind,
                  static_cast<std::int64_t>(row.bytes),
                  static_cast<std::int64_t>(row.content_bytes), row.files, joined(row.units),
                  name(row.extent), row.manifest_sha256, row.keep_until_ms));
    return tx.run(
        "INSERT INTO chain VALUES(1, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET"
        " sequence = excluded.sequence, point = excluded.point,"
        " manifest_sha256 = excluded.manifest_sha256 WHERE excluded.sequence > sequence",
        row.sequence, row.id, row.manifest_sha256);
  });
}

Result<void> Records::put_copy(const CopyRow& row) {
  return db_->write([&](Transaction& tx) -> Result<void> {
    return tx.run("INSERT OR REPLACE INTO copies VALUES(?, ?, ?, ?, ?)", row.point, row.target,
                  row.pushed_ms, row.verified_ms, row.error);
  });
}

Result<void> Records::remove_copy(const std::string& point, const std::string& target) {
  return db_->write([&](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("DELETE FROM copies WHERE point = ? AND target = ?", point, target));
    return tx.run(
        "DELETE FROM points WHERE id = ? AND NOT EXISTS"
        " (SELECT 1 FROM copies WHERE point = points.id)",
        point);
  });
}

Result<std::vector<PointRow>> Records::points() {
  std::vector<PointRow> rows;
  MC_TRY(db_->query(
      "SELECT * FROM points ORDER BY begun DESC, id DESC", [&](Row& row) -> Result<void> {
        rows.push_back({.id = row.text(0),
                        .sequence = row.integer(1),
                        .node = row.text(2),
                        .begun_ms = row.integer(3),
                        .kind = row.text(4),
                        .bytes = static_cast<std::uint64_t>(row.integer(5)),
                        .content_bytes = static_cast<std::uint64_t>(row.integer(6)),
                        .files = row.integer(7),
                        .units = split(row.text(8)),
                        .extent = parse_extent(row.text(9)).value_or(Extent::kPartial),
                        .manifest_sha256 = row.text(10),
                        .keep_until_ms = row.integer(11)});
        return {};
      }));
  return rows;
}

Result<std::vector<CopyRow>> Records::copies() {
  std::vector<CopyRow> rows;
  MC_TRY(db_->query("SELECT * FROM copies ORDER BY point, target", [&](Row& row) -> Result<void> {
    rows.push_back({row.text(0), row.text(1), row.integer(2), row.integer(3), row.text(4)});
    return {};
  }));
  return rows;
}

Result<void> Records::add_run(const RunRow& row) {
  return db_->write([&](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("INSERT INTO runs(begun, ended, kind, point, error) VALUES(?, ?, ?, ?, ?)",
                  row.begun_ms, row.ended_ms, row.kind, row.point, row.error));
    return tx.run("DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?",
                  std::int64_t{kRunsMax});
  });
}

Result<std::vector<RunRow>> Records::runs() {
  std::vector<RunRow> rows;
  MC_TRY(db_->query(
      "SELECT begun, ended, kind, point, error FROM runs ORDER BY id DESC",
      [&](Row& row) -> Result<void> {
        rows.push_back({row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4)});
        return {};
      }));
  return rows;
}

}  // namespace mcp::recovery
