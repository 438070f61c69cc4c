#include "mcns/service/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/net/sockets.h"
#include "mcns/store/schema.h"
#include "mcns/writer/writer.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using ::testing::HasSubstr;
using ::testing::Not;

// A port that is free for UDP may be another program's for TCP: then the next one.
std::vector<net::DnsSocket> any_sockets() {
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    if (auto sockets = net::bind_sockets({"127.0.0.1:0"}, 1)) {
      return std::move(*sockets);
    }
  }
  return require_ok(net::bind_sockets({"127.0.0.1:0"}, 1));
}

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() {
    env_.use_real_files();
    env_.use_real_clock();
    database_ = require_ok(dsl::db::Database::open(env_, folder_.file("mcns.db"),
                                                   {.migrations = store::migrations()}));
    writer_ = require_ok(Writer::open(env_, *database_, zones_, {}));
    cache_ = Cache::make({}, 1);
    forwarder_ = require_ok(Forwarder::start(env_, *cache_, {}));
    parts_ = std::make_unique<ResolverParts>(ResolverParts{
        .zones = zones_,
        .cache = *cache_,
        .forwarder = forwarder_.get(),
        .rules = ResolverRules{.allow_recursion = require_ok(Prefixes::parse({"private"}))}});
    dns_ = require_ok(net::Server::start({}, *parts_, any_sockets()));
    add_metrics(registry_, {.dns = *dns_,
                            .cache = *cache_,
                            .zones = zones_,
                            .forwarder = *forwarder_,
                            .writer = *writer_,
                            .events = events_,
                            .recorder = nullptr,
                            .clock = env_.clock()});
  }

  void create_zone() {
    require_ok(writer_->create_zone(author_,
                                    {.origin = origin_,
                                     .soa = {.primary_ns = require_ok(origin_.child("ns1")),
                                             .admin_email = require_ok(origin_.child("admin"))}},
                                    {}));
  }

  const Author author_{.account = "admin", .may_touch_others = true};
  const Name origin_ = require_ok(Name::parse("example.test."));
  dsl::test::TempDir folder_{dsl::test::TempDir::Where::kMemory};
  dsl::test::TestEnv env_;
  std::unique_ptr<dsl::db::Database> database_;
  zone::Store zones_;
  std::unique_ptr<Writer> writer_;
  QueryEvents events_{dsl::env::system_env().clock()};
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<ResolverParts> parts_;
  std::unique_ptr<net::Server> dns_;
  dsl::metrics::Registry registry_{"mcns"};
};

TEST_F(MetricsTest, WhatOnlyGrowsIsACounter) {
  const std::string all = registry_.exposition();

  for (const char* name : {"query_paths_total", "dropped_total", "rrl_total", "cache_hits_total",
                           "cache_misses_total"}) {
    EXPECT_THAT(all, HasSubstr(dsl::text("# TYPE mc_mcns_{} counter\n", name)));
  }
  EXPECT_THAT(all, Not(::testing::ContainsRegex("# TYPE [a-z_]*_total gauge")));
}

TEST_F(MetricsTest, WritesTellHowLongTheyTook) {
  create_zone();

  const std::string all = registry_.exposition();
  for (const char* name : {"commit_seconds", "publish_seconds"}) {
    EXPECT_THAT(all, HasSubstr(dsl::text("# TYPE mc_mcns_{} histogram\n", name)));
    EXPECT_THAT(all, HasSubstr(dsl::text("mc_mcns_{}_count 1\n", name)));
    EXPECT_THAT(all, HasSubstr("mc_mcns_" + std::string(name) + "_bucket{le=\"+Inf\"} 1\n"));
  }
}

TEST_F(MetricsTest, ASerialAheadOfTheCalendarIsTold) {
  create_zone();
  EXPECT_THAT(registry_.exposition(),
              HasSubstr("mc_mcns_zone_serial_ahead_count{zone=\"example.test.\"} 0\n"));
  const auto serial = static_cast<std::uint32_t>(2'900'010'101);  // of a day that none of us sees
  require_ok(writer_->update_zone(author_, {.zone = origin_, .serial = serial}));

  EXPECT_THAT(registry_.exposition(),
              Not(HasSubstr("mc_mcns_zone_serial_ahead_count{zone=\"example.test.\"} 0\n")));
}

TEST_F(MetricsTest, EveryPathOfAnAnswerHasAHistogram) {
  const std::string all = registry_.exposition();

  for (const char* path : {"zone", "cache", "forward"}) {
    EXPECT_THAT(all,
                HasSubstr("mc_mcns_answer_seconds_count{path=\"" + std::string(path) + "\"} 0\n"));
  }
  EXPECT_THAT(all, HasSubstr("mc_mcns_answer_seconds_bucket{path=\"zone\",le=\"2.5e-07\"} 0\n"));
  EXPECT_THAT(all, HasSubstr("mc_mcns_query_events_lost_total{at=\"ring\"} 0\n"));
}

TEST_F(MetricsTest, AZoneThatIsDeletedIsNotTold) {
  create_zone();
  EXPECT_THAT(registry_.exposition(),
              HasSubstr("mc_mcns_zone_records_count{zone=\"example.test.\"} 2\n"));

  require_ok(writer_->delete_zone(author_, origin_, std::nullopt, false));

  EXPECT_THAT(registry_.exposition(), Not(HasSubstr("zone=\"example.test.\"")));
}

}  // namespace
}  // namespace mcns
