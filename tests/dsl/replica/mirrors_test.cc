// Mirrors that come and go while the service writes.
#include <atomic>
#include <fstream>

#include "replica_test_base.h"

namespace dsl::replica {
namespace {

using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MirrorsTest : public ReplicaTest {
 protected:
  MirrorsTest() : second_(dir_.file("second")) {
    require_ok(env_.files().make_directories(second_, 0700));
  }

  db::Options two_mirrors(bool sync = false) {
    db::Options both = options(sync);
    both.replica.mirrors.push_back({.directory = second_, .sync = sync});
    return both;
  }
  db::Options blocking() {
    db::Options strict = options(true);
    strict.replica.on_sync_failure = OnSyncFailure::kBlock;
    return strict;
  }

  void take_away(const std::string& directory) {
    require_ok(env_.files().rename(directory, directory + ".away"));
  }
  void bring_back(const std::string& directory) {
    require_ok(env_.files().rename(directory + ".away", directory));
  }
  void wipe(const std::string& directory) {
    const auto store = directory_store(env_, directory + "/test.db");
    for (const EpochSummary& epoch : require_ok(list_epochs(*store))) {
      require_ok(store->remove_folder(epoch.epoch.name()));
    }
  }

  static MirrorStatus status_of(db::Database& db, std::size_t mirror = 0) {
    return db.replica_status()->mirrors.at(mirror);
  }
  static bool is(db::Database& db, MirrorState state, std::size_t mirror = 0) {
    return becomes([&] { return status_of(db, mirror).state == state; });
  }
  static bool becomes_sync(db::Database& db, bool active, std::size_t mirror = 0) {
    return becomes([&] { return status_of(db, mirror).sync_active == active; });
  }

  // Some 20 kB each that no compression makes smaller.
  Result<void> add_bulk(db::Database& db) { return add(db, env_.random().hex(10'000)); }

  const std::string second_;
};

TEST_F(MirrorsTest, EachOfTwoHasEverything) {
  const auto db = open(two_mirrors());
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);

  EXPECT_THAT(restored_names_in(mirror_), ElementsAre("a"));
  EXPECT_THAT(restored_names_in(second_), ElementsAre("a"));
}

TEST_F(MirrorsTest, OneThatIsAwayCatchesUpByItselfAndIsNotMade) {
  const auto db = open(options());
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);
  take_away(mirror_);
  EXPECT_THAT(add(*db, "b"), ok());
  EXPECT_TRUE(is(*db, MirrorState::kFailing));
  EXPECT_THAT(status_of(*db).error, HasSubstr("is not there"));
  EXPECT_THAT(add(*db, "c"), ok());
  EXPECT_TRUE(becomes([&] { return status_of(*db).lag_bytes > 0; }));
  EXPECT_FALSE(require_ok(env_.files().exists(mirror_)));

  bring_back(mirror_);
  EXPECT_TRUE(is(*db, MirrorState::kFollowing));

  EXPECT_THAT(restored_names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(epochs(), SizeIs(1));
}

TEST_F(MirrorsTest, OneThatIsAwayIsToldThoughNothingIsWritten) {
  const auto db = open(options());
  expect_replicated(*db);
  take_away(mirror_);

  EXPECT_TRUE(is(*db, MirrorState::kFailing));
  bring_back(mirror_);
  EXPECT_TRUE(is(*db, MirrorState::kFollowing));
  EXPECT_THAT(epochs(), SizeIs(1));
}

TEST_F(MirrorsTest, OneThatIsAwayWhenTheServiceStopsCatchesUpAfterTheNextStart) {
  {
    const auto db = open(options());
    expect_replicated(*db);
    take_away(mirror_);
    EXPECT_THAT(add(*db, "a"), ok());
    EXPECT_TRUE(is(*db, MirrorState::kFailing));
  }
  bring_back(mirror_);
  const auto db = open(options());
  EXPECT_THAT(add(*db, "b"), ok());
  expect_replicated(*db);

  EXPECT_THAT(restored_names(), ElementsAre("a", "b"));
  EXPECT_THAT(epochs(), SizeIs(1));
}

TEST_F(MirrorsTest, OneThatIsAddedGetsACopy) {
  {
    const auto db = open(options());
    EXPECT_THAT(add(*db, "a"), ok());
    expect_replicated(*db);
  }
  const auto db = open(two_mirrors());
  expect_next_epoch(*db, epochs().back().epoch.name());
  EXPECT_THAT(add(*db, "b"), ok());
  expect_replicated(*db);

  EXPECT_THAT(restored_names_in(mirror_), ElementsAre("a", "b"));
  EXPECT_THAT(restored_names_in(second_), ElementsAre("a", "b"));
}

TEST_F(MirrorsTest, OneThatIsWipedGetsACopyThoughNothingIsWritten) {
  const auto db = open(options());
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);
  const std::string epoch = db->replica_status()->epoch;

  wipe(mirror_);
  expect_next_epoch(*db, epoch);

  EXPECT_THAT(restored_names(), ElementsAre("a"));
}

TEST_F(MirrorsTest, OneThatIsWipedWithSyncGetsACopyAndTakesCommitsAgain) {
  const auto db = open(options(true));
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);
  const std::string epoch = db->replica_status()->epoch;

  wipe(mirror_);
  EXPECT_THAT(add(*db, "b"), ok());
  expect_next_epoch(*db, epoch);
  EXPECT_TRUE(becomes_sync(*db, true));
  EXPECT_THAT(add(*db, "c"), ok());

  EXPECT_THAT(restored_names(), ElementsAre("a", "b", "c"));
}

TEST_F(MirrorsTest, SegmentThatIsMissingAtTheNextStartBeginsAnotherEpoch) {
  std::string epoch;
  {
    const auto db = open(options());
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_THAT(add(*db, name), ok());
      expect_replicated(*db);
    }
    epoch = db->replica_status()->epoch;
  }
  const auto store = mirror();
  const EpochSummary summary = epochs().back();
  ASSERT_GE(summary.objects.size(), 3u);
  require_ok(store->remove(summary.objects[1].name()));

  const auto db = open(options());
  expect_next_epoch(*db, epoch);

  EXPECT_THAT(restored_names(), ElementsAre("a", "b", "c"));
}

// As a process leaves it that is killed while the mirrors get the copy for a planned epoch.
TEST_F(MirrorsTest, LaterEpochWithoutCommitsDoesNotStayTheNewest) {
  std::string epoch;
  {
    const auto db = open(options());
    EXPECT_THAT(add(*db, "a"), ok());
    expect_replicated(*db);
    epoch = db->replica_status()->epoch;
  }
  const auto store = mirror();
  const std::string base = require_ok(read_object(*store, epoch + "/base", 1u << 20));
  require_ok(write_object(*store, "00000007-00000000/base", base));
  const auto db = open(options());
  EXPECT_THAT(add(*db, "b"), ok());
  EXPECT_TRUE(becomes([&] { return db->replica_status()->epoch > "00000008"; }));
  expect_replicated(*db);

  const auto list = epochs();
  EXPECT_EQ(list.back().epoch.number, 8u);
  EXPECT_TRUE(list[0].closed && list[1].closed);
}

TEST_F(MirrorsTest, CopyThatWasNotBegunIsDroppedFromTheOutbox) {
  std::string epoch;
  {
    const auto db = open(options());
    expect_replicated(*db);
    epoch = db->replica_status()->epoch;
  }
  const std::string outbox = path_ + ".replica/outbox";
  require_ok(env_.files().make_directories(outbox + "/00000007-00000000", 0700));
  require_ok(env_.files().write_file(outbox + "/00000007-00000000/base", "half", 0600));
  require_ok(env_.files().write_file(path_ + ".replica/base.tmp.partial-1234", "left", 0600));
  const auto db = open(options());
  expect_replicated(*db);

  EXPECT_EQ(db->replica_status()->epoch, epoch);
  EXPECT_THAT(epochs(), SizeIs(1));
  EXPECT_FALSE(require_ok(env_.files().exists(outbox + "/00000007-00000000")));
  EXPECT_FALSE(require_ok(env_.files().exists(path_ + ".replica/base.tmp.partial-1234")));
}

TEST_F(MirrorsTest, ObjectThatIsRemovedFromTheOutboxIsMadeGoodByAnotherEpoch) {
  const auto db = open(options());
  expect_replicated(*db);
  const std::string epoch = db->replica_status()->epoch;
  take_away(mirror_);
  EXPECT_THAT(add(*db, "a"), ok());
  EXPECT_TRUE(becomes([&] { return status_of(*db).lag_bytes > 0; }));
  const auto store = directory_store(env_, path_ + ".replica/outbox");
  require_ok(store->remove_folder(epoch));
  bring_back(mirror_);
  expect_next_epoch(*db, epoch);

  EXPECT_THAT(restored_names(), ElementsAre("a"));
}

TEST_F(MirrorsTest, BeyondTheSpoolWritesGoOnAndTheMirrorStartsOverWhenItIsBack) {
  db::Options small = options();
  small.replica.spool_max = 500'000;
  const auto db = open(small);
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);
  const std::string epoch = db->replica_status()->epoch;
  take_away(mirror_);
  EXPECT_TRUE(becomes([&] {
    EXPECT_THAT(add_bulk(*db), ok());
    return status_of(*db).state == MirrorState::kLost;
  }));
  EXPECT_TRUE(becomes([&] { return !db->replica_status()->following; }));
  EXPECT_THAT(db->replica_status()->reason, HasSubstr("more waits than may"));
  EXPECT_THAT(add(*db, "b"), ok());
  EXPECT_TRUE(becomes([&] { return db->checkpoint().has_value(); }));

  bring_back(mirror_);
  expect_next_epoch(*db, epoch);

  EXPECT_TRUE(restored_names() == names(*db));
}

TEST_F(MirrorsTest, OneOfTwoThatIsLostStartsOverAndTheOtherLosesNothingOnTheWay) {
  db::Options small = two_mirrors();
  small.replica.spool_max = 500'000;
  const auto db = open(small);
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);
  const std::string epoch = db->replica_status()->epoch;
  take_away(second_);
  EXPECT_TRUE(becomes([&] {
    EXPECT_THAT(add_bulk(*db), ok());
    return status_of(*db, 1).state == MirrorState::kLost;
  }));
  expect_replicated(*db);
  EXPECT_EQ(db->replica_status()->epoch, epoch);
  EXPECT_TRUE(restored_names_in(mirror_) == names(*db));
  // The next epoch begins with all of the log, and that may not be more than the spool.
  EXPECT_TRUE(becomes([&] { return db->checkpoint().has_value(); }));

  bring_back(second_);
  expect_next_epoch(*db, epoch);
  EXPECT_THAT(add(*db, "b"), ok());
  expect_replicated(*db);

  EXPECT_TRUE(restored_names_in(mirror_) == names(*db));
  EXPECT_TRUE(restored_names_in(second_) == names(*db));
}

// That it was lost is not remembered by the process: the mirror lacks segments.
TEST_F(MirrorsTest, OneThatWasLostBeforeTheServiceStoppedStartsOver) {
  db::Options small = two_mirrors();
  small.replica.spool_max = 500'000;
  {
    const auto db = open(small);
    expect_replicated(*db);
    take_away(second_);
    EXPECT_TRUE(becomes([&] {
      EXPECT_THAT(add_bulk(*db), ok());
      return status_of(*db, 1).state == MirrorState::kLost;
    }));
    expect_replicated(*db);
  }
  const std::string epoch = epochs().back().epoch.name();
  bring_back(second_);
  const auto db = open(small);
  expect_next_epoch(*db, epoch);

  EXPECT_TRUE(restored_names_in(second_) == names(*db));
}

TEST_F(MirrorsTest, CopyMayBeLargerThanTheSpool) {
  db::Options small = options();
  {
    const auto db = open({.migrations = kMigrations});
    for (int i = 0; i < 50; ++i) {
      EXPECT_THAT(add_bulk(*db), ok());
    }
  }
  small.replica.spool_max = 64u << 10;
  const auto db = open(small);
  expect_replicated(*db);

  EXPECT_GT(epochs().back().base_bytes, 500'000u);
  EXPECT_TRUE(restored_names() == names(*db));
}

TEST_F(MirrorsTest, SyncMirrorThatFailsIsDoneWithoutAndTakenBack) {
  const auto db = open(options(true));
  EXPECT_THAT(add(*db, "a"), ok());
  EXPECT_TRUE(status_of(*db).sync_active);
  take_away(mirror_);
  EXPECT_TRUE(becomes([&] {
    EXPECT_THAT(add(*db, "b"), ok());
    return !status_of(*db).sync_active;
  }));
  EXPECT_TRUE(is(*db, MirrorState::kFailing));
  EXPECT_THAT(add(*db, "c"), ok());
  EXPECT_FALSE(require_ok(env_.files().exists(mirror_)));

  bring_back(mirror_);
  EXPECT_TRUE(becomes_sync(*db, true));
  EXPECT_THAT(add(*db, "d"), ok());

  EXPECT_TRUE(restored_names() == names(*db));
  EXPECT_THAT(epochs(), SizeIs(1));
}

TEST_F(MirrorsTest, OneFailingSyncMirrorDoesNotKeepCommitsFromTheOther) {
  const auto db = open(two_mirrors(true));
  EXPECT_THAT(add(*db, "a"), ok());
  take_away(mirror_);
  EXPECT_TRUE(becomes([&] {
    EXPECT_THAT(add(*db, "b"), ok());
    return !status_of(*db).sync_active;
  }));
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(add(*db, std::to_string(i)), ok());
    EXPECT_TRUE(status_of(*db, 1).sync_active);
    EXPECT_TRUE(restored_names_in(second_) == names(*db));
  }
}

TEST_F(MirrorsTest, BlockedWritesWaitUntilTheMirrorIsBack) {
  const auto db = open(blocking());
  EXPECT_THAT(add(*db, "a"), ok());
  take_away(mirror_);
  std::atomic<int> acknowledged{0};
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i) {
      EXPECT_THAT(add(*db, std::to_string(i)), ok());
      ++acknowledged;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  EXPECT_TRUE(becomes_sync(*db, false));
  const int before = acknowledged;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(acknowledged, before + 1);
  EXPECT_LT(acknowledged, 50);

  bring_back(mirror_);
  writer.join();

  EXPECT_TRUE(restored_names() == names(*db));
  EXPECT_THAT(epochs(), SizeIs(1));
}

// The copy is made by the writer, which waits for it: also when no place is left in its queue.
TEST_F(MirrorsTest, BlockedWriterMakesTheCopyThatItWaitsFor) {
  db::Options strict = blocking();
  strict.queue_max = 4;
  const auto db = open(strict);
  EXPECT_THAT(add(*db, "a"), ok());
  const std::string epoch = db->replica_status()->epoch;
  wipe(mirror_);
  require_ok(env_.files().remove(mirror_ + "/test.db/lock"));
  require_ok(env_.files().remove(mirror_ + "/test.db"));
  std::vector<std::thread> writers;
  for (int w = 0; w < 8; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 20; ++i) {
        while (!add(*db, text("{}/{}", w, i))) {  // the queue is full
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  expect_next_epoch(*db, epoch);

  EXPECT_TRUE(restored_names() == names(*db));
  EXPECT_THAT(names(*db), SizeIs(161));
}

TEST_F(MirrorsTest, BlockedWriteEndsWithTheServiceAndIsFoundAgain) {
  auto db = open(blocking());
  EXPECT_THAT(add(*db, "a"), ok());
  take_away(mirror_);
  Result<void> added;
  std::thread writer([&] {
    while (added) {
      added = add(*db, "b");
    }
  });
  EXPECT_TRUE(becomes_sync(*db, false));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  db->stop_waiting();
  writer.join();
  EXPECT_THAT(added, failed_with(Code::kUnavailable));
  db.reset();

  bring_back(mirror_);
  db = open(options());
  expect_replicated(*db);
  EXPECT_TRUE(restored_names() == names(*db));
}

TEST_F(MirrorsTest, StartWithASyncMirrorAwayDoesNotHang) {
  open(options(true)).reset();
  take_away(mirror_);
  {
    const auto db = open(options(true));
    EXPECT_THAT(add(*db, "a"), ok());
    EXPECT_FALSE(status_of(*db).sync_active);
    bring_back(mirror_);
    EXPECT_TRUE(becomes_sync(*db, true));
    EXPECT_THAT(add(*db, "b"), ok());
    EXPECT_THAT(restored_names(), ElementsAre("a", "b"));
  }
}

TEST_F(MirrorsTest, PlannedCopiesLoseNothingOnTheWay) {
  for (const bool sync : {false, true}) {
    SCOPED_TRACE(sync);
    db::Options often = options(sync);
    often.replica.base_every = std::chrono::milliseconds(300);
    const auto db = open(often);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
    for (int i = 0; std::chrono::steady_clock::now() < until; ++i) {
      ASSERT_THAT(add(*db, std::to_string(i)), ok());
      if (sync && i % 10 == 0) {
        ASSERT_TRUE(restored_names() == names(*db));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(3));  // the log is sealed twice
    }
    EXPECT_GE(epochs().size(), 3u);
    EXPECT_TRUE(becomes([&] { return restored_names() == names(*db); }));
  }
}

TEST_F(MirrorsTest, OldEpochsAreRemovedAndTheLastTwoStay) {
  db::Options often = options();
  often.replica.base_every = std::chrono::milliseconds(100);
  often.replica.keep = std::chrono::milliseconds(0);
  auto db = open(often);
  EXPECT_THAT(add(*db, "a"), ok());
  EXPECT_TRUE(becomes([&] { return db->replica_status()->epoch > "00000006"; }));
  const auto written = names(*db);
  // A restore that takes longer than the next copies would find its epoch removed.
  db.reset();

  EXPECT_LE(epochs().size(), 4u);
  EXPECT_GE(epochs().size(), 2u);
  EXPECT_EQ(restored_names(), written);
}

// "All stored, then emptied" races with commits that come meanwhile.
TEST_F(MirrorsTest, CheckpointsBesideManyWritersLoseNothing) {
  for (const bool sync : {false, true}) {
    SCOPED_TRACE(sync);
    const auto db = open(options(sync));
    expect_replicated(*db);
    std::atomic<bool> done{false};
    std::thread checkpoints([&] {
      while (!done) {
        (void)db->checkpoint();  // may have to wait for the replica
      }
    });
    std::vector<std::thread> writers;
    for (int w = 0; w < 4; ++w) {
      writers.emplace_back([&, w] {
        for (int i = 0; i < 100; ++i) {
          EXPECT_THAT(add(*db, text("{}/{}", w, i)), ok());
        }
      });
    }
    for (std::thread& writer : writers) {
      writer.join();
    }
    done = true;
    checkpoints.join();
    expect_replicated(*db);

    EXPECT_GT(db->replica_status()->generation, 5u);
    EXPECT_TRUE(restored_names() == names(*db));
    EXPECT_THAT(epochs(), SizeIs(1));
  }
}

}  // namespace
}  // namespace dsl::replica
