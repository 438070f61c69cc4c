#include "dsl/db/migrate.h"

#include "dsl/hash/sha256.h"

namespace dsl::db {
namespace {

constexpr const char* kCreateTable =
    "CREATE TABLE IF NOT EXISTS schema_migrations("
    " number INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " checksum TEXT NOT NULL,"      // SHA-256 of the SQL text, hex
    " applied_ms INTEGER NOT NULL"  // since the epoch
    ") STRICT";

struct Applied {
  int number = 0;
  std::string name;
  std::string checksum;
};

Result<std::vector<Applied>> read_applied(Connection& connection) {
  std::vector<Applied> applied;
  MC_ASSIGN(const std::int64_t recorded,
            connection.integer("SELECT count(*) FROM sqlite_schema"
                               " WHERE type = 'table' AND name = 'schema_migrations'"));
  if (recorded == 0) {
    return applied;
  }
  Statement rows =
      connection.prepare("SELECT number, name, checksum FROM schema_migrations ORDER BY number");
  MC_TRY(rows.each([&](Row& row) -> Result<void> {
    applied.push_back({static_cast<int>(row.integer(0)), row.text(1), row.text(2)});
    return {};
  }));
  return applied;
}

Result<void> check_applied(const std::string& path, const std::vector<Applied>& applied,
                           const std::vector<Migration>& known) {
  if (!applied.empty() && static_cast<std::size_t>(applied.back().number) > known.size()) {
    return fail(Code::kFailedPrecondition,
                "{} has schema version {} ({}), this binary knows versions up to {}", path,
                applied.back().number, applied.back().name, known.size())
        .hint(text("run a release that has schema version {}, or restore a snapshot taken before "
                   "the upgrade",
                   applied.back().number));
  }
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const Applied& old = applied[i];
    if (old.number != static_cast<int>(i) + 1) {
      return fail(Code::kFailedPrecondition, "{} has no record of migration {}", path, i + 1)
          .hint("schema_migrations was edited; restore a snapshot");
    }
    if (old.name != known[i].name || old.checksum != sha256_hex(known[i].sql)) {
      return fail(Code::kFailedPrecondition,
                  "migration {} ({}) was changed after {} had applied it as {}", old.number,
                  known[i].name, path, old.name)
          .hint("put its old text back and add a new migration with the change");
    }
  }
  return {};
}

Result<void> apply_in_transaction(env::Env& env, Connection& connection,
                                  const Migration& migration) {
  MC_TRY(connection.execute(kCreateTable));
  MC_TRY(connection.execute(migration.sql));
  if (!connection.in_transaction()) {
    return fail(Code::kInternal, "it ended its transaction")
        .hint("remove BEGIN, COMMIT and ROLLBACK from its text");
  }
  // Enforcement is off meanwhile, so that a migration can rebuild a table others refer to.
  Statement violations = connection.prepare("PRAGMA foreign_key_check");
  MC_TRY(violations.each([](Row& row) -> Result<void> {
    return fail(Code::kFailedPrecondition,
                "row {} of {} would refer to a row of {} that is not there", row.integer(1),
                row.text(0), row.text(2))
        .hint("correct the migration; the database is as before");
  }));
  Statement record = connection.prepare("INSERT INTO schema_migrations VALUES(?, ?, ?, ?)");
  record.bind_all(migration.number, migration.name, sha256_hex(migration.sql), env.clock().now());
  return record.run();
}

Result<void> apply_one(env::Env& env, Connection& connection, const Migration& migration) {
  MC_TRY(connection.execute("BEGIN IMMEDIATE"));
  Result<void> applied = apply_in_transaction(env, connection, migration);
  if (applied) {
    applied = connection.execute("COMMIT");
  }
  if (!applied && connection.in_transaction()) {
    // The first error is the one to report.
    (void)connection.execute("ROLLBACK");
  }
  return with_context(std::move(applied),
                      text("migration {} ({})", migration.number, migration.name));
}

}  // namespace

Result<MigrationPlan> plan_migrations(Connection& connection, const std::vector<Migration>& known) {
  for (std::size_t i = 0; i < known.size(); ++i) {
    MC_ASSERT(known[i].number == static_cast<int>(i) + 1, "migrations are numbered 1, 2, 3, ...");
  }
  MC_ASSIGN(const std::vector<Applied> applied, read_applied(connection));
  MC_TRY(check_applied(connection.path(), applied, known));
  MC_ASSIGN(const std::int64_t objects, connection.integer("SELECT count(*) FROM sqlite_schema"));
  MigrationPlan plan;
  plan.applied = static_cast<int>(applied.size());
  plan.has_data = objects > 0;
  plan.pending.assign(known.begin() + plan.applied, known.end());
  return plan;
}

Result<void> apply_migrations(env::Env& env, Connection& connection, const MigrationPlan& plan) {
  if (plan.pending.empty()) {
    return {};
  }
  MC_TRY(connection.execute("PRAGMA foreign_keys=OFF"));
  Result<void> applied;
  for (const Migration& migration : plan.pending) {
    applied = apply_one(env, connection, migration);
    if (!applied) {
      break;
    }
  }
  Result<void> restored = connection.execute("PRAGMA foreign_keys=ON");
  return applied ? restored : applied;
}

}  // namespace dsl::db
