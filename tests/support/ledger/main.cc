// mc_test_ledger DATABASE MIRROR ACKNOWLEDGED RATE
//
// Commits RATE rows a second to DATABASE, which is replicated to the directory MIRROR, and appends
// each that was acknowledged to the file ACKNOWLEDGED: "<row> <milliseconds since 1970>". Ends with
// an error as soon as a commit fails.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"

namespace {

using dsl::Result;

constexpr int kWriters = 8;
constexpr std::string_view kSchema =
    "CREATE TABLE ledger(id INTEGER PRIMARY KEY, written_ms INTEGER NOT NULL, note TEXT NOT NULL) "
    "STRICT;";

std::atomic<bool> ending = false;

std::int64_t now_ms(dsl::env::Env& env) { return env.clock().now().time_since_epoch().count(); }

class Ledger {
 public:
  Ledger(dsl::env::Env& env, dsl::db::Database& database, std::FILE* acknowledged)
      : env_(env), database_(database), acknowledged_(acknowledged) {}

  // One of the writers: a row each `pause`, until the end is asked for.
  Result<void> write(std::chrono::microseconds pause) {
    auto next = std::chrono::steady_clock::now();
    while (!ending) {
      const std::int64_t time = now_ms(env_);
      MC_ASSIGN(const std::int64_t id,
                database_.write([&](dsl::db::Transaction& tx) { return insert(tx, time); }));
      {
        const std::lock_guard lock(mutex_);
        std::fprintf(acknowledged_, "%lld %lld\n", static_cast<long long>(id),
                     static_cast<long long>(now_ms(env_)));
        (void)std::fflush(acknowledged_);
      }
      next += pause;
      std::this_thread::sleep_until(next);
    }
    return {};
  }

 private:
  static Result<std::int64_t> insert(dsl::db::Transaction& tx, std::int64_t time) {
    MC_TRY(
        tx.run("INSERT INTO ledger(written_ms, note) VALUES(?, ?)", time, std::string(100, 'x')));
    return tx.last_insert_id();
  }

  dsl::env::Env& env_;
  dsl::db::Database& database_;
  std::mutex mutex_;
  std::FILE* const acknowledged_;
};

int failed(const dsl::Error& error) {
  std::fprintf(stderr, "%s\n", error.render().c_str());
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: mc_test_ledger DATABASE MIRROR ACKNOWLEDGED RATE\n", stderr);
    return 2;
  }
  (void)std::signal(SIGTERM, [](int) { ending = true; });
  dsl::env::Env& env = dsl::env::system_env();
  dsl::db::Options options;
  options.migrations = {{1, "initial", kSchema}};
  options.replica.mirrors = {{.directory = argv[2]}};
  Result<std::unique_ptr<dsl::db::Database>> database =
      dsl::db::Database::open(env, argv[1], options);
  if (!database) {
    return failed(database.error());
  }
  std::FILE* acknowledged = std::fopen(argv[3], "ae");
  if (acknowledged == nullptr) {
    std::perror(argv[3]);
    return EXIT_FAILURE;
  }
  Ledger ledger(env, **database, acknowledged);
  const auto pause = std::chrono::microseconds(1'000'000LL * kWriters / std::atoi(argv[4]));
  std::vector<std::thread> writers;
  std::atomic<int> status = EXIT_SUCCESS;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      if (const Result<void> written = ledger.write(pause); !written) {
        status = failed(written.error());
        ending = true;
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  return status;
}
