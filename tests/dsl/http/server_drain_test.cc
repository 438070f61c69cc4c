// Stopping a server: what was accepted is answered.
#include <thread>

#include "dsl/env/socket_address.h"
#include "dsl/http/client.h"
#include "dsl/http/h2_frames.h"
#include "dsl/http/raw_client.h"
#include "dsl/http/sample_server.h"
#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

using namespace std::chrono_literals;
using dsl::test::require_ok;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// Stops on a thread of its own, as a signal handler's owner does.
class Stopping {
 public:
  explicit Stopping(Server& server, std::chrono::milliseconds grace = 20s)
      : thread_([&server, grace] { server.stop(grace); }) {}
  ~Stopping() { join(); }
  void join() {
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  std::thread thread_;
};

TEST(Drain, CallAtWorkIsAnsweredAndItsConnectionClosed) {
  SampleServer server;
  RawClient client(server.address());
  client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(server.arrived.wait());

  Stopping stopping(server.server());
  while (server.curl({}, "/hello") == "hello") {
    // not stopping yet
  }
  server.go.open();
  const std::string response = client.rest();

  EXPECT_THAT(response, EndsWith("\r\n\r\nwaited"));
  EXPECT_THAT(response, HasSubstr("connection: close\r\n"));
}

TEST(Drain, StreamWithoutEndIsToldAndEndsInOrder) {
  SampleServer server;
  RawClient client(server.address());
  client.send("GET /ticks HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(server.arrived.wait());

  Stopping stopping(server.server());

  EXPECT_THAT(client.rest(), EndsWith("4\r\nend\n\r\n0\r\n\r\n"));
}

TEST(Drain, Http2FinishesItsStreamsAfterGoaway) {
  SampleServer server;
  RawClient client(server.address());
  client.send(h2_hello() + h2_get(1, "/wait"));
  ASSERT_TRUE(server.arrived.wait());

  Stopping stopping(server.server());
  // The first GOAWAY says that an end is near; a stream that was on its way is still taken.
  client.until(std::string("\x7f\xff\xff\xff\0\0\0\0", 8));
  client.send(h2_get(3, "/hello"));
  client.until("hello");
  // The second one names the last stream.
  client.until(std::string("\0\0\0\x03\0\0\0\0", 8));
  server.go.open();

  EXPECT_THAT(client.rest(), HasSubstr("waited"));
  EXPECT_TRUE(client.closed());
}

TEST(Drain, GraceThatIsOverCutsAndTheHandlerSeesIt) {
  SampleServer server;
  RawClient client(server.address());
  client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(server.arrived.wait());
  {
    Stopping stopping(server.server(), 10ms);
    client.rest();
    EXPECT_TRUE(client.closed());
    server.go.open();
  }

  EXPECT_TRUE(server.ended.wait());
  EXPECT_EQ(server.done(1).back(), "GET /wait 499 http/1.1");
}

TEST(Drain, IdleConnectionsDoNotHoldItUp) {
  SampleServer server;
  RawClient idle(server.address());
  idle.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_THAT(idle.response(), EndsWith("hello"));

  const auto begun = std::chrono::steady_clock::now();
  server.server().stop(20s);

  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  idle.rest();
  EXPECT_TRUE(idle.closed());
}

// Clients that send one request after another until they are turned away at the door.
class DrainUnderLoad : public ::testing::TestWithParam<bool> {};

TEST_P(DrainUnderLoad, NoAcceptedRequestFails) {
  SampleServer::Options options;
  options.tls = GetParam();
  SampleServer server(std::move(options));
  Target target;
  target.kind = GetParam() ? Target::Kind::kTls : Target::Kind::kTcp;
  target.address = "127.0.0.1";
  target.port = env::port_of(require_ok(env::parse_socket_address(server.address())));
  target.ca_file = GetParam() ? server.ca_file() : "";
  std::atomic<int> answered = 0;
  std::vector<std::string> failures(4);
  std::vector<std::thread> clients;
  for (std::string& failure : failures) {
    clients.emplace_back([&] {
      Connection connection(target);
      while (true) {
        const auto response = connection.send({.path = "/big/20000"}, 10s);
        if (response && response->status == 200 && response->body.size() == 20000) {
          ++answered;
          continue;
        }
        if (response) {
          failure = text("status {}", response->status);
        } else if (response.error().message().find("Connection refused") == std::string::npos) {
          failure = response.error().render();
        }
        return;
      }
    });
  }
  while (answered < 500) {
    std::this_thread::yield();
  }

  server.server().stop(20s);
  for (std::thread& client : clients) {
    client.join();
  }

  EXPECT_THAT(failures, testing::Each(""));
  EXPECT_EQ(server.done(static_cast<std::size_t>(answered)).size(),
            static_cast<std::size_t>(answered));
}

INSTANTIATE_TEST_SUITE_P(Connections, DrainUnderLoad, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "Tls" : "Plain"; });

}  // namespace
}  // namespace dsl::http::test
