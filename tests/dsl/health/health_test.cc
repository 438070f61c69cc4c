#include "dsl/health/health.h"

#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/health/probes.h"
#include "support/fake_exchange.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace dsl::health {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::FakeExchange;
using dsl::test::ManualClock;
using dsl::test::ok;
using testing::HasSubstr;

std::string ask(Health& health, int status) {
  FakeExchange exchange("GET", "/v1/ready");
  ready_route(health, http::Access::kPublic).handle(exchange);
  EXPECT_EQ(exchange.status(), status);
  EXPECT_EQ(exchange.header_sent("content-type"), "application/json");
  return exchange.text();
}

TEST(Health, ACheckThatFailsSaysWhyAndSinceWhen) {
  ManualClock clock;
  Health health(clock);
  bool broken = false;
  health.add("db", [] { return Result<void>(); });
  health.add("disk", [&]() -> Result<void> {
    if (broken) {
      return fail(Code::kNoSpace, "no \"room\" left");
    }
    return {};
  });
  EXPECT_TRUE(health.ready());

  broken = true;
  clock.advance(std::chrono::seconds(3));

  EXPECT_FALSE(health.ready());
  clock.advance(std::chrono::seconds(3));
  EXPECT_EQ(ask(health, 503), R"({"ready":false,"checks":[{"name":"db","state":"ok",)"
                              R"("since":"2026-01-01T00:00:00.000Z","message":""},{"name":"disk",)"
                              R"("state":"failing","since":"2026-01-01T00:00:03.000Z",)"
                              R"("message":"no \"room\" left"}]})"
                              "\n");
  broken = false;
  clock.advance(std::chrono::seconds(3));
  EXPECT_THAT(ask(health, 200), HasSubstr("\"since\":\"2026-01-01T00:00:09.000Z\""));
}

TEST(Health, AnswersAreKeptForTwoSeconds) {
  ManualClock clock;
  Health health(clock);
  int asked = 0;
  health.add("db", [&] {
    ++asked;
    return Result<void>();
  });

  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(health.ready());
  }
  EXPECT_EQ(asked, 1);
  clock.advance(std::chrono::seconds(2));
  EXPECT_TRUE(health.ready());
  EXPECT_EQ(asked, 2);
}

TEST(Health, AProbeThatHangsHoldsNobodyUpAndFailsAfterAWhile) {
  ManualClock clock;
  Health health(clock);
  std::promise<void> entered;
  std::promise<void> release;
  health.add("db", [&] {
    entered.set_value();
    release.get_future().wait();
    return Result<void>();
  });
  std::thread first([&] { (void)health.ready(); });
  entered.get_future().wait();

  EXPECT_THAT(ask(health, 503), HasSubstr(R"("state":"unknown")"));
  clock.advance(std::chrono::seconds(11));
  EXPECT_THAT(ask(health, 503), HasSubstr("has not answered for 10 s"));

  release.set_value();
  first.join();
  EXPECT_TRUE(health.ready());
}

TEST(Health, DrainingComesBeforeEverything) {
  ManualClock clock;
  Health health(clock);
  health.add("db", [] { return Result<void>(); });
  EXPECT_TRUE(health.ready());

  health.drain();

  EXPECT_FALSE(health.ready());
  EXPECT_THAT(ask(health, 503), HasSubstr(R"("checks":[{"name":"draining","state":"failing")"));
  FakeExchange live("GET", "/v1/health");
  live_route().handle(live);
  EXPECT_EQ(live.status(), 200);
}

TEST(DiskProbe, TellsTooLittleRoomFromNoPlace) {
  const dsl::test::TempDir dir;

  env::Env& env = env::system_env();
  EXPECT_THAT(disk_probe(env, dir.file("nothing"), 1)(), failed_with(Code::kNotFound));
  EXPECT_THAT(disk_probe(env, dir.path(), std::uint64_t{1} << 62)(), failed_with(Code::kNoSpace));
  EXPECT_THAT(disk_probe(env, dir.path(), 1)(), ok());
}

TEST(ClockProbe, FailsInThePast) {
  dsl::test::TestEnv env(1);
  env.manual_clock().set_wall(env::WallTime(std::chrono::hours(24 * 365)));  // 1971
  EXPECT_THAT(clock_probe(env)(), failed_saying(Code::kFailedPrecondition, "1971-01-01"));

  env.use_real_clock();
  EXPECT_THAT(clock_probe(env)(), ok());
}

class OneLeaf final : public tls::ServerCredentials {
 public:
  tls::Context current() const override { return {}; }
  Result<bool> reload() override { return false; }
  void on_change(std::function<void()>) override {}
  std::shared_ptr<const Material> material() const override { return {}; }
  Status status() const override {
    Status status;
    status.leaves.push_back(leaf);
    return status;
  }
  tls::Certificate leaf{.subject = "CN=rift"};
};

TEST(CertificateProbe, FailsBeforeTheEndAndBeforeTheBegin) {
  dsl::test::TestEnv env(1);
  OneLeaf credentials;
  const auto now = env.clock().now();
  const auto probe = certificate_probe(env, credentials, std::chrono::hours(48));

  credentials.leaf.not_before = now + std::chrono::hours(1);
  credentials.leaf.not_after = now + std::chrono::hours(100);
  EXPECT_THAT(probe(), failed_saying(Code::kFailedPrecondition, "CN=rift is valid only from"));
  credentials.leaf.not_before = now;
  credentials.leaf.not_after = now + std::chrono::hours(47);
  EXPECT_THAT(probe(), failed_saying(Code::kFailedPrecondition, "CN=rift ends at"));
  credentials.leaf.not_after = now + std::chrono::hours(49);
  EXPECT_THAT(probe(), ok());
}

}  // namespace
}  // namespace dsl::health
