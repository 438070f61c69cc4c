// SQLite alone: how fast it takes the rows of a database of mcns, one INSERT after the other in one
// transaction. What the import of a zone is held against.
//
//   mcns_sqlite_insert DATABASE NEW
//
// Copies the zones, records and changes of DATABASE into NEW, which is made with the same tables,
// indices and durability; then replaces the records by the same once more. Prints one line of JSON:
// how many records, and the seconds of each transaction to the end of its COMMIT. The rows are in
// memory before.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <sqlite3.h>

namespace {

[[noreturn]] void fail(sqlite3* database) {
  std::fprintf(stderr, "%s\n", sqlite3_errmsg(database));
  std::exit(1);
}

void execute(sqlite3* database, const std::string& sql) {
  if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail(database);
  }
}

sqlite3* open(const char* path, int flags) {
  sqlite3* database = nullptr;
  if (sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
    fail(database);
  }
  return database;
}

sqlite3_stmt* prepare(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    fail(database);
  }
  return statement;
}

struct Table {
  std::string name;
  int columns = 0;
  std::vector<sqlite3_value*> values;  // row after row

  std::size_t rows() const { return values.size() / static_cast<std::size_t>(columns); }
};

Table read(sqlite3* source, const std::string& name) {
  sqlite3_stmt* select = prepare(source, "SELECT * FROM " + name);
  Table table{name, sqlite3_column_count(select), {}};
  while (sqlite3_step(select) == SQLITE_ROW) {
    for (int column = 0; column < table.columns; ++column) {
      table.values.push_back(sqlite3_value_dup(sqlite3_column_value(select, column)));
    }
  }
  sqlite3_finalize(select);
  return table;
}

void copy_schema(sqlite3* source, sqlite3* target) {
  sqlite3_stmt* select = prepare(
      source,
      "SELECT sql FROM sqlite_master WHERE tbl_name IN ('zones', 'records', 'changes') AND sql IS "
      "NOT NULL ORDER BY type = 'index'");
  while (sqlite3_step(select) == SQLITE_ROW) {
    execute(target, reinterpret_cast<const char*>(sqlite3_column_text(select, 0)));
  }
  sqlite3_finalize(select);
}

void insert(sqlite3* target, const Table& table) {
  std::string places;
  for (int column = 0; column < table.columns; ++column) {
    places += column == 0 ? "?" : ", ?";
  }
  sqlite3_stmt* statement =
      prepare(target, "INSERT INTO " + table.name + " VALUES(" + places + ")");
  auto value = table.values.begin();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (int column = 1; column <= table.columns; ++column) {
      sqlite3_bind_value(statement, column, *value++);
    }
    if (sqlite3_step(statement) != SQLITE_DONE) {
      fail(target);
    }
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
}

// Of one transaction.
template <class Work>
double seconds(sqlite3* target, const Work& work) {
  const auto begun = std::chrono::steady_clock::now();
  execute(target, "BEGIN IMMEDIATE");
  work();
  execute(target, "COMMIT");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: mcns_sqlite_insert DATABASE NEW\n");
    return 2;
  }
  sqlite3* source = open(argv[1], SQLITE_OPEN_READWRITE);
  sqlite3* target = open(argv[2], SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  execute(target,
          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
          "PRAGMA wal_autocheckpoint=0;");
  copy_schema(source, target);
  const std::vector<Table> tables{read(source, "zones"), read(source, "records"),
                                  read(source, "changes")};

  const double inserted_s = seconds(target, [&] {
    for (const Table& table : tables) {
      insert(target, table);
    }
  });
  const double replaced_s = seconds(target, [&] {
    // One zone of several: without WHERE SQLite would drop the table's pages unseen.
    execute(target, "DELETE FROM records WHERE zone_id > 0");
    insert(target, tables[1]);
  });
  std::printf("{\"records\": %zu, \"seconds\": %.6f, \"replace_seconds\": %.6f}\n",
              tables[1].rows(), inserted_s, replaced_s);
  return 0;
}
