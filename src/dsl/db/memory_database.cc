// A database that is gone with its process.
#include <mutex>

#include "dsl/db/connection.h"
#include "dsl/db/database.h"
#include "dsl/db/migrate.h"

namespace dsl::db {
namespace {

constexpr const char* kInMemory = ":memory:";

// SQLite shares a database in memory with nobody, so there is one connection for all.
class MemoryDatabase final : public Database {
 public:
  MemoryDatabase(std::unique_ptr<Connection> connection, int schema_version)
      : schema_version_(schema_version), connection_(std::move(connection)) {}

  Result<SnapshotReport> snapshot(const std::string&) override {
    return fail(Code::kFailedPrecondition, "a database in memory is not copied");
  }
  Result<void> check() override { return {}; }
  Result<void> checkpoint() override { return {}; }
  std::optional<replica::Status> replica_status() const override { return std::nullopt; }
  Result<void> wait_until_replicated(std::chrono::milliseconds) override { return {}; }
  void stop_waiting() override {}
  int schema_version() const override { return schema_version_; }

 protected:
  Result<void> write_erased(const Work& work) override {
    const std::lock_guard lock(mutex_);
    MC_TRY(connection_->run("BEGIN IMMEDIATE"));
    const Result<void> done = connection_->call(work);
    const Result<void> ended = connection_->run(done ? "COMMIT" : "ROLLBACK");
    return done ? ended : done;
  }

  Result<void> read_erased(const Work& work, View) override {
    const std::lock_guard lock(mutex_);
    return connection_->in_snapshot(work);
  }

 private:
  const int schema_version_;
  std::mutex mutex_;
  const std::unique_ptr<Connection> connection_;  // guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<Database>> Database::in_memory(env::Env& env,
                                                      const std::vector<Migration>& migrations) {
  MC_ASSIGN(auto connection, Connection::open(env, kInMemory, Access::kReadWrite));
  MC_TRY(connection->execute("PRAGMA temp_store=MEMORY"));
  MC_ASSIGN(const MigrationPlan plan, plan_migrations(*connection, migrations));
  MC_TRY(apply_migrations(env, *connection, plan));
  return std::unique_ptr<Database>(
      std::make_unique<MemoryDatabase>(std::move(connection), static_cast<int>(migrations.size())));
}

}  // namespace dsl::db
