// Probes against real sockets: mc-standin for peers that behave, the test's own for the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/http/scripted_peer.h"
#include "mcp/boot/gate.h"
#include "mcp/boot/loopback_peer.h"
#include "mcp/boot/standin_process.h"
#include "support/test_env.h"

namespace mcp::boot {
namespace {

using dsl::http::test::PeerConnection;
using dsl::http::test::ScriptedPeer;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::LoopbackPeer;
using ::testing::MatchesRegex;
using testing::StandinProcess;
using testing::wait_closed;

class ProbeTest : public ::testing::Test {
 protected:
  ProbeTest() {
    env_.use_real_clock();
    env_.use_real_files();
  }

  Answer ask(const std::string& type, const Endpoint& endpoint) {
    gate_.health.type = type;
    gate_.endpoints = {endpoint};
    return probe(env_, gate_, {});
  }
  Answer ask(const std::string& type, const ScriptedPeer& peer) {
    return ask(type, Endpoint{peer.target().address, peer.target().port});
  }

  dsl::test::TestEnv env_;
  dsl::test::TempDir folder_;
  Gate gate_;
};

using TcpProbe = ProbeTest;
using DnsProbe = ProbeTest;
using HttpProbe = ProbeTest;
using GrpcProbe = ProbeTest;

TEST_F(TcpProbe, FailsWhereNobodyListens) {
  const Answer answer = ask("tcp", LoopbackPeer::dead_port());

  EXPECT_FALSE(answer.pass);
  EXPECT_THAT(answer.text, MatchesRegex("tcp 127\\.0\\.0\\.1:[0-9]+: refused"));
}

TEST_F(TcpProbe, FailsBehindAForwarderThatAcceptsForADeadPort) {
  // As the rootless port forwarder does: accepts, finds nobody inside, closes after 0.2 s.
  const LoopbackPeer forwarder = LoopbackPeer::tcp([](int fd) {
    pollfd entry{fd, POLLIN, 0};
    (void)::poll(&entry, 1, 200);
  });

  const Answer answer = ask("tcp", forwarder.endpoint());

  EXPECT_FALSE(answer.pass);
  EXPECT_THAT(answer.text, HasSubstr("accepted, then closed: nothing listens in the container"));
}

TEST_F(TcpProbe, FailsWhenTheConnectionIsReset) {
  const LoopbackPeer peer = LoopbackPeer::tcp([](int fd) {
    const linger now{1, 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  });

  EXPECT_FALSE(ask("tcp", peer.endpoint()).pass);
}

TEST_F(TcpProbe, PassesWhenTheConnectionStaysOpen) {
  const LoopbackPeer peer = LoopbackPeer::tcp(wait_closed);

  const Answer answer = ask("tcp", peer.endpoint());

  EXPECT_TRUE(answer.pass) << answer.text;
}

TEST_F(TcpProbe, PassesUnderAClockThatStandsStill) {
  const LoopbackPeer peer = LoopbackPeer::tcp(wait_closed);
  env_.use_clock(env_.manual_clock());

  EXPECT_TRUE(ask("tcp", peer.endpoint()).pass);
}

TEST_F(TcpProbe, ComparesExpectedBytes) {
  gate_.health.expect = "220 ";
  const LoopbackPeer wrong =
      LoopbackPeer::tcp([](int fd) { (void)::send(fd, "HTTP/1.0\r\n\x1b[2J", 14, MSG_NOSIGNAL); });
  const LoopbackPeer right = LoopbackPeer::tcp([](int fd) {
    (void)::send(fd, "22", 2, MSG_NOSIGNAL);
    (void)::send(fd, "0 mail\r\n", 8, MSG_NOSIGNAL);
  });

  const Answer refused = ask("tcp", wrong.endpoint());

  EXPECT_FALSE(refused.pass);
  EXPECT_THAT(refused.text, HasSubstr("\"220 \" did not come"));
  EXPECT_TRUE(ask("tcp", right.endpoint()).pass);
}

TEST_F(TcpProbe, NeverResolvesAName) {
  EXPECT_EQ(ask("tcp", {"localhost", 80}).text,
            "tcp localhost:80: \"localhost\" is no literal address");
}

TEST_F(DnsProbe, FailsWhereNobodyListens) {
  EXPECT_THAT(ask("dns", LoopbackPeer::dead_port()).text, HasSubstr("udp: refused"));
}

TEST_F(DnsProbe, FailsInTimeWhenNobodyAnswers) {
  const LoopbackPeer silent =
      LoopbackPeer::udp([](std::string_view) { return std::vector<std::string>{}; });
  gate_.health.timeout = milliseconds(50);

  EXPECT_THAT(ask("dns", silent.endpoint()).text, HasSubstr("udp: no answer in time"));
}

TEST_F(DnsProbe, PassesOverRepliesToSomebodyElse) {
  const LoopbackPeer peer = LoopbackPeer::udp([](std::string_view query) {
    std::string refused(query);
    refused[2] = '\x81';
    refused[3] = '\x05';
    std::string late = refused;
    late[0] = static_cast<char>(late[0] ^ 1);
    late[3] = '\0';
    return std::vector<std::string>{"noise", late, refused};
  });

  EXPECT_THAT(ask("dns", peer.endpoint()).text, HasSubstr("udp: REFUSED for svc.mcp"));
}

TEST_F(DnsProbe, FailsWhenOnlyUdpAnswers) {
  const LoopbackPeer peer = LoopbackPeer::udp([](std::string_view query) {
    std::string reply(query);
    reply[2] = '\x84';
    reply[7] = '\x01';
    reply += std::string("\xc0\x0c\0\x06\0\x01\0\0\0\0\0\0", 12);
    return std::vector<std::string>{reply};
  });

  EXPECT_THAT(ask("dns", peer.endpoint()).text, HasSubstr("tcp: refused"));
}

TEST_F(DnsProbe, AnswerWithoutARecordIsNone) {
  const StandinProcess standin("dns=127.0.0.1:0");
  gate_.health.query = "mcr.svc.mcp.metacircular.net";  // has an address, but no SOA

  EXPECT_THAT(ask("dns", standin.endpoint("dns")).text, HasSubstr("NOERROR without an answer"));
}

TEST_F(DnsProbe, AsksARealServerByUdpAndTcp) {
  StandinProcess standin("dns=127.0.0.1:0");

  const Answer soa = ask("dns", standin.endpoint("dns"));
  gate_.health.query = "mcr.svc.mcp.metacircular.net";
  gate_.health.expect = "192.168.88.181";
  const Answer address = ask("dns", standin.endpoint("dns"));
  gate_.health.expect = "192.0.2.1";
  const Answer other = ask("dns", standin.endpoint("dns"));
  standin.fail();
  const Answer failing = ask("dns", standin.endpoint("dns"));

  EXPECT_TRUE(soa.pass) << soa.text;
  EXPECT_TRUE(address.pass) << address.text;
  EXPECT_THAT(other.text, HasSubstr("no 192.0.2.1 in the answer"));
  EXPECT_THAT(failing.text, HasSubstr("SERVFAIL"));
}

TEST_F(DnsProbe, RefusesANonsenseName) {
  gate_.health.query = "a..b";

  EXPECT_THAT(ask("dns", LoopbackPeer::dead_port()).text, HasSubstr("is no domain name"));
}

std::unique_ptr<ScriptedPeer> replying(const std::string& status, const std::string& body) {
  return ScriptedPeer::on_tcp([=](PeerConnection& connection, int) {
    connection.read_request();
    connection.write("HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
                     "\r\n\r\n" + body);
    connection.wait_closed();
  });
}

TEST_F(HttpProbe, FailsWhereNobodyListens) {
  const Answer answer = ask("http", LoopbackPeer::dead_port());

  EXPECT_FALSE(answer.pass);
  EXPECT_THAT(answer.text, HasSubstr("/v1/health: "));
}

TEST_F(HttpProbe, FailsOnStatusesOf400AndAbove) {
  const auto peer = replying("500 Oops", "{\"status\":\"broken\"}");

  const Answer answer = ask("http", *peer);

  EXPECT_FALSE(answer.pass);
  EXPECT_THAT(answer.text, HasSubstr("/v1/health: 500 broken"));
}

TEST_F(HttpProbe, ReadsTheStatusOfTheBody) {
  const auto peer = replying("200 OK", "{\"status\":\"degraded\"}");

  const Answer answer = ask("http", *peer);

  EXPECT_TRUE(answer.pass) << answer.text;
  EXPECT_EQ(answer.status, "degraded");
}

TEST_F(HttpProbe, SealedPassesEvenAs503) {
  const auto sealed = replying("503 Service Unavailable", "{\"status\":\"sealed\"}");
  const auto away = replying("503 Service Unavailable", "{\"status\":\"starting\"}");

  EXPECT_TRUE(ask("http", *sealed).pass);
  EXPECT_FALSE(ask("http", *away).pass);
}

TEST_F(HttpProbe, ShowsNoStatusThatIsNoPlainWord) {
  const auto peer = replying("200 OK", "{\"status\":\"ok\\u001b[2J\"}");
  const auto other = replying("200 OK", "[[[[");

  EXPECT_EQ(ask("http", *peer).status, "");
  EXPECT_TRUE(ask("http", *other).pass);
}

TEST_F(HttpProbe, ExpectListsTheOnlyStatusesThatPass) {
  const auto peer = replying("204 No", "");
  gate_.health.expect = "401,200-203";

  EXPECT_FALSE(ask("http", *peer).pass);
  gate_.health.expect = "many";
  EXPECT_FALSE(ask("http", *peer).pass);
  gate_.health.expect = "401,200-299";
  EXPECT_TRUE(ask("http", *peer).pass);
}

TEST_F(HttpProbe, LargeBodyIsNotWaitedFor) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& connection, int) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    connection.write(std::string(200000, 'x'));
    connection.wait_closed();
  });

  EXPECT_TRUE(ask("http", *peer).pass);
}

TEST_F(HttpProbe, SendsMethodPathAndHost) {
  std::string request;
  const auto peer = ScriptedPeer::on_tcp([&](PeerConnection& connection, int) {
    request = connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    connection.wait_closed();
  });
  gate_.health.method = "HEAD";
  gate_.health.path = "/ready";
  gate_.health.host = "mcq.svc.mcp.metacircular.net";

  EXPECT_TRUE(ask("http", *peer).pass);

  EXPECT_THAT(request, HasSubstr("HEAD /ready HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Host: mcq.svc.mcp.metacircular.net\r\n"));
}

TEST_F(HttpProbe, FallsBackToAnyCertificateWithoutACa) {
  const StandinProcess standin("https=127.0.0.1:0");
  gate_.ca_file = folder_.file("missing.pem");

  const Answer answer = ask("https", standin.endpoint("https"));

  EXPECT_TRUE(answer.pass) << answer.text;
  EXPECT_EQ(answer.warning, "certificate not verified: no platform CA on this node");
  gate_.health.tls = "any";
  EXPECT_EQ(ask("https", standin.endpoint("https")).warning, "");
}

TEST_F(HttpProbe, VerifiesNameAndCertificate) {
  const auto serve = [](PeerConnection& connection, int) {
    if (!connection.read_request().empty()) {
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      connection.wait_closed();
    }
  };
  const auto peer = ScriptedPeer::on_tls("mcq.test", folder_.file("ca.pem"), serve);
  const auto stranger = ScriptedPeer::on_tls("mcq.test", folder_.file("other.pem"), serve);
  gate_.ca_file = folder_.file("ca.pem");

  gate_.health.host = "other.test";
  EXPECT_FALSE(ask("https", *peer).pass);
  gate_.health.host = "mcq.test";
  EXPECT_FALSE(ask("https", *stranger).pass);
  const Answer answer = ask("https", *peer);

  EXPECT_TRUE(answer.pass) << answer.text;
  EXPECT_EQ(answer.warning, "");
}

TEST_F(HttpProbe, FollowsTheRealServerIntoFailure) {
  StandinProcess standin("http=127.0.0.1:0");

  EXPECT_EQ(ask("http", standin.endpoint("http")).status, "ok");
  standin.fail();
  const Answer failing = ask("http", standin.endpoint("http"));

  EXPECT_FALSE(failing.pass);
  EXPECT_THAT(failing.text, HasSubstr("503"));
}

TEST_F(GrpcProbe, FailsWhereNobodyListens) {
  gate_.health.timeout = milliseconds(500);

  const Answer answer = ask("grpc", LoopbackPeer::dead_port());

  EXPECT_FALSE(answer.pass);
  EXPECT_THAT(answer.text, MatchesRegex("grpc 127\\.0\\.0\\.1:[0-9]+: .+"));
}

TEST_F(GrpcProbe, AsksARealServerOverTls) {
  StandinProcess standin("grpc=127.0.0.1:0");

  const Answer serving = ask("grpc", standin.endpoint("grpc"));
  standin.fail();
  const Answer failing = ask("grpc", standin.endpoint("grpc"));

  EXPECT_TRUE(serving.pass) << serving.text;
  EXPECT_EQ(serving.warning, "certificate not verified: a grpc gate checks none");
  EXPECT_FALSE(failing.pass);
  EXPECT_THAT(failing.text, HasSubstr("NOT_SERVING"));
}

TEST_F(ProbeTest, EveryEndpointMustPass) {
  const LoopbackPeer peer = LoopbackPeer::tcp(wait_closed);
  gate_.health.type = "tcp";
  gate_.endpoints = {peer.endpoint(), LoopbackPeer::dead_port()};

  EXPECT_THAT(probe(env_, gate_, {}).text, HasSubstr("refused"));
}

}  // namespace
}  // namespace mcp::boot
