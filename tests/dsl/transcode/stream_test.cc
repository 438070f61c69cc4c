// Server streams as lines and as events.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/transcode/shop.h"
#include "support/test_env.h"

namespace dsl::transcode::test {
namespace {

using dsl::test::FakeExchange;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kPattern[] = "/v1/stream";

class Streams : public testing::TestWithParam<bool> {
 protected:
  bool events() const { return GetParam(); }
  std::unique_ptr<FakeExchange> exchange(const std::string& query,
                                         const std::string& token = "secret") {
    auto made = std::make_unique<FakeExchange>("GET", "/v1/stream?" + query);
    made->request_headers = {{"authorization", "Bearer " + token}};
    if (events()) {
      made->request_headers.emplace_back("accept", "text/html, text/event-stream;q=0.9");
    }
    return made;
  }

  Shop shop_;
  std::shared_ptr<rpc::Api> api_ = shop_.api();
};

TEST_P(Streams, AnErrorBeforeTheFirstMessageHasAStatus) {
  for (const auto& [query, token, status] :
       {std::tuple("count=x", "secret", 400), std::tuple("", "stolen", 401),
        std::tuple("", "guest", 403), std::tuple("fail_with=not_found", "secret", 404)}) {
    const auto call = exchange(query, token);
    serve(api_, kPattern, *call);
    EXPECT_EQ(call->status(), status) << query;
    EXPECT_EQ(call->header_sent("content-type"), "application/json");
    EXPECT_THAT(call->text(), HasSubstr(R"("request_id":"r-1")"));
  }
}

TEST_P(Streams, AnErrorAfterTheFirstMessageIsTheEnd) {
  const auto call = exchange("count=1&fail_with=conflict");

  serve(api_, kPattern, *call);

  EXPECT_EQ(call->status(), 200);
  const std::string error = R"({"error":"as you wish","code":"conflict","id":"SHOP-1",)"
                            R"("hint":"wish for something else","details":[{"where":"shelf[0]",)"
                            R"("message":"is empty"}],"request_id":"r-1"})";
  EXPECT_EQ(call->text(), events()
                              ? "data: {\"number\":\"0\"}\n\nevent: error\ndata: " + error + "\n\n"
                              : "{\"number\":\"0\"}\n" + error + "\n");
}

TEST_P(Streams, EachMessageIsAPieceOfItsOwn) {
  const auto call = exchange("count=3");

  serve(api_, kPattern, *call);

  EXPECT_EQ(call->status(), 200);
  EXPECT_EQ(call->header_sent("content-type"),
            events() ? "text/event-stream" : "application/x-ndjson");
  EXPECT_EQ(call->pieces(), 3);
  EXPECT_EQ(call->text(), events()
                              ? "data: {\"number\":\"0\"}\n\ndata: {\"number\":\"1\"}\n\n"
                                "data: {\"number\":\"2\"}\n\n"
                              : "{\"number\":\"0\"}\n{\"number\":\"1\"}\n{\"number\":\"2\"}\n");
}

TEST_P(Streams, AStreamWithoutMessagesIsAnEmptyAnswer) {
  const auto call = exchange("");

  serve(api_, kPattern, *call);

  EXPECT_EQ(call->status(), 200);
  EXPECT_EQ(call->text(), "");
}

TEST_P(Streams, TheHandlerSeesThatItsClientHasGone) {
  const auto call = exchange("count=1&hang=true");
  std::thread server([&] { serve(api_, kPattern, *call); });
  ASSERT_TRUE(call->wait_for("number"));

  call->go_away();
  server.join();

  EXPECT_TRUE(shop_.seen_gone);
}

INSTANTIATE_TEST_SUITE_P(Form, Streams, testing::Bool(),
                         [](const auto& form) { return form.param ? "Events" : "Lines"; });

TEST(Events, ASilentHandlerIsBridgedByComments) {
  dsl::test::TestEnv env(1);
  Shop shop;
  const auto api = shop.api(env);
  FakeExchange call("GET", "/v1/stream?hang=true");
  call.request_headers = {{"authorization", "Bearer secret"}, {"accept", "text/event-stream"}};
  std::thread server([&] { serve(api, kPattern, call); });

  env.manual_clock().await_waiters(1);
  env.manual_clock().advance(std::chrono::seconds(15));
  EXPECT_TRUE(call.wait_for(":\n\n"));
  EXPECT_EQ(call.header_sent("content-type"), "text/event-stream");
  env.manual_clock().await_waiters(1);
  env.manual_clock().advance(std::chrono::seconds(15));
  EXPECT_TRUE(call.wait_for(":\n\n:\n\n"));
  while (!shop.hanging) {
    std::this_thread::yield();  // a client that goes earlier keeps the handler from being called
  }

  call.go_away();
  server.join();
  EXPECT_TRUE(shop.seen_gone);
}

}  // namespace
}  // namespace dsl::transcode::test
