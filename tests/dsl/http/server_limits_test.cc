// Bounds in time and number, and what keeps a server from starting.
#include <sys/socket.h>

#include "dsl/http/raw_client.h"
#include "dsl/http/sample_server.h"
#include "dsl/net/listen.h"
#include "dsl/net/proxy_header.h"
#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

using namespace std::chrono_literals;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kGetHello = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kGetWait = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(ServerStart, RefusesRoutesThatAreNotInOrder) {
  dsl::test::TestEnv env;
  Router router;
  router.add({.pattern = "/a", .handle = [](Exchange&) {}});
  router.add({.pattern = "/b/{x}", .access = Access::kPublic, .handle = [](Exchange&) {}});
  router.add({.pattern = "/b/{y}", .access = Access::kPublic, .handle = [](Exchange&) {}});

  const auto server =
      Server::start(env, std::move(router), {.listeners = {{.address = "127.0.0.1:0"}}});

  EXPECT_THAT(server, failed_saying(Code::kInvalidArgument, "GET /a: no access is set"));
  EXPECT_THAT(server, failed_saying(Code::kInvalidArgument, "same requests as /b/{x}"));
}

TEST(ServerStart, GuardedRoutesNeedAuthorize) {
  dsl::test::TestEnv env;
  Router router;
  router.add({.pattern = "/a", .access = Access::kAdmin, .handle = [](Exchange&) {}});

  EXPECT_THAT(Server::start(env, std::move(router), {.listeners = {{.address = "127.0.0.1:0"}}}),
              failed_saying(Code::kInvalidArgument, "authorize"));
}

TEST(ServerStart, PlainListenersAreForLoopback) {
  dsl::test::TestEnv env;

  EXPECT_THAT(Server::start(env, Router(), {.listeners = {{.address = "0.0.0.0:0"}}}),
              failed_saying(Code::kInvalidArgument, "without TLS"));
}

TEST(ServerStart, BusyPortIsNamed) {
  SampleServer other;
  dsl::test::TestEnv env;

  EXPECT_THAT(Server::start(env, Router(), {.listeners = {{.address = other.address()}}}),
              failed_saying(Code::kConflict, other.address()));
}

TEST(ServerStart, TakesAListenerOfSystemd) {
  env::UniqueFd fd =
      require_ok(net::listen_on(require_ok(env::parse_socket_address("127.0.0.1:0"))));
  SampleServer::Options options;
  options.server.listeners = {{.fd = fd.release()}};
  SampleServer server(std::move(options));

  EXPECT_EQ(server.curl({}, "/hello"), "hello");
}

TEST(ServerStart, RefusesADescriptorThatDoesNotListen) {
  dsl::test::TestEnv env;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  EXPECT_THAT(Server::start(env, Router(), {.listeners = {{.fd = fd}}}),
              failed_saying(Code::kInvalidArgument, "not a listening stream socket"));
}

TEST(ServerStart, ClosesWhatItWasGivenWhenItFails) {
  env::UniqueFd fd =
      require_ok(net::listen_on(require_ok(env::parse_socket_address("127.0.0.1:0"))));
  const std::string address = env::to_text(env::local_address(fd.get()));
  dsl::test::TestEnv env;

  EXPECT_THAT(
      Server::start(env, Router(), {.listeners = {{.address = "nonsense"}, {.fd = fd.release()}}}),
      failed_with(Code::kInvalidArgument));

  EXPECT_THAT(net::listen_on(require_ok(env::parse_socket_address(address))), ok());
}

TEST(ServerLimits, SlowHeadersGive408) {
  SampleServer::Options options;
  options.server.limits.header_timeout = 50ms;
  SampleServer server(std::move(options));
  RawClient client(server.address());

  client.send("GET /hello HT");

  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 408"));
}

TEST(ServerLimits, SlowBodyGives408BeforeItTakesAWorker) {
  SampleServer::Options options;
  options.server.limits.read_timeout = 50ms;
  options.server.workers = 1;
  options.server.queue_max = 0;
  SampleServer server(std::move(options));
  RawClient slow(server.address());
  slow.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");

  EXPECT_EQ(server.curl({}, "/hello"), "hello") << "the one worker is free";
  EXPECT_THAT(slow.rest(), StartsWith("HTTP/1.1 408"));
}

TEST(ServerLimits, SlowUploadEndsItsHandler) {
  SampleServer::Options options;
  options.server.limits.read_timeout = 50ms;
  SampleServer server(std::move(options));
  RawClient slow(server.address());

  slow.send("POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc");

  EXPECT_THAT(slow.rest(), StartsWith("HTTP/1.1 504"));
}

TEST(ServerLimits, ReaderThatStopsIsCutOff) {
  SampleServer::Options options;
  options.server.limits.write_timeout = 100ms;
  SampleServer server(std::move(options));
  RawClient client(server.address());
  client.shrink_window();

  client.send("GET /stream/10000 HTTP/1.1\r\nHost: h\r\n\r\n");

  EXPECT_TRUE(server.ended.wait());
  EXPECT_LT(server.pieces_written, 9999u);
}

TEST(ServerLimits, IdleConnectionsAreClosed) {
  SampleServer::Options options;
  options.server.limits.idle_timeout = 50ms;
  SampleServer server(std::move(options));
  RawClient client(server.address());
  client.send(kGetHello);
  ASSERT_THAT(client.response(), EndsWith("hello"));

  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.closed());
}

TEST(ServerLimits, SilentConnectionsAreClosed) {
  SampleServer::Options options;
  options.tls = true;
  options.server.limits.header_timeout = 50ms;
  SampleServer server(std::move(options));
  RawClient client(server.address());

  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.closed());
}

TEST(ServerLimits, ConnectionsBeyondTheBoundAreClosedAtOnce) {
  SampleServer::Options options;
  options.server.limits.connections_per_peer_max = 2;
  SampleServer server(std::move(options));
  RawClient first(server.address());
  RawClient second(server.address());
  first.send(kGetHello);
  ASSERT_THAT(first.response(), EndsWith("hello"));
  second.send(kGetHello);
  ASSERT_THAT(second.response(), EndsWith("hello"));

  RawClient third(server.address());
  third.rest();
  EXPECT_TRUE(third.closed());

  first.send("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  first.rest();
  first.drop();
  EXPECT_THAT(server.curl({"--retry", "20", "--retry-all-errors", "--retry-delay", "1"}, "/hello"),
              "hello")
      << "a place that was given back is taken again";
}

TEST(ServerLimits, FullQueueGives503) {
  SampleServer::Options options;
  options.server.workers = 1;
  options.server.queue_max = 0;
  SampleServer server(std::move(options));
  RawClient first(server.address());
  first.send(kGetWait);
  ASSERT_TRUE(server.arrived.wait());

  RawClient second(server.address());
  second.send(kGetHello);

  EXPECT_THAT(second.response(),
              testing::AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("retry-after: 1\r\n")));
  server.go.open();
  EXPECT_THAT(first.response(), EndsWith("waited"));
}

TEST(ServerLimits, StreamsTakeNoWorkersPlace) {
  SampleServer::Options options;
  options.server.workers = 1;
  options.server.queue_max = 0;
  options.server.streams_max = 1;
  SampleServer server(std::move(options));
  RawClient stream(server.address());
  stream.send("GET /ticks HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(server.arrived.wait());

  EXPECT_EQ(server.curl({}, "/hello"), "hello");
  EXPECT_EQ(server.curl({"-o", "/dev/null", "-w", "%{http_code}"}, "/ticks"), "503");
}

class ProxiedServer : public ::testing::Test {
 protected:
  static SampleServer::Options options() {
    SampleServer::Options options;
    options.server.listeners = {{.address = "127.0.0.1:0", .proxy_header = true}};
    options.server.limits.connections_per_peer_max = 1;
    return options;
  }

  SampleServer server_{options()};
};

TEST_F(ProxiedServer, ConnectionWithoutAHeaderIsClosed) {
  RawClient client(server_.address());

  client.send(kGetHello);

  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.closed());
}

TEST_F(ProxiedServer, ClientsAreKnownByTheHeader) {
  const auto source = require_ok(env::parse_socket_address("192.0.2.7:50514"));
  const auto here = require_ok(env::parse_socket_address("192.0.2.1:443"));
  for (const std::string& header :
       {net::proxy_header_v1(source, here), net::proxy_header_v2(source, here)}) {
    RawClient client(server_.address());
    for (const char byte : header + "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n") {
      ASSERT_TRUE(client.send(std::string_view(&byte, 1)));
    }

    EXPECT_THAT(client.response(), EndsWith("\r\n\r\n192.0.2.7:50514 plain"));
  }
}

TEST_F(ProxiedServer, WorksInFrontOfTls) {
  SampleServer::Options with_tls = options();
  with_tls.tls = true;
  SampleServer server(std::move(with_tls));

  EXPECT_THAT(server.curl({"--haproxy-protocol"}, "/peer"), EndsWith(" tls"));
}

}  // namespace
}  // namespace dsl::http::test
