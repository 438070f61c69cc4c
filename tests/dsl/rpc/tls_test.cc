// gRPC over TLS 1.3: the server, our client, and clients that share no code with us.
#include "dsl/tls/tls.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/client.h"
#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/python_peer.h"
#include "dsl/rpc/served_echo.h"
#include "dsl/tls/peer.h"
#include "support/test_ca.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::IssuedPair;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::TempDir;
using dsl::test::TestCa;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kEcho[] = "dsl.rpc.test.EchoService.Echo";
constexpr char kPublic[] = "dsl.rpc.test.EchoService.Public";
constexpr char kHang[] = "dsl.rpc.test.EchoService.Hang";

EchoRequest saying(const std::string& words) {
  EchoRequest request;
  request.set_text(words);
  return request;
}

class GrpcTls : public testing::Test {
 protected:
  GrpcTls() {
    store(pair_);
    ca_file_ = dir_.write("ca.crt", ca_.pem());
  }

  void store(const IssuedPair& pair) {
    dir_.write("rift.crt", pair.cert_pem);
    dir_.write("rift.key", pair.key_pem);
  }
  IssuedPair issue(std::vector<std::string> names) {
    return ca_.issue({.names = std::move(names)});
  }

  // A server with a certificate for "rift" and 127.0.0.1.
  std::unique_ptr<ServedEcho> serve(std::string client_ca = "", bool required = false) {
    credentials_ = require_ok(tls::ServerCredentials::open(
        env::system_env(), {.pairs = {{dir_.file("rift.crt"), dir_.file("rift.key")}},
                            .client_ca = std::move(client_ca),
                            .client_required = required}));
    ServerOptions options;
    options.tls = {"127.0.0.1:0"};
    options.credentials = credentials_;
    ApiOptions access;
    access.authenticate = [](const Peer& peer) -> Result<Caller> {
      if (!peer.client_name.empty()) {
        return Caller{peer.client_name, {}, "system", "mtls"};
      }
      return authenticate(peer);
    };
    return std::make_unique<ServedEcho>(std::move(options), std::move(access));
  }
  ChannelOptions to(const ServedEcho& echo, const std::string& name = "rift") const {
    ChannelOptions options;
    options.address = echo.tls();
    options.tls = TlsOptions{ca_file_, name, {}};
    return options;
  }
  std::unique_ptr<Channel> open(ChannelOptions options) const {
    return require_ok(Channel::open(env::system_env(), std::move(options)));
  }
  // The serial that a new connection is shown.
  std::string shown(const ServedEcho& echo) const {
    const auto context =
        require_ok(tls::client_context(env::system_env(), {.ca_file = ca_file_, .alpn = {"h2"}}));
    const tls::PeerLook look = require_ok(tls::look_at_peer(env::system_env(), echo.tls(), "rift",
                                                            context, std::chrono::seconds(10)));
    EXPECT_EQ(look.fault, "");
    return look.chain.front().serial;
  }
  std::string s_client(const ServedEcho& echo, const std::string& version) const {
    env::Command command;
    command.argv = {"openssl", "s_client", "-connect", echo.tls(), version,
                    "-alpn",   "h2",       "-CAfile",  ca_file_,   "-brief"};
    const env::Output output =
        require_ok(env::system_env().processes().run(command, std::chrono::seconds(20)));
    return text("exit {} {}{}", output.exit_code, output.out, output.err);
  }

  TempDir dir_;
  TestCa ca_;
  IssuedPair pair_ = issue({"rift", "127.0.0.1"});
  std::string ca_file_;
  std::shared_ptr<tls::ServerCredentials> credentials_;
};

TEST_F(GrpcTls, RefusesTls12) {
  const auto echo = serve();

  EXPECT_THAT(s_client(*echo, "-tls1_2"),
              AllOf(StartsWith("exit 1"), Not(HasSubstr("CONNECTION ESTABLISHED"))));
  EXPECT_THAT(s_client(*echo, "-tls1_3"),
              AllOf(StartsWith("exit 0"), HasSubstr("Protocol version: TLSv1.3")));
}

TEST_F(GrpcTls, RefusesAPlainClient) {
  const auto echo = serve();
  CallOptions quick;
  quick.timeout = std::chrono::seconds(5);

  EXPECT_FALSE(Channel::open(echo->tls())->call<EchoReply>(kPublic, saying("hello"), quick));
}

TEST_F(GrpcTls, ListensOnAnyAddressButOnlyOnAddresses) {
  auto credentials = require_ok(tls::ServerCredentials::open(
      env::system_env(), {.pairs = {{dir_.file("rift.crt"), dir_.file("rift.key")}}}));
  EchoService service;
  ServerOptions options;
  options.credentials = std::move(credentials);

  options.tls = {"rift:9444"};
  EXPECT_THAT(Server::start(env::system_env(), make_api(service.table()), options),
              failed_saying(Code::kInvalidArgument, "cannot listen on rift:9444"));
  options.tls = {"0.0.0.0:0", "[::1]:0"};
  const auto server =
      require_ok(Server::start(env::system_env(), make_api(service.table()), options));

  EXPECT_THAT(server->tls_addresses(),
              testing::ElementsAre(StartsWith("0.0.0.0:"), StartsWith("[::1]:")));
  EXPECT_THAT(open({.address = "127.0.0.1" + server->tls_addresses()[0].substr(7),
                    .tls = TlsOptions{ca_file_, "rift", {}}})
                  ->call<EchoReply>(kPublic, saying("hello")),
              ok());
}

TEST_F(GrpcTls, PythonCallsItAndIsKnownByItsToken) {
  const auto echo = serve();
  const std::string address = text("tls:{}:{}", ca_file_, echo->tls());

  EXPECT_THAT(python_peer(address, {"unary", "Echo"}), StartsWith("UNAUTHENTICATED|"));
  EXPECT_EQ(python_peer(address, {"unary", "Public"}), "hello|from-python|none");
  EXPECT_EQ(python_peer(address + "@secret", {"unary", "Echo"}), "hello|from-python|token");
  EXPECT_EQ(python_peer(address + "@secret", {"stream", "1000"}), "1000");
}

TEST_F(GrpcTls, AsksForTheCertificateOfAClientWhenItIsToldTo) {
  const TestCa clients("clients");
  const auto echo = serve(dir_.write("clients.crt", clients.pem()), true);
  const IssuedPair agent = clients.issue({.subject = "agent", .names = {"agent.test"}});
  ChannelOptions options = to(*echo);

  EXPECT_THAT(open(options)->call<EchoReply>(kPublic, saying("hello")),
              failed_with(Code::kUnavailable));
  options.tls->pair = {dir_.write("a.crt", agent.cert_pem), dir_.write("a.key", agent.key_pem)};
  EXPECT_EQ(require_ok(open(options)->call<EchoReply>(kEcho, saying("hello"))).subject(),
            "CN=agent");
}

TEST_F(GrpcTls, ANameThatTheCertificateLacksIsToldWithThoseItHas) {
  const auto echo = serve();

  const auto wrong = open(to(*echo, "deimos"))->call<EchoReply>(kPublic, saying("hello"));

  EXPECT_THAT(wrong,
              failed_saying(Code::kUnavailable, "is not for deimos, but for rift, 127.0.0.1"));
  EXPECT_THAT(wrong, failed_saying(Code::kUnavailable, "serial " + pair_.serial));
}

TEST_F(GrpcTls, AnAuthorityThatIsNotKnownIsSaidSo) {
  const auto echo = serve();
  const TestCa other("other");
  ChannelOptions options = to(*echo);
  options.tls->ca_file = dir_.write("other.crt", other.pem());

  EXPECT_THAT(open(options)->call<EchoReply>(kPublic, saying("hello")),
              failed_saying(Code::kUnavailable, "is not trusted"));
}

TEST_F(GrpcTls, APeerWithoutTlsIsSaidSo) {
  const auto echo = serve();
  ChannelOptions options = to(*echo);
  options.address = echo->tcp();

  EXPECT_THAT(open(options)->call<EchoReply>(kPublic, saying("hello")),
              failed_saying(Code::kUnavailable, "does not speak TLS 1.3"));
}

TEST_F(GrpcTls, TheAddressIsTheNameWhenNoneIsGiven) {
  const auto echo = serve();

  EXPECT_THAT(open(to(*echo, ""))->call<EchoReply>(kPublic, saying("hello")), ok());
  store(issue({"rift"}));
  require_ok(credentials_->reload());
  EXPECT_THAT(open(to(*echo, ""))->call<EchoReply>(kPublic, saying("hello")),
              failed_saying(Code::kUnavailable, "is not for 127.0.0.1, but for rift"));
}

TEST_F(GrpcTls, OptionsThatContradictEachOtherAreRefused) {
  const auto refused = [&](ChannelOptions options, const std::string& words) {
    EXPECT_THAT(Channel::open(env::system_env(), std::move(options)),
                failed_saying(Code::kInvalidArgument, words));
  };
  const auto token = [] { return Result<std::string>("secret"); };
  const TlsOptions tls{ca_file_, "", {}};

  refused({.address = "rift"}, "is no address");
  refused({.address = "unix:/x", .tls = tls}, "speaks no TLS");
  refused({.address = "192.0.2.7:1"}, "not to be called without TLS");
  refused({.address = "127.0.0.1:1", .token = token}, "no token is sent");
  refused({.address = "rift:1", .tls = TlsOptions{dir_.write("empty", ""), "", {}}},
          "there is no certificate");
}

TEST_F(GrpcTls, ATokenIsAskedForAtEachCall) {
  const auto echo = serve();
  std::atomic<int> asked{0};
  ChannelOptions options = to(*echo);
  options.token = [&]() -> Result<std::string> {
    switch (asked++) {
      case 0:
        return fail(Code::kUnauthenticated, "nobody is logged in");
      case 1:
        return "stale";
      default:
        return "secret";
    }
  };
  const auto channel = open(options);
  const auto call = [&] { return channel->call<EchoReply>(kEcho, saying("hello")); };

  EXPECT_THAT(call(), failed_saying(Code::kUnauthenticated, "nobody is logged in"));
  EXPECT_THAT(call(), failed_saying(Code::kUnauthenticated, "not known"));
  EXPECT_EQ(require_ok(call()).via(), "token");
  EXPECT_EQ(echo->service().echoed, 1);
}

TEST_F(GrpcTls, AStopTokenEndsACallAtOnce) {
  const auto echo = serve();
  ChannelOptions options = to(*echo);
  options.token = [] { return Result<std::string>("secret"); };
  const auto channel = open(options);
  std::stop_source source;
  CallOptions call;
  call.stop = source.get_token();
  std::thread stopper([&] {
    EXPECT_TRUE(echo->service().wait_hanging(1));
    source.request_stop();
  });

  EXPECT_THAT(channel->call<EchoReply>(kHang, EchoRequest(), call), failed_with(Code::kCancelled));
  EXPECT_THAT(channel->call<EchoReply>(kHang, EchoRequest(), call), failed_with(Code::kCancelled));
  stopper.join();
}

TEST_F(GrpcTls, CertificatesReplacedUnderLoadFailNoCall) {
  const auto echo = serve();
  ChannelOptions options = to(*echo);
  options.token = [] { return Result<std::string>("secret"); };
  const auto old = open(options);
  std::stop_source hang;
  CallOptions hanging;
  hanging.stop = hang.get_token();
  std::thread long_call([&] {
    EXPECT_THAT(old->call<EchoReply>(kHang, EchoRequest(), hanging), failed_with(Code::kCancelled));
  });
  ASSERT_TRUE(echo->service().wait_hanging(1));
  std::atomic<bool> enough{false};
  std::atomic<int> failed{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> load;
  for (int i = 0; i < 4; ++i) {
    load.emplace_back([&, i] {
      while (!enough) {
        // Half of them on one connection, half with a new one for each call.
        const auto fresh = i % 2 == 0 ? nullptr : open(options);
        const auto reply = (fresh ? *fresh : *old).call<EchoReply>(kEcho, saying("hello"));
        ++(reply ? answered : failed);
      }
    });
  }

  for (int round = 0; round < 5; ++round) {
    const IssuedPair next = issue({"rift"});
    store(next);
    (void)credentials_->reload();  // or the watch was there first
    EXPECT_EQ(shown(*echo), next.serial);
    const int before = answered;
    while (answered < before + 20 && failed == 0) {
      std::this_thread::yield();
    }
  }
  enough = true;
  for (std::thread& thread : load) {
    thread.join();
  }
  EXPECT_TRUE(echo->service().wait_hanging(1));  // the long call has seen nothing of all this
  hang.request_stop();
  long_call.join();

  EXPECT_EQ(failed, 0);
  EXPECT_GE(answered, 100);
}

}  // namespace
}  // namespace dsl::rpc::test
