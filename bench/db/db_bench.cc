// db_bench MODE FOLDER [NUMBER...]: one measurement of dsl::db or of bare SQLite in FOLDER, which
// is empty; prints its numbers on one line. `run` compares them.
//
//   read-ours|read-bare READS               seconds for point reads by primary key
//   write plain|replica THREADS COMMITS GROUP_MAX   seconds until all are acknowledged
//   stored COMMITS RATE      p50 and p99 from acknowledged to stored in the mirror, in seconds
//   load plain|replica COMMITS RATE         seconds of processor time per second
//   fill MIB                                makes FOLDER/big.db
//   snapshot|backup|vacuum|verify RATE      seconds for a copy of FOLDER/big.db under writes, and
//                                           the writer's p99 in seconds
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dsl/db/database.h"
#include "dsl/env/env.h"

namespace {

using dsl::Result;
using dsl::db::Database;
using dsl::db::Row;
using dsl::db::Transaction;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kRows = 100'000;  // that are read from
const std::vector<dsl::db::Migration> kMigrations = {
    {1, "initial", "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT NOT NULL)"}};
const std::string kText(200, 'x');

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().render().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

void must_sqlite(int status, sqlite3* db) {
  if (status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW) {
    std::fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    std::exit(1);
  }
}

std::unique_ptr<Database> open(const std::string& folder, bool replicated,
                               std::size_t group_max = dsl::db::Options().group_max,
                               const std::string& name = "bench.db") {
  dsl::env::Env& env = dsl::env::system_env();
  dsl::db::Options options{.migrations = kMigrations, .group_max = group_max};
  if (replicated) {
    must(env.files().make_directories(folder + "/mirror", 0700));
    options.replica.mirrors = {{.directory = folder + "/mirror"}};
    options.replica.recipients = {dsl::archive::AgeIdentity::generate(env.random()).recipient()};
  }
  return must(Database::open(env, folder + "/" + name, options));
}

void insert(Database& db, int value) {
  must(db.write([&](Transaction& tx) {
    return tx.run("INSERT INTO items(name) VALUES(?)", kText + std::to_string(value));
  }));
}

void fill_rows(Database& db) {
  must(db.write([&](Transaction& tx) -> Result<void> {
    for (int i = 0; i < kRows; ++i) {
      MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)", kText));
    }
    return {};
  }));
}

int read_ours(const std::string& folder, int reads) {
  const auto db = open(folder, false);
  fill_rows(*db);
  std::size_t bytes = 0;
  const auto begun = Clock::now();
  for (int i = 0; i < reads; ++i) {
    must(db->query(
        "SELECT name FROM items WHERE id = ?",
        [&](Row& row) -> Result<void> {
          bytes += row.text(0).size();
          return {};
        },
        std::int64_t{1 + i * 7919LL % kRows}));
  }
  std::printf("%.6f\n", Seconds(Clock::now() - begun).count());
  return bytes == kText.size() * static_cast<std::size_t>(reads) ? 0 : 1;
}

// As careful programs do it: one statement, prepared once, each read a transaction of its own.
int read_bare(const std::string& folder, int reads) {
  fill_rows(*open(folder, false));
  sqlite3* db = nullptr;
  must_sqlite(sqlite3_open_v2((folder + "/bench.db").c_str(), &db,
                              SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr),
              db);
  sqlite3_stmt* statement = nullptr;
  must_sqlite(
      sqlite3_prepare_v2(db, "SELECT name FROM items WHERE id = ?", -1, &statement, nullptr), db);
  std::size_t bytes = 0;
  const auto begun = Clock::now();
  for (int i = 0; i < reads; ++i) {
    sqlite3_bind_int64(statement, 1, 1 + i * 7919LL % kRows);
    must_sqlite(sqlite3_step(statement), db);
    const std::string name(
        reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)),  // SQLite's bytes
        static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    bytes += name.size();
    sqlite3_reset(statement);
  }
  std::printf("%.6f\n", Seconds(Clock::now() - begun).count());
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return bytes == kText.size() * static_cast<std::size_t>(reads) ? 0 : 1;
}

int write(const std::string& folder, bool replicated, int threads, int commits,
          std::size_t group_max) {
  const auto db = open(folder, replicated, group_max);
  if (replicated) {
    must(db->wait_until_replicated(std::chrono::seconds(10)));
  }
  const auto begun = Clock::now();
  std::vector<std::thread> writers;
  for (int t = 0; t < threads; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < commits / threads; ++i) {
        insert(*db, i);
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  std::printf("%.6f\n", Seconds(Clock::now() - begun).count());
  return 0;
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[static_cast<std::size_t>(part * double(values.size() - 1))];
}

int stored(const std::string& folder, int commits, int rate) {
  dsl::env::Env& env = dsl::env::system_env();
  const auto db = open(folder, true);
  must(db->wait_until_replicated(std::chrono::seconds(10)));
  std::map<std::int64_t, Clock::time_point> waiting;  // by wall time of the acknowledgement
  std::vector<double> took;
  const auto look = [&] {
    const auto until = db->replica_status()->mirrors[0].stored_until.time_since_epoch().count();
    while (!waiting.empty() && waiting.begin()->first <= until) {
      took.push_back(Seconds(Clock::now() - waiting.begin()->second).count());
      waiting.erase(waiting.begin());
    }
  };
  const auto begun = Clock::now();
  for (int i = 0; i < commits; ++i) {
    std::this_thread::sleep_until(begun + i * std::chrono::microseconds(1'000'000 / rate));
    // The time that the commit gets in the replica is not before this one.
    const auto time = env.clock().now().time_since_epoch().count();
    const auto now = Clock::now();
    insert(*db, i);
    waiting.emplace(time, now);
    look();
  }
  while (!waiting.empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    look();
  }
  std::printf("%.6f %.6f\n", percentile(took, 0.5), percentile(took, 0.99));
  return 0;
}

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return double(time.tv_sec) + 1e-6 * double(time.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

int load(const std::string& folder, bool replicated, int commits, int rate) {
  const auto db = open(folder, replicated);
  if (replicated) {
    must(db->wait_until_replicated(std::chrono::seconds(10)));
  }
  const double before = processor_seconds();
  const auto begun = Clock::now();
  for (int i = 0; i < commits; ++i) {
    std::this_thread::sleep_until(begun + i * std::chrono::microseconds(1'000'000 / rate));
    insert(*db, i);
  }
  const double used = processor_seconds() - before;
  std::printf("%.6f\n", used / Seconds(Clock::now() - begun).count());
  return 0;
}

int fill(const std::string& folder, int mib) {
  const auto db = open(folder, false, 64, "big.db");
  const std::string text(900, 'y');
  for (int i = 0; i < mib; ++i) {
    must(db->write([&](Transaction& tx) -> Result<void> {
      for (int row = 0; row < 1100; ++row) {
        MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)", text + std::to_string(row)));
      }
      return {};
    }));
  }
  return 0;
}

void sync(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ::fsync(fd);
  ::close(fd);
}

// One step with every page, as SQLite's documentation recommends for a busy database; synced, since
// ours is too.
void bare_backup(const std::string& from, const std::string& to) {
  sqlite3* source = nullptr;
  sqlite3* copy = nullptr;
  must_sqlite(sqlite3_open_v2(from.c_str(), &source, SQLITE_OPEN_READONLY, nullptr), source);
  must_sqlite(sqlite3_open(to.c_str(), &copy), copy);
  must_sqlite(sqlite3_exec(copy, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr), copy);
  sqlite3_backup* backup = sqlite3_backup_init(copy, "main", source, "main");
  must_sqlite(sqlite3_backup_step(backup, -1), copy);
  must_sqlite(sqlite3_backup_finish(backup), copy);
  sqlite3_close(copy);
  sqlite3_close(source);
  sync(to);
}

void vacuum_into(const std::string& from, const std::string& to) {
  sqlite3* source = nullptr;
  must_sqlite(sqlite3_open_v2(from.c_str(), &source, SQLITE_OPEN_READONLY, nullptr), source);
  must_sqlite(sqlite3_exec(source, ("VACUUM INTO '" + to + "'").c_str(), nullptr, nullptr, nullptr),
              source);
  sqlite3_close(source);
  sync(to);
}

int copy(const std::string& folder, std::string_view how, int rate) {
  const auto db = open(folder, false, 64, "big.db");
  const std::string from = folder + "/big.db";
  const std::string to = folder + "/copy.db";
  std::atomic<bool> ending{false};
  std::vector<double> latencies;
  std::thread writer([&] {
    const auto begun = Clock::now();
    for (int i = 0; !ending; ++i) {
      std::this_thread::sleep_until(begun + i * std::chrono::microseconds(1'000'000 / rate));
      const auto before = Clock::now();
      insert(*db, i);
      latencies.push_back(Seconds(Clock::now() - before).count());
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto begun = Clock::now();
  if (how == "snapshot" || how == "verify") {
    must(db->snapshot(to));
    if (how == "verify") {
      must(Database::check_file(dsl::env::system_env(), to));
    }
  } else if (how == "backup") {
    bare_backup(from, to);
  } else {
    vacuum_into(from, to);
  }
  const double took = Seconds(Clock::now() - begun).count();
  ending = true;
  writer.join();
  ::unlink(to.c_str());
  std::printf("%.6f %.6f\n", took, percentile(latencies, 0.99));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: see the top of bench/db/db_bench.cc\n", stderr);
    return 2;
  }
  const std::string_view mode = argv[1];
  const std::string folder = argv[2];
  const auto number = [&](int at) { return at < argc ? std::atoi(argv[at]) : 0; };
  if (mode == "read-ours") {
    return read_ours(folder, number(3));
  }
  if (mode == "read-bare") {
    return read_bare(folder, number(3));
  }
  if (mode == "write") {
    return write(folder, std::string_view(argv[3]) == "replica", number(4), number(5),
                 static_cast<std::size_t>(number(6)));
  }
  if (mode == "stored") {
    return stored(folder, number(3), number(4));
  }
  if (mode == "load") {
    return load(folder, std::string_view(argv[3]) == "replica", number(4), number(5));
  }
  if (mode == "fill") {
    return fill(folder, number(3));
  }
  return copy(folder, mode, number(3));
}
