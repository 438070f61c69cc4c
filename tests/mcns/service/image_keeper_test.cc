#include "mcns/service/image_keeper.h"

#include <atomic>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/rdata/rdata.h"
#include "support/memory_file_system.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Name kOrigin = Name::parse("example.test.").value();

dsl::Result<std::int64_t> unchanged() { return 1; }

class ImageKeeperTest : public ::testing::Test {
 protected:
  ImageKeeperTest() {
    env_.use_real_clock();
    touch_database("1");
  }

  void touch_database(std::string_view content) {
    require_ok(env_.files().make_directories("/srv", 0700));
    require_ok(env_.files().write_file("/srv/mcns.db", content));
  }
  static void set(zone::Store& store, std::uint32_t serial) {
    zone::Edit edit(store);
    if (store.is_empty()) {
      edit.create(1, kOrigin);
    }
    Soa soa;
    soa.serial = serial;
    edit.put(kOrigin, {kOrigin, Type::kSoa, 600, {soa.rdata()}});
    edit.publish();
  }
  std::unique_ptr<ImageKeeper> keeper(zone::Store& store) {
    return std::make_unique<ImageKeeper>(
        env_, store,
        ImageKeeper::Options{.database_path = "/srv/mcns.db",
                             .folder = "/srv/image",
                             .quiet = std::chrono::milliseconds(20),
                             .look = std::chrono::milliseconds(1)});
  }
  // A service that has zones, at serial 3, starts and ends.
  void run_and_end() {
    zone::Store store;
    set(store, 3);
    const auto keeper = this->keeper(store);
    keeper->start(unchanged);
    keeper->stop();
    keeper->finish();
  }
  std::vector<std::string> images() {
    return env_.files().list("/srv/image").value_or(std::vector<std::string>());
  }
  // Serials of what a start would read.
  std::vector<std::uint32_t> next_start() {
    zone::Store store;
    std::vector<std::uint32_t> out;
    for (const zone::ImageZone& zone : keeper(store)->load()) {
      out.push_back(zone.serial);
    }
    return out;
  }
  template <class Condition>
  static bool eventually(const Condition& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return condition();
  }

  dsl::test::TestEnv env_;
};

TEST_F(ImageKeeperTest, LeavesWhatTheNextStartReads) {
  EXPECT_THAT(next_start(), IsEmpty());
  run_and_end();

  EXPECT_THAT(next_start(), testing::ElementsAre(3U));
  EXPECT_THAT(images(), SizeIs(1));
}

TEST_F(ImageKeeperTest, IsNotTakenOnceTheDatabaseWasTouched) {
  run_and_end();

  touch_database("2");

  EXPECT_THAT(next_start(), IsEmpty());
}

TEST_F(ImageKeeperTest, OneThatWasNeverStartedLeavesTheImageAlone) {
  run_and_end();
  zone::Store nothing;

  this->keeper(nothing)->finish();

  EXPECT_THAT(next_start(), testing::ElementsAre(3U));
}

TEST_F(ImageKeeperTest, FollowsTheZonesAndTheFilesWhileItRuns) {
  zone::Store store;
  set(store, 3);
  const auto keeper = this->keeper(store);
  keeper->start(unchanged);
  EXPECT_TRUE(eventually([&] { return next_start() == std::vector<std::uint32_t>{3}; }));

  set(store, 4);
  touch_database("2");
  EXPECT_TRUE(eventually([&] { return next_start() == std::vector<std::uint32_t>{4}; }));

  touch_database("3");  // as a checkpoint does
  EXPECT_TRUE(eventually([&] { return next_start() == std::vector<std::uint32_t>{4}; }));
  keeper->stop();
  EXPECT_THAT(images(), SizeIs(1));
}

// A crash soon after an upgrade is to find an image that the new build reads.
TEST_F(ImageKeeperTest, TheFirstIsWrittenAtTheFirstLookAndTheNextWhenAllIsQuiet) {
  zone::Store store;
  set(store, 3);
  ImageKeeper keeper(env_, store,
                     {.database_path = "/srv/mcns.db",
                      .folder = "/srv/image",
                      .quiet = std::chrono::hours(1),
                      .age = std::chrono::hours(1),
                      .look = std::chrono::milliseconds(20)});
  keeper.start(unchanged);
  EXPECT_TRUE(eventually([&] { return next_start() == std::vector<std::uint32_t>{3}; }));

  set(store, 4);
  touch_database("2");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_THAT(next_start(), IsEmpty());
  keeper.stop();
}

TEST_F(ImageKeeperTest, SaysWhyTheLastCannotBeTaken) {
  zone::Store nothing;
  EXPECT_THAT(keeper(nothing)->load_last(), dsl::test::failed_with(dsl::Code::kNotFound));
  run_and_end();
  const std::string path = "/srv/image/" + images().at(0);
  require_ok(env_.files().write_file(path, "too short for one"));

  const auto loaded = keeper(nothing)->load_last();

  ASSERT_THAT(loaded, dsl::test::failed_with(dsl::Code::kDataLoss));
  EXPECT_THAT(loaded.error().message(), testing::HasSubstr("the image of the zones is damaged"));
}

TEST_F(ImageKeeperTest, OfADatabaseThatSomebodyElseHasChangedThereIsNone) {
  zone::Store store;
  set(store, 3);
  std::atomic<std::int64_t> version{1};
  const auto keeper = this->keeper(store);
  keeper->start([&]() -> dsl::Result<std::int64_t> { return version.load(); });
  EXPECT_TRUE(eventually([&] { return next_start() == std::vector<std::uint32_t>{3}; }));

  version = 2;
  touch_database("2");
  EXPECT_TRUE(eventually([&] { return images().empty(); }));
  keeper->stop();
  keeper->finish();

  EXPECT_THAT(images(), IsEmpty());
}

TEST_F(ImageKeeperTest, AStoreThatNeverHadZonesLeavesTheLastImageAlone) {
  run_and_end();
  touch_database("");  // lost
  zone::Store nothing;
  const auto keeper = this->keeper(nothing);
  EXPECT_THAT(keeper->load(), IsEmpty());
  EXPECT_TRUE(keeper->has_zones());
  keeper->start(unchanged);
  keeper->stop();
  keeper->finish();

  EXPECT_THAT(images(), SizeIs(1));
  zone::Store again;
  require_ok(this->keeper(again)->load_last());
  EXPECT_FALSE(again.is_empty());
}

TEST_F(ImageKeeperTest, RemovesNothingThatIsNotItsOwn) {
  require_ok(env_.files().make_directories("/srv/image", 0700));
  require_ok(env_.files().write_file("/srv/image/README", "mine"));
  run_and_end();

  EXPECT_THAT(images(), testing::Contains("README"));
}

}  // namespace
}  // namespace mcns
