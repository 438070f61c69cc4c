#include "dsl/http/pool.h"

#include <thread>

#include "dsl/env/socket_address.h"
#include "dsl/http/sample_server.h"
#include "dsl/http/scripted_peer.h"
#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

using namespace std::chrono_literals;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n";

class PoolTest : public ::testing::Test {
 protected:
  static PoolOptions quick() {
    PoolOptions options;
    options.backoff = 1ms;
    return options;
  }
  static Request request(std::string method) {
    Request made;
    made.method = std::move(method);
    return made;
  }

  Pool pool_{env::system_env(), quick()};
};

TEST_F(PoolTest, TlsWithoutACaIsRefused) {
  Target target;
  target.kind = Target::Kind::kTls;
  target.address = "127.0.0.1";

  EXPECT_THAT(pool_.send(target, {}, 1s), failed_with(Code::kInvalidArgument));
}

TEST_F(PoolTest, CertificateOfAnotherIsRefused) {
  SampleServer::Options options;
  options.tls = true;
  SampleServer server(std::move(options));
  SampleServer other;  // its certificate is not the server's
  Target target;
  target.kind = Target::Kind::kTls;
  target.address = "127.0.0.1";
  target.port = env::port_of(require_ok(env::parse_socket_address(server.address())));
  target.ca_file = other.ca_file();

  EXPECT_THAT(pool_.send(target, {}, 5s), failed_with(Code::kUnavailable));

  target.ca_file = server.ca_file();
  EXPECT_EQ(require_ok(pool_.send(target, {.path = "/hello"}, 5s)).body, "hello");
}

TEST_F(PoolTest, IdempotentCallIsTriedAgain) {
  const auto peer = ScriptedPeer::on_tcp([](auto& connection, int index) {
    connection.read_request();
    if (index > 0) {
      connection.write(kOk);
    }
  });

  EXPECT_EQ(require_ok(pool_.send(peer->target(), request("PUT"), 5s)).body, "ok");
  EXPECT_EQ(peer->accepted(), 2);
}

TEST_F(PoolTest, OtherCallIsNot) {
  const auto peer = ScriptedPeer::on_tcp([](auto& connection, int) { connection.read_request(); });

  EXPECT_THAT(pool_.send(peer->target(), request("POST"), 5s), failed_with(Code::kUnavailable));
  EXPECT_EQ(peer->accepted(), 1);
}

TEST_F(PoolTest, BusyPeerIsAskedAgainAndItsLastAnswerReturned) {
  const auto peer = ScriptedPeer::on_tcp([](auto& connection, int) {
    connection.read_request();
    connection.write(kBusy);
  });

  EXPECT_EQ(require_ok(pool_.send(peer->target(), request("GET"), 5s)).status, 503);
  EXPECT_EQ(peer->accepted(), 3);
  EXPECT_EQ(require_ok(pool_.send(peer->target(), request("POST"), 5s)).status, 503);
  EXPECT_EQ(peer->accepted(), 4);
}

TEST_F(PoolTest, RetryAfterBeyondTheDeadlineEndsTheCallAtOnce) {
  const auto peer = ScriptedPeer::on_tcp([](auto& connection, int) {
    connection.read_request();
    connection.write(
        "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });

  EXPECT_EQ(require_ok(pool_.send(peer->target(), request("GET"), 5s)).status, 503);
  EXPECT_EQ(peer->accepted(), 1);
}

TEST_F(PoolTest, ConnectionsAreSharedAndKept) {
  SampleServer server;
  Target target;
  target.address = "127.0.0.1";
  target.port = env::port_of(require_ok(env::parse_socket_address(server.address())));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        const auto response = pool_.send(target, {.path = "/hello"}, 10s);
        good += response && response->body == "hello" ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(good, 400);
  EXPECT_GE(pool_.idle_connections(), 1u);
  EXPECT_LE(pool_.idle_connections(), 8u);
}

TEST_F(PoolTest, CallersBeyondTheBoundWaitWithinTheirDeadline) {
  SampleServer server;
  Target target;
  target.address = "127.0.0.1";
  target.port = env::port_of(require_ok(env::parse_socket_address(server.address())));
  PoolOptions options = quick();
  options.connections_max = 1;
  options.tries_max = 1;
  Pool pool(env::system_env(), options);
  std::thread first([&] { EXPECT_THAT(pool.send(target, {.path = "/wait"}, 10s), ok()); });
  ASSERT_TRUE(server.arrived.wait());

  EXPECT_THAT(pool.send(target, {.path = "/hello"}, 20ms), failed_with(Code::kUnavailable));

  server.go.open();
  first.join();
  EXPECT_THAT(pool.send(target, {.path = "/hello"}, 10s), ok());
}

}  // namespace
}  // namespace dsl::http::test
