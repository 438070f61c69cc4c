#include "dsl/db/pinned.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "dsl/db/db_test_base.h"

namespace dsl::db {
namespace {

using test::failed_with;
using test::ok;
using test::require_ok;

// A table `items` with a row of a number and some filler for each insert.
class PinnedTest : public DatabaseTest {
 protected:
  std::unique_ptr<Connection> create(const std::string& mode, int page_bytes) {
    require_ok(env_.files().open(path_, env::OpenMode::kCreateNew, 0600));
    auto connection = connect();
    require_ok(
        connection->execute(text("PRAGMA page_size={}; PRAGMA journal_mode={};"
                                 " CREATE TABLE items(number INTEGER, filler BLOB)",
                                 page_bytes, mode)));
    return connection;
  }

  std::unique_ptr<Connection> connect() {
    auto connection = require_ok(Connection::open(env_, path_, Access::kReadWrite));
    require_ok(connection->execute("PRAGMA wal_autocheckpoint=0"));
    return connection;
  }

  static void insert(Connection& connection, int from, int to) {
    for (int number = from; number < to; ++number) {
      require_ok(connection.execute(
          text("INSERT INTO items VALUES({}, randomblob({}))", number, 500 + number % 3000)));
    }
  }

  // What a checkpoint did: frames in the log, frames moved.
  static std::pair<std::int64_t, std::int64_t> checkpoint(Connection& connection,
                                                          const std::string& mode) {
    std::pair<std::int64_t, std::int64_t> frames;
    Statement statement = connection.prepare(text("PRAGMA wal_checkpoint({})", mode));
    require_ok(statement.each([&](Row& row) -> Result<void> {
      frames = {row.integer(1), row.integer(2)};
      return {};
    }));
    return frames;
  }

  std::string content(const PinnedState& state) {
    std::string bytes;
    require_ok(read_state(env_, state, [&](std::span<const std::byte> piece) -> Result<void> {
      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      return {};
    }));
    return bytes;
  }

  // Sound, one file without a log, and with the rows 0 to `count` - 1.
  void expect_rows(const PinnedState& state, int count) {
    const std::string copy = dir_.file("copy.db");
    require_ok(env_.files().write_file(copy, content(state), 0600));
    const auto connection = require_ok(Connection::open(env_, copy, Access::kReadOnly));
    EXPECT_EQ(require_ok(connection->text("PRAGMA integrity_check")), "ok");
    EXPECT_EQ(require_ok(connection->text("PRAGMA journal_mode")), "delete");
    EXPECT_EQ(require_ok(connection->integer("SELECT count(*) FROM items")), count);
    EXPECT_EQ(require_ok(connection->integer("SELECT coalesce(max(number), -1) FROM items")),
              count - 1);
    EXPECT_EQ(require_ok(state.connection->integer("SELECT count(*) FROM items")), count);
    require_ok(env_.files().remove(copy));
  }
};

class PinnedPagesTest : public PinnedTest, public ::testing::WithParamInterface<int> {};

TEST_P(PinnedPagesTest, EveryPageIsTakenFromWhereItLies) {
  const auto writer = create("WAL", GetParam());
  expect_rows(require_ok(pin_state(env_, path_)), 0);
  insert(*writer, 0, 100);
  expect_rows(require_ok(pin_state(env_, path_)), 100);

  // A reader keeps the checkpoint from moving more than it sees.
  const PinnedState older = require_ok(pin_state(env_, path_));
  insert(*writer, 100, 200);
  const auto [frames, moved] = checkpoint(*writer, "PASSIVE");
  EXPECT_GT(frames, moved);
  EXPECT_GT(moved, 0);
  const PinnedState half_moved = require_ok(pin_state(env_, path_));
  EXPECT_GT(half_moved.log_end, 0u);
  expect_rows(half_moved, 200);
  expect_rows(older, 100);
}

INSTANTIATE_TEST_SUITE_P(PageSizes, PinnedPagesTest, ::testing::Values(512, 4096, 65536));

TEST_F(PinnedTest, LogThatWasMovedWholeIsNotRead) {
  const auto writer = create("WAL", 4096);
  insert(*writer, 0, 100);
  checkpoint(*writer, "PASSIVE");

  const PinnedState state = require_ok(pin_state(env_, path_));

  EXPECT_EQ(state.log_end, 0u);
  insert(*writer, 100, 200);  // starts the log over
  expect_rows(state, 100);
}

TEST_F(PinnedTest, StaysWhileOthersCommitAndCheckpoint) {
  const auto writer = create("WAL", 4096);
  insert(*writer, 0, 100);
  const PinnedState state = require_ok(pin_state(env_, path_));
  writer->set_busy_timeout(1);
  for (int round = 1; round < 20; ++round) {
    insert(*writer, 100 * round, 100 * round + 100);
    for (const char* mode : {"PASSIVE", "RESTART", "TRUNCATE"}) {
      checkpoint(*writer, mode);
    }
    expect_rows(state, 100);
  }
}

TEST_F(PinnedTest, SmallerStateLeavesOutTheEndOfTheFile) {
  const auto writer = create("WAL", 4096);
  insert(*writer, 0, 500);
  checkpoint(*writer, "TRUNCATE");
  require_ok(writer->execute("DELETE FROM items WHERE number >= 10; VACUUM"));

  const PinnedState state = require_ok(pin_state(env_, path_));

  EXPECT_LT(state.size_bytes(), require_ok(env_.files().stat(path_)).size_bytes);
  expect_rows(state, 10);
}

TEST_F(PinnedTest, WithoutALogTheFileIsTheState) {
  const auto writer = create("DELETE", 4096);
  insert(*writer, 0, 100);

  const PinnedState state = require_ok(pin_state(env_, path_));

  writer->set_busy_timeout(1);
  EXPECT_FALSE(writer->execute("INSERT INTO items VALUES(100, '')")) << "a reader is in the file";
  expect_rows(state, 100);
}

TEST_F(PinnedTest, UnderBusyWritersEachStateIsOneCommit) {
  create("WAL", 4096);
  std::atomic<bool> ending{false};
  std::thread writer([&] {
    const auto connection = connect();
    for (int number = 0; !ending; number += 2) {
      require_ok(
          connection->execute(text("BEGIN; INSERT INTO items VALUES({}, randomblob(5000));"
                                   "INSERT INTO items VALUES({}, randomblob(3000)); COMMIT",
                                   number, number + 1)));
      if (number % 100 == 0) {
        checkpoint(*connection, "PASSIVE");
      }
    }
  });
  for (int round = 0; round < 40; ++round) {
    const PinnedState state = require_ok(pin_state(env_, path_));
    const auto rows = require_ok(state.connection->integer("SELECT count(*) FROM items"));
    EXPECT_EQ(rows % 2, 0);
    expect_rows(state, static_cast<int>(rows));
  }
  ending = true;
  writer.join();
}

TEST_F(PinnedTest, FileThatLostItsEndIsDamaged) {
  const auto writer = create("WAL", 4096);
  insert(*writer, 0, 100);
  checkpoint(*writer, "TRUNCATE");
  const PinnedState state = require_ok(pin_state(env_, path_));
  require_ok(require_ok(env_.files().open(path_, env::OpenMode::kReadWrite))->truncate(8192));

  EXPECT_THAT(read_state(env_, state, [](auto) -> Result<void> { return {}; }),
              failed_with(Code::kDataLoss));
}

// The file ends before the page that holds the bytes for locks; what comes after lies in the log.
TEST_F(PinnedTest, PageOfTheLocksIsEmpty) {
  constexpr std::uint64_t kLockByte = 0x40000000;
  constexpr std::uint64_t kPageBytes = 65536;
  constexpr std::uint64_t kPages = kLockByte / kPageBytes - 2;
  create("DELETE", kPageBytes);
  {
    const auto file = require_ok(env_.files().open(path_, env::OpenMode::kReadWrite));
    require_ok(file->truncate(kPages * kPageBytes));
    // https://www.sqlite.org/fileformat.html, section 1.3: the size in pages, big-endian.
    std::array<std::byte, 4> size{};
    for (std::size_t i = 0; i < 4; ++i) {
      size[i] = static_cast<std::byte>(kPages >> (24 - 8 * i));
    }
    require_ok(file->write_at(28, size));
  }
  const auto writer = connect();
  require_ok(writer->execute("PRAGMA journal_mode=WAL"));
  require_ok(writer->execute(text("INSERT INTO items VALUES(1, randomblob({}))", 9 * kPageBytes)));
  const PinnedState state = require_ok(pin_state(env_, path_));

  std::uint64_t offset = 0;
  require_ok(read_state(env_, state, [&](std::span<const std::byte> piece) -> Result<void> {
    for (std::uint64_t at = 0; at < piece.size(); at += kPageBytes) {
      const auto page = piece.subspan(at, kPageBytes);
      const bool is_empty = std::all_of(page.begin(), page.end(),
                                        [](std::byte byte) { return byte == std::byte{0}; });
      const std::uint64_t begin = offset + at;
      const bool is_hole = begin >= 2 * kPageBytes && begin < kPages * kPageBytes;
      EXPECT_EQ(is_empty, is_hole || begin == kLockByte) << begin;
    }
    offset += piece.size();
    return {};
  }));
  EXPECT_GT(offset, kLockByte + 5 * kPageBytes);
}

}  // namespace
}  // namespace dsl::db
