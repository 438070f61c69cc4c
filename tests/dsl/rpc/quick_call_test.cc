// Unary calls that run on gRPC's own thread, and what happens when one of them is slow after all.
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include "dsl/rpc/client.h"
#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/pace.h"
#include "dsl/rpc/served_echo.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::TempDir;

constexpr char kEcho[] = "dsl.rpc.test.EchoService.Echo";
constexpr char kPublic[] = "dsl.rpc.test.EchoService.Public";
constexpr char kHangStream[] = "dsl.rpc.test.EchoService.HangStream";

TEST(Pace, IsQuickAfterManyQuickRunsAndNoLongerAfterOneSlowOne) {
  Pace pace;
  for (int i = 0; i < Pace::kRuns; ++i) {
    EXPECT_FALSE(pace.quick());
    pace.ran(std::chrono::microseconds(1));
  }
  EXPECT_TRUE(pace.quick());

  pace.ran(Pace::kQuick);

  EXPECT_FALSE(pace.quick());
}

// Echo answers with the name of its thread, until it is told to hang; Public answers always.
class QuickCall : public testing::Test {
 protected:
  QuickCall() {
    MethodTable table;
    table.add<EchoRequest, EchoReply>(kEcho, [this](CallContext& call, const EchoRequest& request) {
      return echo(call, request);
    });
    table.add<EchoRequest, EchoReply>(
        kPublic, [](CallContext&, const EchoRequest&) { return Result<EchoReply>(EchoReply()); });
    table.add_stream<EchoRequest, EchoReply>(
        kHangStream, [](CallContext&, const EchoRequest&, Writer<EchoReply>& out) {
          return out.write(EchoReply());
        });
    ServerOptions options;
    options.local_socket = dir_.file("rpc.sock");
    ApiOptions access;
    access.authenticate = authenticate;
    auto api = require_ok(Api::create(env::system_env(), std::move(table), std::move(access)));
    server_ = require_ok(Server::start(env::system_env(), std::move(api), options));
    channel_ = Channel::open("unix:" + dir_.file("rpc.sock"));
  }
  ~QuickCall() override { release(); }

  Result<EchoReply> echo(CallContext&, const EchoRequest& request) {
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    if (request.text() == "hang") {
      std::unique_lock lock(mutex_);
      hanging_on_ = name;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
    }
    EchoReply reply;
    reply.set_text(name);
    return reply;
  }
  Result<EchoReply> call(const std::string& text) {
    EchoRequest request;
    request.set_text(text);
    return channel_->call<EchoReply>(kEcho, request);
  }
  // Calls until the handler runs on a thread that is no worker's; false when it never does.
  bool becomes_quick() {
    for (int i = 0; i < 100 * Pace::kRuns; ++i) {
      if (require_ok(call("")).text() != "rpc-worker") {
        return true;
      }
    }
    return false;
  }
  std::string wait_hanging() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !hanging_on_.empty(); });
    return hanging_on_;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  TempDir dir_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string hanging_on_;  // guarded by mutex_: the name of the thread
  bool released_ = false;   // guarded by mutex_
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_;
};

TEST_F(QuickCall, AMethodThatWasNeverCalledRunsOnAWorker) {
  EXPECT_EQ(require_ok(call("")).text(), "rpc-worker");
}

TEST_F(QuickCall, AQuickMethodThatHangsHoldsUpNobody) {
  ASSERT_TRUE(becomes_quick());
  auto hanging = std::async(std::launch::async, [this] { return call("hang"); });
  const std::string thread = wait_hanging();

  // Many more than gRPC has threads, on the same connection and on others.
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(require_ok(call("")).text(), "rpc-worker");
    const auto other = Channel::open("unix:" + dir_.file("rpc.sock"));
    EXPECT_THAT(other->call<EchoReply>(kPublic, EchoRequest()), ok());
    int messages = 0;
    EXPECT_THAT(other->stream<EchoReply>(kHangStream, EchoRequest(),
                                         [&](const EchoReply&) {
                                           ++messages;
                                           return Result<void>();
                                         }),
                ok());
    EXPECT_EQ(messages, 1);
  }
  release();

  EXPECT_NE(thread, "rpc-worker");
  EXPECT_THAT(hanging.get(), ok());
  EXPECT_EQ(require_ok(call("")).text(), "rpc-worker");  // it has to show its pace anew
}

TEST_F(QuickCall, StopWaitsForItToo) {
  ASSERT_TRUE(becomes_quick());
  auto hanging = std::async(std::launch::async, [this] { return call("hang"); });
  ASSERT_NE(wait_hanging(), "");

  auto stopped =
      std::async(std::launch::async, [this] { server_->stop(std::chrono::milliseconds(1)); });
  EXPECT_EQ(stopped.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  release();
  stopped.get();

  (void)hanging.get();  // answered or cancelled; either way it is over
}

}  // namespace
}  // namespace dsl::rpc::test
