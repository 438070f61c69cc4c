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
    add_metrics(registry_,
                {.dns = *dns_, .cache = *cache_, .zones = zones_, .forwarder = *forwarder_});
  }

  dsl::test::TempDir folder_{dsl::test::TempDir::Where::kMemory};
  dsl::test::TestEnv env_;
  std::unique_ptr<dsl::db::Database> database_;
  zone::Store zones_;
  std::unique_ptr<Writer> writer_;
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

TEST_F(MetricsTest, AZoneThatIsDeletedIsNotTold) {
  const Author author{.account = "admin", .may_touch_others = true};
  const Name origin = require_ok(Name::parse("example.test."));
  const auto row = [&] {
    return store::ZoneRow{.origin = origin,
                          .soa = {.primary_ns = require_ok(origin.child("ns1")),
                                  .admin_email = require_ok(origin.child("admin"))}};
  };
  require_ok(writer_->create_zone(author, row(), {}));
  EXPECT_THAT(registry_.exposition(),
              HasSubstr("mc_mcns_zone_records_count{zone=\"example.test.\"} 2\n"));

  require_ok(writer_->delete_zone(author, origin, std::nullopt, false));

  EXPECT_THAT(registry_.exposition(), Not(HasSubstr("zone=\"example.test.\"")));
}

}  // namespace
}  // namespace mcns
