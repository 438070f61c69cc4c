#include "dsl/rpc/client.h"

#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/python_peer.h"
#include "dsl/rpc/served_echo.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::TempDir;

constexpr char kEcho[] = "dsl.rpc.test.EchoService.Echo";
constexpr char kFail[] = "dsl.rpc.test.EchoService.Fail";
constexpr char kHang[] = "dsl.rpc.test.EchoService.Hang";
constexpr char kCount[] = "dsl.rpc.test.EchoService.Count";
constexpr char kHangStream[] = "dsl.rpc.test.EchoService.HangStream";

EchoRequest saying(const std::string& words) {
  EchoRequest request;
  request.set_text(words);
  return request;
}

CountRequest counting(int count) {
  CountRequest request;
  request.set_count(count);
  return request;
}

// A python3-grpcio server on TLS with a certificate that nobody signed.
class TlsPeer {
 public:
  TlsPeer() {
    env::Command make;
    make.argv = {"openssl",  "req",
                 "-x509",    "-newkey",
                 "rsa:2048", "-nodes",
                 "-days",    "1",
                 "-subj",    "/CN=elsewhere.test",
                 "-keyout",  dir_.file("key"),
                 "-out",     dir_.file("cert")};
    require_ok(env::system_env().processes().run(make, std::chrono::seconds(60)));
    env::Command serve;
    serve.argv = {"/usr/bin/python3", MC_TEST_DATA "/tls_peer.py", dir_.path()};
    serve.environment = {"PYTHONPATH=" MC_PYTHON_PROTO, "PATH=/usr/bin:/bin"};
    process_ = require_ok(env::system_env().processes().start(serve));
    while (!require_ok(env::system_env().files().exists(dir_.file("port"))) && !process_->poll()) {
      std::this_thread::yield();
    }
  }
  ~TlsPeer() {
    process_->signal(SIGKILL);
    (void)process_->wait(std::chrono::seconds(10));  // reaped is all that matters
  }
  std::string address() const { return "127.0.0.1:" + dir_.read("port"); }

 private:
  TempDir dir_;
  std::unique_ptr<env::Process> process_;
};

TEST(Channel, AnAddressThatNobodyServesIsUnavailable) {
  const TempDir dir;
  const auto nobody = Channel::open("unix:" + dir.file("nobody.sock"));

  EXPECT_THAT(nobody->call<EchoReply>(kEcho, saying("hello")),
              failed_saying(Code::kUnavailable, "cannot reach unix:" + dir.file("nobody.sock")));
  EXPECT_THAT(nobody->stream<CountReply>(kCount, counting(1),
                                         [](const CountReply&) { return Result<void>(); }),
              failed_with(Code::kUnavailable));
}

TEST(Channel, AnErrorArrivesAsTheHandlerMadeIt) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());
  const auto reply = channel->call<EchoReply>(kFail, saying("x"));

  ASSERT_THAT(reply, failed_saying(Code::kConflict, "the port is taken"));
  EXPECT_EQ(reply.error().id(), "MCP-0101");
  EXPECT_EQ(reply.error().hint(), "choose another");
  EXPECT_THAT(reply.error().details(),
              testing::ElementsAre(Detail{"components[0].ports[1]", "9443 is mcr's"}));
}

TEST(Channel, AHandlerThatThrowsIsAnInternalErrorAndTheServerGoesOn) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());

  EXPECT_THAT(channel->call<EchoReply>(kFail, saying("throw")),
              failed_saying(Code::kInternal, "look for request id"));
  EXPECT_THAT(channel->call<EchoReply>(kEcho, saying("hello")), ok());
}

TEST(Channel, ATimeoutEndsTheCall) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());
  CallOptions options;
  options.timeout = std::chrono::milliseconds(100);

  EXPECT_THAT(channel->call<EchoReply>(kHang, saying("x"), options),
              failed_with(Code::kDeadlineExceeded));
  EXPECT_TRUE(echo.service().wait_cancelled(1));
}

TEST(Channel, ThePolledWishToStopCancelsACallAndAStream) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());
  CallOptions options;
  options.cancelled = [&] { return echo.service().wait_hanging(1); };

  EXPECT_THAT(channel->call<EchoReply>(kHang, saying("x"), options), failed_with(Code::kCancelled));
  EXPECT_TRUE(echo.service().wait_cancelled(1));
  EXPECT_THAT(
      channel->stream<EchoReply>(
          kHangStream, saying("x"), [](const EchoReply&) { return Result<void>(); }, options),
      failed_with(Code::kCancelled));
  EXPECT_TRUE(echo.service().wait_cancelled(2));
}

TEST(Channel, AnErrorOfTheReceiverEndsTheStreamAndIsReturned) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());

  const auto result = channel->stream<EchoReply>(
      kHangStream, saying("x"),
      [](const EchoReply&) -> Result<void> { return fail(Code::kNoSpace, "seen enough"); });

  EXPECT_THAT(result, failed_saying(Code::kNoSpace, "seen enough"));
  EXPECT_TRUE(echo.service().wait_cancelled(1));
}

TEST(Channel, AReplyThatCannotBeParsedIsAnError) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());

  // A Misread takes the text for a nested message, which these bytes are not.
  EXPECT_THAT(channel->call<Misread>(kEcho, saying("\x7f\x7f")),
              failed_saying(Code::kInternal, "the answer is not a dsl.rpc.test.Misread"));
}

TEST(Channel, CallsAndStreamsOverBothTransports) {
  ServedEcho echo;
  const auto local = Channel::open(echo.local());
  const auto tcp = Channel::open(echo.tcp());
  CallOptions options;
  options.request_id = "r-1";

  const EchoReply reply = require_ok(local->call<EchoReply>(kEcho, saying("hello"), options));
  int messages = 0;
  const auto streamed = local->stream<CountReply>(kCount, counting(1000), [&](const CountReply& m) {
    EXPECT_EQ(m.number(), messages++);
    return Result<void>();
  });

  EXPECT_EQ(reply.text(), "hello");
  EXPECT_EQ(reply.request_id(), "r-1");
  EXPECT_EQ(reply.subject(), text("uid:{}", getuid()));
  EXPECT_THAT(streamed, ok());
  EXPECT_EQ(messages, 1000);
  EXPECT_THAT(tcp->call<EchoReply>("dsl.rpc.test.EchoService.Public", saying("hello")), ok());
  EXPECT_THAT(tcp->call<EchoReply>(kEcho, saying("hello")), failed_with(Code::kUnauthenticated));
}

TEST(Channel, OneChannelServesManyThreads) {
  ServedEcho echo;
  const auto channel = Channel::open(echo.local());
  std::vector<std::thread> threads;
  std::atomic<int> good{0};

  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 50; ++n) {
        const std::string words = text("{}/{}", i, n);
        const auto reply = channel->call<EchoReply>(kEcho, saying(words));
        good += reply && reply->text() == words ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(good, 400);
}

// A socket that somebody else has connected to the server, such as the end of an ssh session.
int connected_to(const std::string& address) {
  const std::string path = address.substr(std::string("unix:").size());
  sockaddr_un peer{};
  peer.sun_family = AF_UNIX;
  std::memcpy(peer.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const void* raw = &peer;
  EXPECT_EQ(::connect(fd, static_cast<const sockaddr*>(raw), sizeof peer), 0);
  return fd;
}

TEST(Channel, ADescriptorWhosePeerIsGoneIsUnavailable) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ::close(ends[1]);
  const auto channel = Channel::open_fd(ends[0], "the session");

  const auto reply = channel->call<EchoReply>(kEcho, saying("hello"));

  EXPECT_THAT(reply, failed_saying(Code::kUnavailable, "the session"));
}

TEST(Channel, CallsAndStreamsOverADescriptor) {
  ServedEcho server;
  const auto channel = Channel::open_fd(connected_to(server.local()), "the session");

  EXPECT_EQ(require_ok(channel->call<EchoReply>(kEcho, saying("hello"))).text(), "hello");
  int received = 0;
  EXPECT_THAT(channel->stream<EchoReply>(kCount, counting(5),
                                         [&](const EchoReply&) -> Result<void> {
                                           ++received;
                                           return {};
                                         }),
              ok());
  EXPECT_EQ(received, 5);
}

TEST(Channel, UnverifiedTlsReachesAPeerWhoseCertificateNobodySigned) {
  const TlsPeer peer;

  EXPECT_THAT(Channel::open(peer.address())->call<EchoReply>(kEcho, saying("hello")),
              failed_with(Code::kUnavailable));
  const EchoReply reply = require_ok(
      Channel::open_unverified_tls(peer.address())->call<EchoReply>(kEcho, saying("hello")));
  EXPECT_EQ(reply.text(), "hello over TLS");
}

}  // namespace
}  // namespace dsl::rpc::test
