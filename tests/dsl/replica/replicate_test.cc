// A database that is replicated while it is used, and what comes back.
#include <thread>

#include "replica_test_base.h"

namespace dsl::replica {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReplicateTest : public ReplicaTest {};

TEST_F(ReplicateTest, WhatWasCommittedComesBack) {
  const auto db = open(options());
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_THAT(add(*db, name), test::ok());
  }
  expect_replicated(*db);

  EXPECT_THAT(restored_names(), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(db->replica_status()->following);
}

TEST_F(ReplicateTest, GoesOnInTheSameEpochAfterACleanEnd) {
  open(options());
  {
    const auto db = open(options());
    EXPECT_THAT(add(*db, "a"), test::ok());
    expect_replicated(*db);
  }
  const auto db = open(options());
  EXPECT_THAT(add(*db, "b"), test::ok());
  expect_replicated(*db);

  EXPECT_THAT(epochs(), SizeIs(1));
  EXPECT_THAT(restored_names(), ElementsAre("a", "b"));
}

TEST_F(ReplicateTest, EveryCommitCanBeReached) {
  const auto db = open(options());
  std::vector<std::string> expected;
  std::vector<std::vector<std::string>> states;
  for (int i = 0; i < 30; ++i) {
    expected.push_back("row " + std::to_string(i));
    EXPECT_THAT(add(*db, expected.back()), test::ok());
    states.push_back(expected);
    if (i == 12) {
      EXPECT_THAT(db->checkpoint(), test::ok());
    }
    if (i % 7 == 0) {
      expect_replicated(*db);
    }
  }
  expect_replicated(*db);

  const Chain found = chain();
  std::size_t commits = 0;
  for (const ChainPiece& piece : found.pieces) {
    for (const Commit& commit : piece.header.commits) {
      const Position at{.epoch = found.epoch,
                        .generation = piece.header.generation,
                        .offset = commit.end,
                        .time = commit.time};
      if (at.generation == 1 && at.offset < found.base.position) {
        continue;
      }
      const auto names = restored_names(at);
      if (!names.empty()) {
        EXPECT_EQ(names, states.at(names.size() - 1));
        ++commits;
      }
    }
  }
  EXPECT_GE(commits, 25u);  // those of the first moments are in the base
}

TEST_F(ReplicateTest, LogThatIsEmptiedBeginsAnotherGeneration) {
  const auto db = open(options());
  EXPECT_THAT(add(*db, "a"), test::ok());
  expect_replicated(*db);
  EXPECT_THAT(db->checkpoint(), test::ok());
  EXPECT_THAT(add(*db, "b"), test::ok());
  expect_replicated(*db);

  EXPECT_EQ(db->replica_status()->generation, 2u);
  EXPECT_THAT(epochs(), SizeIs(1));
  EXPECT_THAT(restored_names(), ElementsAre("a", "b"));
}

// 40 MiB of log: it is emptied on the way, and starts over in place.
TEST_F(ReplicateTest, LargeLogIsReusedWithoutALoss) {
  const auto db = open(options());
  expect_replicated(*db);
  const std::string filler(100'000, 'x');
  for (int i = 0; i < 400; ++i) {
    EXPECT_THAT(add(*db, std::to_string(i) + filler), test::ok());
  }
  expect_replicated(*db);

  EXPECT_GE(db->replica_status()->generation, 2u);
  EXPECT_THAT(epochs(), SizeIs(1));
  EXPECT_EQ(restored_names(), names(*db));
}

TEST_F(ReplicateTest, ManyWritersAtOnceLoseNothing) {
  const auto db = open(options());
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(add(*db, std::to_string(w) + "/" + std::to_string(i)), test::ok());
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  expect_replicated(*db);

  EXPECT_EQ(restored_names(), names(*db));
}

TEST_F(ReplicateTest, SyncMirrorHasACommitWhenItIsAcknowledged) {
  const auto db = open(options(true));
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i);
    EXPECT_THAT(add(*db, name), test::ok());
    EXPECT_EQ(restored_names().back(), name);
  }
}

TEST_F(ReplicateTest, SyncMirrorHasACommitWhenItIsAcknowledgedAlsoAroundCheckpoints) {
  const auto db = open(options(true));
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(add(*db, std::to_string(i)), test::ok());
    EXPECT_THAT(restored_names(), SizeIs(static_cast<std::size_t>(i) + 1));
    (void)db->checkpoint();  // may have to wait for the replica
  }
  EXPECT_THAT(epochs(), SizeIs(1));
}

}  // namespace
}  // namespace dsl::replica
