// Records that go when nobody renews them.
#include <chrono>
#include <functional>
#include <thread>

#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

using std::chrono::seconds;

class LeaseTest : public WriterTest {
 protected:
  LeaseTest() { require_ok(create()); }

  Operation leasing(std::string_view text, seconds lease) const {
    Operation out = adding(text);
    out.lease = lease;
    return out;
  }
  // The writer looks by itself; false after 20 s.
  static bool becomes(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) {
        return false;
      }
      std::this_thread::yield();
    }
    return true;
  }
  std::size_t served() { return content().size() - 1; }  // without the NS
};

TEST_F(LeaseTest, ImpossibleLeasesAreRefused) {
  EXPECT_THAT(apply(leasing("a A 192.0.2.1", seconds(0))),
              failed_saying(Code::kInvalidArgument, "lease_seconds"));
  EXPECT_THAT(apply(leasing("a A 192.0.2.1", seconds(1LL << 40))),
              failed_saying(Code::kInvalidArgument, "lease_seconds"));
  EXPECT_THAT(apply(leasing("@ NS ns2", seconds(60))),
              failed_saying(Code::kInvalidArgument, "must stay"));
}

TEST_F(LeaseTest, EndsInANormalTransaction) {
  require_ok(apply({leasing("a A 192.0.2.1", seconds(60)), leasing("b A 192.0.2.1", seconds(60)),
                    leasing("c A 192.0.2.1", seconds(600)), adding("d A 192.0.2.1")}));
  const std::uint32_t before = serial();

  env_.manual_clock().advance(seconds(61));

  ASSERT_TRUE(becomes([&] { return served() == 2; }));
  EXPECT_EQ(serial(), before + 1) << "both in one";
  EXPECT_EQ(content(), rebuilt(origin_));
  EXPECT_EQ(history(origin_).back(), "-b 300 A 192.0.2.1 mcns lease");

  env_.manual_clock().advance(seconds(600));
  EXPECT_TRUE(becomes([&] { return served() == 1; }));
}

TEST_F(LeaseTest, IsRenewedByTheSameWriteWithoutASerial) {
  require_ok(apply(leasing("a A 192.0.2.1", seconds(60))));
  const std::uint32_t before = serial();
  for (int i = 0; i < 5; ++i) {
    env_.manual_clock().advance(seconds(40));
    const Outcome renewed = require_ok(apply(leasing("a A 192.0.2.1", seconds(60))));
    EXPECT_FALSE(renewed.changed);
    EXPECT_TRUE(renewed.records.at(0).lease_expires_at.has_value());
  }
  EXPECT_EQ(serial(), before);
  EXPECT_EQ(served(), 1u);
  env_.manual_clock().advance(seconds(61));
  EXPECT_TRUE(becomes([&] { return served() == 0; }));
}

TEST_F(LeaseTest, WriteWithoutOneKeepsTheRecordForGood) {
  require_ok(apply(leasing("a A 192.0.2.1", seconds(60))));
  EXPECT_FALSE(require_ok(add("a A 192.0.2.1")).changed);
  require_ok(apply(leasing("b A 192.0.2.1", seconds(60))));
  env_.manual_clock().advance(seconds(61));
  EXPECT_TRUE(becomes([&] { return served() == 1; }));
  EXPECT_THAT(add("a A 192.0.2.1"), failed_with(Code::kAlreadyExists));
}

TEST_F(LeaseTest, ChangeKeepsItEndsItOrBringsNoneBack) {
  const std::int64_t id = require_ok(apply(leasing("a A 192.0.2.1", seconds(60)))).records[0].id;
  Operation slower = changing(id, "a 60 A 192.0.2.1", false);
  slower.keeps_lease = true;
  const Outcome kept = require_ok(apply(slower));
  EXPECT_EQ(kept.records[0].lease_expires_at, env_.clock().now() + seconds(60));
  const Outcome ended = require_ok(apply(changing(id, "a A 192.0.2.1", false)));
  EXPECT_FALSE(ended.records[0].lease_expires_at.has_value());
  Operation renewed = changing(id, "a A 192.0.2.1", false);
  renewed.lease = seconds(30);
  require_ok(apply(renewed));

  env_.manual_clock().advance(seconds(31));

  ASSERT_TRUE(becomes([&] { return served() == 0; }));
  EXPECT_THAT(apply(slower), failed_with(Code::kNotFound));
  EXPECT_EQ(served(), 0u);
}

TEST_F(LeaseTest, IsKeptOverARestart) {
  require_ok(apply(leasing("a A 192.0.2.1", seconds(60))));
  env_.manual_clock().advance(seconds(30));
  open();
  EXPECT_EQ(served(), 1u);
  env_.manual_clock().advance(seconds(31));
  EXPECT_TRUE(becomes([&] { return served() == 0; }));
}

TEST_F(LeaseTest, WaitsWhileWritesArePaused) {
  require_ok(apply(leasing("a A 192.0.2.1", seconds(60))));
  writer_->pause();
  env_.manual_clock().advance(seconds(61));
  EXPECT_THAT(add("b A 192.0.2.1"), failed_with(Code::kUnavailable));
  EXPECT_EQ(served(), 1u);
  writer_->resume();
  env_.manual_clock().advance(seconds(1));
  EXPECT_TRUE(becomes([&] { return served() == 0; }));
  EXPECT_THAT(add("b A 192.0.2.1"), ok());
}

}  // namespace
}  // namespace mcns::writer
