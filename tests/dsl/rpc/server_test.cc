// The server's bounds and its end.
#include "dsl/rpc/server.h"

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/client.h"
#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/served_echo.h"
#include "grpc/health/v1/health.pb.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

constexpr char kEcho[] = "dsl.rpc.test.EchoService.Echo";
constexpr char kPublic[] = "dsl.rpc.test.EchoService.Public";
constexpr char kHang[] = "dsl.rpc.test.EchoService.Hang";
constexpr char kHangStream[] = "dsl.rpc.test.EchoService.HangStream";

ServerOptions small() {
  ServerOptions options;
  options.workers = 1;
  options.queue_max = 1;
  options.streams_max = 2;
  return options;
}

// Calls that hang until the object goes.
class Hanging {
 public:
  Hanging(const std::string& address, int unary, int streams) {
    for (int i = 0; i < unary + streams; ++i) {
      threads_.emplace_back([this, address, stream = i >= unary] {
        CallOptions options;
        options.timeout = std::chrono::milliseconds(0);
        options.cancelled = [this] { return stop_.load(); };
        const auto channel = Channel::open(address);
        const Result<void> result =
            stream ? channel->stream<EchoReply>(
                         kHangStream, EchoRequest(),
                         [](const EchoReply&) { return Result<void>(); }, options)
                   : call(*channel, options);
        const std::lock_guard lock(mutex_);
        ended_.push_back(result ? "ok" : std::string(code_info(result.error().code()).name));
      });
    }
  }
  ~Hanging() { stop(); }
  std::vector<std::string> stop() {
    stop_ = true;
    return join();
  }
  std::vector<std::string> join() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
    return ended_;
  }

 private:
  static Result<void> call(Channel& channel, const CallOptions& options) {
    MC_TRY(channel.call<EchoReply>(kHang, EchoRequest(), options));
    return {};
  }

  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::string> ended_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

TEST(Server, RefusesToServePlainBeyondLoopback) {
  EchoService service;
  ServerOptions options;
  for (const char* address : {"0.0.0.0:0", "192.0.2.1:0", "[::]:0", "localhost", ""}) {
    options.tcp = {address};
    EXPECT_THAT(Server::start(env::system_env(), make_api(service.table()), options),
                failed_saying(Code::kInvalidArgument, "only loopback"))
        << address;
  }
}

TEST(Server, NamesAPortThatIsBusy) {
  ServedEcho first;
  EchoService service;
  ServerOptions options;
  options.tcp = {first.tcp()};

  EXPECT_THAT(Server::start(env::system_env(), make_api(service.table()), options),
              failed_saying(Code::kInternal,
                            "cannot listen on " + first.tcp() + ": Address already in use"));
}

TEST(Server, LongStreamsDoNotStarveUnaryCalls) {
  ServedEcho echo(small());
  const Hanging streams(echo.local(), 0, 2);
  ASSERT_TRUE(echo.service().wait_hanging(2));
  const auto channel = Channel::open(echo.local());

  EXPECT_THAT(channel->call<EchoReply>(kEcho, EchoRequest()), ok());
  EXPECT_THAT(channel->stream<EchoReply>(kHangStream, EchoRequest(),
                                         [](const EchoReply&) { return Result<void>(); }),
              failed_with(Code::kRateLimited));
}

TEST(Server, UnaryCallsBeyondWorkersAndQueueAreRefused) {
  ServedEcho echo(small());
  Hanging calls(echo.local(), 4, 0);
  ASSERT_TRUE(echo.service().wait_hanging(1));

  // One runs, one waits; a third may only have been refused.
  const auto channel = Channel::open(echo.local());
  std::string seen;
  CallOptions options;
  options.timeout = std::chrono::milliseconds(2000);
  while (seen != "rate_limited") {
    const auto reply = channel->call<EchoReply>(kEcho, EchoRequest(), options);
    ASSERT_FALSE(reply);
    seen = code_info(reply.error().code()).name;
  }
  const std::vector<std::string> ended = calls.stop();

  EXPECT_THAT(ended, testing::Contains("cancelled"));
  EXPECT_THAT(ended, testing::Contains("rate_limited"));
}

TEST(Server, ACallWithoutADeadlineGetsTheDefault) {
  ServedEcho echo({}, {.deadline_default = std::chrono::milliseconds(50)});
  CallOptions patient;
  patient.timeout = std::chrono::milliseconds(0);

  EXPECT_THAT(Channel::open(echo.local())->call<EchoReply>(kHang, EchoRequest(), patient),
              failed_with(Code::kDeadlineExceeded));
}

TEST(Server, StopLetsRunningCallsEndAndRefusesNewOnes) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());
  Hanging calls(echo.local(), 1, 0);
  ASSERT_TRUE(echo.service().wait_hanging(1));

  auto stopped =
      std::async(std::launch::async, [&] { echo.server().stop(std::chrono::seconds(20)); });
  while (channel->call<EchoReply>(kEcho, EchoRequest())) {
    std::this_thread::yield();
  }
  EXPECT_THAT(channel->call<EchoReply>(kEcho, EchoRequest()), failed_with(Code::kUnavailable));
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  calls.stop();

  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(Server, StopCancelsWhatRunsBeyondTheGrace) {
  ServedEcho echo;
  Hanging calls(echo.local(), 1, 1);
  ASSERT_TRUE(echo.service().wait_hanging(2));

  echo.server().stop(std::chrono::milliseconds(20));

  EXPECT_TRUE(echo.service().wait_cancelled(2));
  EXPECT_THAT(calls.join(), testing::Not(testing::Contains("ok")));
}

// A client that is told CANCELLED takes it for its own doing, and does not come again.
TEST(Server, WhoMeetsTheEndIsToldToComeAgain) {
  constexpr int kEnds = 40;
  std::map<std::string, int> seen;
  std::mutex mutex;
  for (int i = 0; i < kEnds; ++i) {
    ServedEcho echo;
    std::atomic<bool> ended{false};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&, caller, address = caller % 2 == 0 ? echo.tcp() : echo.local()] {
        const auto kept = Channel::open(address);
        while (!ended) {
          const auto fresh = caller < 2 ? Channel::open(address) : nullptr;
          const auto reply = (fresh ? *fresh : *kept).call<EchoReply>(kPublic, EchoRequest());
          const std::lock_guard lock(mutex);
          ++seen[reply ? "ok" : std::string(code_info(reply.error().code()).name)];
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + i % 7));
    echo.server().stop(std::chrono::seconds(5));
    ended = true;
    for (std::thread& caller : callers) {
      caller.join();
    }
  }
  EXPECT_GT(seen["ok"], 0);
  EXPECT_GT(seen["unavailable"], 0);
  EXPECT_EQ(seen.size(), 2U) << testing::PrintToString(seen);
}

TEST(Server, HealthFollowsReadiness) {
  using Request = ::grpc::health::v1::HealthCheckRequest;
  using Response = ::grpc::health::v1::HealthCheckResponse;
  std::atomic<bool> ready{false};
  ServedEcho echo({}, {.ready = [&] { return ready.load(); }});
  const auto channel = Channel::open(echo.tcp());

  EXPECT_EQ(require_ok(channel->call<Response>("grpc.health.v1.Health.Check", Request())).status(),
            Response::NOT_SERVING);
  ready = true;
  EXPECT_EQ(require_ok(channel->call<Response>("grpc.health.v1.Health.Check", Request())).status(),
            Response::SERVING);
}

}  // namespace
}  // namespace dsl::rpc::test
