#include "dsl/metrics/metrics.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/metrics/sources.h"
#include "dsl/rpc/active_call.h"
#include "support/fake_exchange.h"
#include "support/result_matchers.h"

namespace dsl::metrics {
namespace {

using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::HasSubstr;
using testing::Not;

class Nowhere final : public rpc::MessageSink {
 public:
  Result<void> write(const rpc::Message&) override { return {}; }
};

TEST(CheckName, WantsWordsAndAUnit) {
  for (const char* bad :
       {"", "calls", "calls_", "_total", "Calls_total", "calls__total", "calls-total",
        "2calls_total", "calls_milliseconds", "calls_total_", "c\xc3\xa4lls_total"}) {
    EXPECT_THAT(check_name(bad), failed_with(Code::kInvalidArgument)) << bad;
  }
  for (const char* good : {"calls_total", "rpc_duration_seconds", "tls_certificate_expiry_days"}) {
    EXPECT_THAT(check_name(good), ok()) << good;
  }
}

TEST(RegistryDeathTest, AMistakeInTheProgramIsNoMetric) {
  Registry registry("test");
  auto& counter = registry.counter("calls_total", "Calls.", {"code"});

  EXPECT_DEATH(registry.counter("calls", "No unit."), "a metric is named");
  EXPECT_DEATH(registry.counter("calls_total", "Again."), "a metric is made once");
  EXPECT_DEATH(counter.add({"ok", "more"}), "a value for each of its labels");
}

TEST(Registry, BeyondTheBoundNewLabelSetsAreCountedAndNotKept) {
  Registry registry("test", 3);
  auto& counter = registry.counter("calls_total", "Calls.", {"caller"});

  for (int i = 0; i < 100; ++i) {
    counter.add({text("caller-{}", i)});
  }
  counter.add({"caller-1"});

  const std::string all = registry.exposition();
  EXPECT_THAT(all, HasSubstr("mc_test_calls_total{caller=\"caller-1\"} 2\n"));
  EXPECT_THAT(all, Not(HasSubstr("caller-3")));
  EXPECT_THAT(all, HasSubstr("mc_test_metrics_rejected_total 97\n"));
}

TEST(Registry, PrintsWhatItWasTold) {
  Registry registry("test");
  registry.counter("bytes_total", "Bytes sent.").add({}, 2.5);
  registry.gauge("queue_count", "Waiting.", {"name"}).set({"a \"b\"\n"}, 7);
  registry.histogram("took_seconds", "Time.", {"route"}, {0.1, 1}).observe({"/x"}, 0.5);
  registry.before_exposition(
      [&gauge = registry.gauge("free_bytes", "Room.")] { gauge.set({}, 9); });

  const std::string all = registry.exposition();

  for (const char* line :
       {"# HELP mc_test_bytes_total Bytes sent.\n", "# TYPE mc_test_bytes_total counter\n",
        "mc_test_bytes_total 2.5\n", "mc_test_queue_count{name=\"a \\\"b\\\"\\n\"} 7\n",
        "mc_test_took_seconds_bucket{route=\"/x\",le=\"0.1\"} 0\n",
        "mc_test_took_seconds_bucket{route=\"/x\",le=\"1\"} 1\n",
        "mc_test_took_seconds_bucket{route=\"/x\",le=\"+Inf\"} 1\n",
        "mc_test_took_seconds_count{route=\"/x\"} 1\n", "mc_test_free_bytes 9\n",
        "mc_test_build_info{"}) {
    EXPECT_THAT(all, HasSubstr(line));
  }
}

TEST(Registry, ACountOfSomebodyElsesIsShownAsACounterThatMayBeginAnew) {
  Registry registry("test");
  auto& counter = registry.counter("hits_total", "Hits.", {"of"});

  counter.show({"a"}, 5);
  counter.show({"a"}, 7);
  counter.show({"b"}, 5);
  counter.show({"b"}, 2);

  const std::string all = registry.exposition();
  EXPECT_THAT(all, HasSubstr("# TYPE mc_test_hits_total counter\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_hits_total{of=\"a\"} 7\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_hits_total{of=\"b\"} 2\n"));
}

TEST(Registry, AHistogramShowsWhatSomebodyElseHasCounted) {
  Registry registry("test");
  auto& took = registry.histogram("answer_seconds", "Time.", {"path"}, {0.5, 1});

  took.show({"a"}, {1, 2, 3}, 9);
  took.show({"a"}, {1, 4, 3}, 10.5);
  took.show({"b"}, {5, 0, 0}, 1);
  took.show({"b"}, {2, 0, 0}, 0.25);  // began anew

  const std::string all = registry.exposition();
  EXPECT_THAT(all, HasSubstr("mc_test_answer_seconds_bucket{path=\"a\",le=\"0.5\"} 1\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_answer_seconds_bucket{path=\"a\",le=\"1\"} 5\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_answer_seconds_bucket{path=\"a\",le=\"+Inf\"} 8\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_answer_seconds_sum{path=\"a\"} 10.5\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_answer_seconds_count{path=\"b\"} 2\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_answer_seconds_sum{path=\"b\"} 0.25\n"));
}

TEST(Registry, LabelSetsOfWhatIsGoneAreForgottenAndMakeRoom) {
  Registry registry("test", 2);
  auto& gauge = registry.gauge("size_bytes", "Size.", {"name"});
  gauge.set({"a"}, 1);
  gauge.set({"b"}, 2);

  gauge.keep_only({{"b"}, {"nobody"}});
  gauge.set({"c"}, 3);

  const std::string all = registry.exposition();
  EXPECT_THAT(all, Not(HasSubstr("name=\"a\"")));
  EXPECT_THAT(all, HasSubstr("mc_test_size_bytes{name=\"b\"} 2\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_size_bytes{name=\"c\"} 3\n"));
  EXPECT_THAT(all, Not(HasSubstr("nobody")));
}

TEST(Registry, ManyThreadsLoseNothing) {
  Registry registry("test");
  auto& counter = registry.counter("calls_total", "Calls.", {"code"});
  std::vector<std::thread> threads;

  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        counter.add({n % 2 == 0 ? "ok" : "internal"});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_THAT(registry.exposition(), HasSubstr("mc_test_calls_total{code=\"ok\"} 2000\n"));
}

TEST(Sources, TheProcessIsMeasured) {
  Registry registry("test");
  add_process(registry, env::system_env());

  const std::string all = registry.exposition();

  EXPECT_THAT(all, testing::ContainsRegex("\nmc_test_process_resident_memory_bytes [1-9]"));
  EXPECT_THAT(all, testing::ContainsRegex("\nmc_test_process_open_files_count [1-9]"));
  EXPECT_THAT(all, testing::ContainsRegex("\nmc_test_process_cpu_seconds_total [0-9]"));
  EXPECT_THAT(all, testing::ContainsRegex("\nmc_test_process_start_time_seconds [1-9]"));
}

TEST(Sources, CallsAreCountedByMethodAndCode) {
  Registry registry("test");
  const auto api = require_ok(rpc::Api::create(
      env::system_env(), rpc::MethodTable(), {.authenticate = [](const rpc::Peer&) {
        return Result<rpc::Caller>(fail(Code::kUnauthenticated, "nobody"));
      }}));
  add_rpc(registry, *api);

  rpc::ActiveCall call(env::system_env().clock(), {.method = "grpc.health.v1.Health.Check"});
  rpc::ActiveCall other(env::system_env().clock(), {.method = "evil.Method"});
  Nowhere sink;
  const rpc::Route* route = api->find(call.method());
  ASSERT_NE(route, nullptr);

  EXPECT_THAT(api->run(
                  call, *route, [](rpc::Message&) { return Result<void>(); }, sink),
              ok());
  (void)api->refuse(other, Error(Code::kUnimplemented, "no such method"));

  const std::string method = "method=\"grpc.health.v1.Health.Check\"";
  const std::string all = registry.exposition();
  EXPECT_THAT(all, HasSubstr("mc_test_rpc_calls_total{code=\"ok\"," + method + "} 1\n"));
  EXPECT_THAT(all, HasSubstr("mc_test_rpc_duration_seconds_count{" + method + "} 1\n"));
  EXPECT_THAT(all, HasSubstr("{code=\"unimplemented\",method=\"unknown\"} 1\n"));
  EXPECT_THAT(all, Not(HasSubstr("evil")));
}

TEST(Sources, RequestsAreCountedAndAStrangerChoosesNoLabel) {
  Registry registry("test");
  const auto done = add_http(registry);

  done({.method = "GET", .pattern = "/v1/x", .protocol = "h2", .status = 200});
  done({.method = "EVIL", .pattern = "", .protocol = "http/1.1", .status = 404});

  const std::string all = registry.exposition();
  EXPECT_THAT(all, HasSubstr("mc_test_http_requests_total{method=\"GET\",protocol=\"h2\","
                             "route=\"/v1/x\",status=\"200\"} 1\n"));
  EXPECT_THAT(all,
              HasSubstr("{method=\"any\",protocol=\"http/1.1\",route=\"none\",status=\"404\"}"));
  EXPECT_THAT(all, Not(HasSubstr("EVIL")));
}

TEST(Route, AnswersInTheTextFormat) {
  Registry registry("test");
  dsl::test::FakeExchange exchange("GET", "/metrics");

  route(registry, http::Access::kAdmin).handle(exchange);

  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.header_sent("content-type"), "text/plain; version=0.0.4");
  EXPECT_THAT(exchange.text(), HasSubstr("mc_test_build_info"));
}

}  // namespace
}  // namespace dsl::metrics
