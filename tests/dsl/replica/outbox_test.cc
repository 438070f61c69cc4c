#include "dsl/replica/outbox.h"

#include "support/result_matchers.h"
#include "support/test_env.h"

namespace dsl::replica {
namespace {

using test::ok;
using test::require_ok;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() { require_ok(env_.files().make_directories("/srv", 0700)); }

  std::unique_ptr<Outbox> open(std::size_t mirrors, std::uint64_t bytes_max = 1000,
                               std::uint32_t epoch_max = 99) {
    return require_ok(
        Outbox::open(env_, "/srv/outbox", mirrors, bytes_max,
                     [&](const ObjectName& name) { return name.epoch.number <= epoch_max; }));
  }

  static ObjectName segment(std::uint64_t offset, std::uint32_t epoch = 1) {
    return {.epoch = {.number = epoch, .random = "00000000"},
            .kind = ObjectKind::kSegment,
            .generation = 1,
            .offset = offset};
  }
  static ObjectName base(std::uint32_t epoch = 1) {
    return {.epoch = {.number = epoch, .random = "00000000"}};
  }

  void add(Outbox& outbox, const ObjectName& name, std::size_t size_bytes = 10) {
    require_ok(write_object(outbox.store(), name.name(), std::string(size_bytes, 'x')));
    outbox.add({.name = name, .size_bytes = size_bytes});
  }

  std::optional<OutboxObject> next(Outbox& outbox, std::size_t mirror) {
    return outbox.next(mirror, env_.clock().mono_now());
  }

  test::TestEnv env_{1};
};

TEST_F(OutboxTest, GivesTheOldestFirstAndForgetsWhatEveryMirrorHas) {
  const auto outbox = open(2);
  add(*outbox, segment(500));
  add(*outbox, segment(0));
  add(*outbox, base());
  EXPECT_EQ(next(*outbox, 0)->name, base());

  outbox->done(0, *next(*outbox, 0));
  EXPECT_EQ(next(*outbox, 0)->name, segment(0));
  EXPECT_EQ(next(*outbox, 1)->name, base());
  EXPECT_TRUE(require_ok(outbox->store().contains(base().name())));
  outbox->done(1, *next(*outbox, 1));

  EXPECT_FALSE(require_ok(outbox->store().contains(base().name())));
  EXPECT_EQ(outbox->waiting_bytes(0), 20u);
  EXPECT_EQ(outbox->waiting_segments(0, base().epoch), 2u);
  EXPECT_FALSE(outbox->waits_for(0, base()));
}

TEST_F(OutboxTest, ObjectThatWasReplacedOnItsWayGoesAgain) {
  const auto outbox = open(1);
  add(*outbox, segment(0));
  const OutboxObject under_way = *next(*outbox, 0);
  add(*outbox, segment(0), 20);

  outbox->done(0, under_way);

  ASSERT_TRUE(next(*outbox, 0));
  EXPECT_EQ(next(*outbox, 0)->size_bytes, 20u);
}

TEST_F(OutboxTest, BeyondTheBoundAMirrorIsLostUntilItIsRegained) {
  const auto outbox = open(2, 100);
  add(*outbox, base(), 5000);     // counts nothing
  add(*outbox, segment(0), 300);  // alone as large as it must be
  EXPECT_FALSE(outbox->lost(0));
  outbox->done(0, *next(*outbox, 0));
  outbox->done(0, *next(*outbox, 0));
  add(*outbox, segment(300));

  EXPECT_FALSE(outbox->lost(0));
  EXPECT_TRUE(outbox->lost(1));
  EXPECT_FALSE(outbox->all_lost());
  EXPECT_FALSE(next(*outbox, 1));
  EXPECT_TRUE(next(*outbox, 0));
  outbox->regained(1);
  add(*outbox, segment(310));
  EXPECT_EQ(next(*outbox, 1)->name, segment(310));
}

TEST_F(OutboxTest, WhatIsLeftWaitsForEveryMirrorAfterARestart) {
  {
    const auto outbox = open(1);
    add(*outbox, base());
    add(*outbox, segment(0));
  }
  const auto outbox = open(2);
  EXPECT_EQ(next(*outbox, 1)->name, base());
  EXPECT_EQ(outbox->waiting_bytes(0), 20u);
}

TEST_F(OutboxTest, WhatIsNotWantedIsRemoved) {
  {
    const auto outbox = open(1);
    add(*outbox, segment(0, 3));
    add(*outbox, base(4));
  }
  const auto outbox = open(1, 1000, 3);

  EXPECT_EQ(outbox->epoch_highest(), 4u);
  EXPECT_EQ(next(*outbox, 0)->name, segment(0, 3));
  EXPECT_THAT(require_ok(outbox->store().list()), SizeIs(1));
}

TEST_F(OutboxTest, DroppedObjectsWaitForNobody) {
  const auto outbox = open(1);
  add(*outbox, base());
  outbox->drop(base());

  EXPECT_FALSE(next(*outbox, 0));
  EXPECT_THAT(require_ok(outbox->store().list()), IsEmpty());
  EXPECT_TRUE(outbox->wait_until_taken(0, env_.clock().mono_now()));
}

}  // namespace
}  // namespace dsl::replica
