// SQLite's log and its index as bytes. The log comes from SQLite itself, or is made here with sums
// of either byte order.
#include "dsl/replica/wal.h"

#include <cstring>

#include "dsl/db/sqlite_shell.h"
#include "dsl/replica/chain.h"
#include "dsl/replica/segment.h"
#include "dsl/replica/wal_index.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace dsl::replica {
namespace {

using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr std::size_t kPage = 512;

void put_32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

// A log by the words of the file format, section 4.
class LogMaker {
 public:
  explicit LogMaker(bool big_endian) : big_endian_(big_endian) {
    std::string header;
    for (const std::uint32_t word : {big_endian ? 0x377f0683u : 0x377f0682u, 3007000u,
                                     std::uint32_t{kPage}, 7u, 0x11111111u, 0x22222222u}) {
      put_32(header, word);
    }
    sum(header);
    put_32(header, s0_);
    put_32(header, s1_);
    log = header;
  }

  void add(std::uint32_t page, std::uint32_t page_count, char fill) {
    std::string start;
    put_32(start, page);
    put_32(start, page_count);
    const std::string content(kPage, fill);
    sum(start + content);
    put_32(start, 0x11111111);
    put_32(start, 0x22222222);
    put_32(start, s0_);
    put_32(start, s1_);
    log += start + content;
  }

  std::string log;

 private:
  std::uint32_t word(const std::string& bytes, std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t place = big_endian_ ? at + i : at + 3 - i;
      value = value << 8 | static_cast<unsigned char>(bytes[place]);
    }
    return value;
  }
  void sum(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      s0_ += word(bytes, at) + s1_;
      s1_ += word(bytes, at + 4) + s0_;
    }
  }

  const bool big_endian_;
  std::uint32_t s0_ = 0;
  std::uint32_t s1_ = 0;
};

class WalTest : public ::testing::TestWithParam<bool> {
 protected:
  WalTest() {
    LogMaker maker(GetParam());
    maker.add(1, 0, 'a');
    maker.add(2, 2, 'b');
    maker.add(2, 3, 'c');
    log_ = maker.log;
  }

  std::unique_ptr<env::File> file(const std::string& content) {
    require_ok(env_.files().write_file("/log", content, 0600));
    return require_ok(env_.files().open("/log", env::OpenMode::kRead));
  }
  Result<WalStretch> walked(const std::string& content, std::uint64_t end,
                            const WalPoint& from = {}) {
    const auto log = file(content);
    return walk(*log, from, end, [](std::span<const std::byte>) { return Result<void>(); });
  }

  static constexpr std::uint64_t frames(std::uint64_t count) {
    return kWalHeaderBytes + count * (kFrameHeaderBytes + kPage);
  }

  test::TestEnv env_{1};
  std::string log_;
};

TEST_P(WalTest, IsFollowedFrameByFrame) {
  const auto stretch = require_ok(walked(log_, log_.size()));

  EXPECT_THAT(stretch.commits, ElementsAre(WalCommit{.end = frames(2), .page_count = 2},
                                           WalCommit{.end = frames(3), .page_count = 3}));
  EXPECT_EQ(stretch.end.offset, log_.size());
  EXPECT_EQ(stretch.end.header.salts, 0x1111111122222222u);
  EXPECT_EQ(stretch.end.header.page_bytes, kPage);
  EXPECT_EQ(stretch.end.header.sums_big_endian, GetParam());

  const auto half = require_ok(walked(log_, frames(2)));
  EXPECT_EQ(require_ok(walked(log_, log_.size(), half.end)).end, stretch.end);
}

TEST_P(WalTest, EveryFlippedBitIsFound) {
  for (std::size_t at = 0; at < log_.size(); ++at) {
    std::string damaged = log_;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    EXPECT_THAT(walked(damaged, damaged.size()), failed_with(Code::kDataLoss)) << at;
  }
}

TEST_P(WalTest, CutOffIsToldAndNotReadBeyond) {
  EXPECT_THAT(walked(log_.substr(0, 31), frames(1)), failed_saying(Code::kDataLoss, "cut off"));
  EXPECT_THAT(walked(log_.substr(0, log_.size() - 1), log_.size()),
              failed_saying(Code::kDataLoss, "cut off"));
  EXPECT_THAT(walked(log_, frames(2) + 1), failed_saying(Code::kDataLoss, "cut off"));
}

TEST_P(WalTest, ComesInPiecesOfAnySize) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, kPage, log_.size()}) {
    FrameReader reader;
    std::vector<std::uint32_t> pages;
    for (std::size_t at = 0; at < log_.size(); at += step) {
      const std::string part = log_.substr(at, step);
      ASSERT_THAT(reader.feed(std::as_bytes(std::span(part)),
                              [&](const WalFrame& frame, std::uint64_t) -> Result<void> {
                                pages.push_back(frame.page);
                                return {};
                              }),
                  ok());
    }
    EXPECT_THAT(pages, ElementsAre(1, 2, 2));
    EXPECT_TRUE(reader.between_frames());
    EXPECT_EQ(reader.offset(), log_.size());
  }
}

TEST_P(WalTest, SliceOfItEndsWithACommit) {
  const auto log = file(log_);
  const CommitTimes times;
  EXPECT_THAT(describe_slice(*log, {}, frames(1), {}, times, {}), failed_with(Code::kDataLoss));
  const Slice slice = require_ok(describe_slice(
      *log, {}, frames(2),
      {.database = "x.db", .generation = 1, .not_before = env::WallTime(std::chrono::seconds(9))},
      times, env::WallTime(std::chrono::seconds(5))));
  EXPECT_EQ(slice.header.commits.back().time, env::WallTime(std::chrono::seconds(9)));
  EXPECT_EQ(slice.header.length, frames(2));
}

INSTANTIATE_TEST_SUITE_P(ByteOrders, WalTest, ::testing::Bool());

TEST(CommitTimes, OfTheFirstKnownCommitAtOrBehindAPlace) {
  const auto at = [](int seconds) { return env::WallTime(std::chrono::seconds(seconds)); };
  CommitTimes times;
  times.add(100, at(1));
  times.add(300, at(3));

  EXPECT_EQ(times.time_of(100, at(9)), at(1));
  EXPECT_EQ(times.time_of(200, at(9)), at(3)) << "of another process, before ours";
  EXPECT_EQ(times.time_of(400, at(9)), at(9));
  times.forget(100);
  EXPECT_EQ(times.time_of(100, at(9)), at(3));
}

TEST(CommitTimes, LogThatStartsOverIsNoticedUntilItIsKnown) {
  CommitTimes times;
  times.add(300, {});
  EXPECT_FALSE(times.started_over_at());
  times.add(100, {});
  EXPECT_EQ(times.started_over_at(), 300u);
  times.start_over();
  EXPECT_FALSE(times.started_over_at());
  times.add(200, {});
  EXPECT_FALSE(times.started_over_at());
}

// Against SQLite itself.
class WalIndexTest : public ::testing::Test {
 protected:
  WalIndexTest() : path_(dir_.file("x.db")) { env_.use_real_files(); }

  Result<std::optional<WalIndex>> index() {
    MC_ASSIGN(const auto file, env_.files().open(path_ + "-shm", env::OpenMode::kRead));
    return read_wal_index(*file);
  }

  test::TempDir dir_{test::TempDir::Where::kMemory};
  test::TestEnv env_{1};
  const std::string path_;
};

TEST_F(WalIndexTest, SaysWhatSqliteHasCommitted) {
  db::SqliteShell shell(path_);
  for (const int page_bytes : {512, 65536}) {
    shell.ask(
        text("pragma journal_mode=delete; pragma page_size={}; vacuum;"
             " pragma journal_mode=wal; drop table if exists t; create table t(x);",
             page_bytes));
    shell.ask("begin; insert into t values(randomblob(200000)); commit;");
    const WalIndex found = *require_ok(index());
    const auto log = require_ok(env_.files().open(path_ + "-wal", env::OpenMode::kRead));

    const auto stretch = require_ok(
        walk(*log, {}, found.end(), [](std::span<const std::byte>) { return Result<void>(); }));

    EXPECT_EQ(found.page_bytes, static_cast<std::uint32_t>(page_bytes));
    EXPECT_EQ(found.salts, stretch.end.header.salts);
    EXPECT_EQ(found.sum, stretch.end.sum);
    EXPECT_EQ(found.frames_moved, 0u);
    shell.ask(".output /dev/null\npragma wal_checkpoint(passive);\n.output");
    EXPECT_EQ(require_ok(index())->frames_moved, found.frame_count);
    shell.ask(".output /dev/null\npragma wal_checkpoint(truncate);\n.output");
    EXPECT_EQ(require_ok(index())->end(), 0u);
    EXPECT_EQ(require_ok(index())->salts >> 32, (found.salts >> 32) + 1);
  }
}

TEST_F(WalIndexTest, IsNothingBeforeItIsMadeAndAnErrorWhileItIsHalf) {
  require_ok(env_.files().write_file(path_ + "-shm", "abc", 0600));
  EXPECT_FALSE(require_ok(index()));
  require_ok(env_.files().write_file(path_ + "-shm", std::string(32768, '\0'), 0600));
  EXPECT_FALSE(require_ok(index()));

  db::SqliteShell shell(path_);
  shell.ask("pragma journal_mode=wal; create table t(x);");
  std::string content = require_ok(env_.files().read_file(path_ + "-shm", 1u << 20));
  ASSERT_TRUE(require_ok(index()));
  content[17] ^= 1;  // of one copy of the header
  require_ok(env_.files().write_file(path_ + "-shm", content, 0600));
  EXPECT_THAT(index(), failed_with(Code::kUnavailable));
  content[17 + 48] ^= 1;  // of both, and the sum is wrong
  require_ok(env_.files().write_file(path_ + "-shm", content, 0600));
  EXPECT_THAT(index(), failed_with(Code::kUnavailable));
}

}  // namespace
}  // namespace dsl::replica
