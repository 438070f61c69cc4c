#include "dsl/http/client.h"

#include <atomic>
#include <chrono>
#include <future>
#include <optional>

#include <gtest/gtest.h>

#include "scripted_peer.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::http::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::TempDir;
using std::chrono::milliseconds;

constexpr milliseconds kPlenty{10000};

void always(PeerConnection& peer, std::string_view reply) {
  while (!peer.read_request().empty()) {
    peer.write(reply);
  }
}

Request get(std::string path) {
  Request request;
  request.path = std::move(path);
  return request;
}

Request post(std::string path, std::string body) {
  Request request = get(std::move(path));
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

TEST(Connection, NoSocketIsUnavailableAndNothingWasSent) {
  const TempDir dir;
  Connection connection({Target::Kind::kUnix, dir.file("none.sock")});

  const auto response = connection.send(get("/"), kPlenty);

  EXPECT_THAT(response, failed_saying(Code::kUnavailable, "No such file"));
  EXPECT_FALSE(connection.request_sent());
}

TEST(Connection, AUnixPathBeyondTheKernelsLimitIsRefused) {
  Connection connection({Target::Kind::kUnix, "/" + std::string(200, 'x')});

  EXPECT_THAT(connection.send(get("/"), kPlenty), failed_saying(Code::kInvalidArgument, "107"));
}

TEST(Connection, NamesAreNotResolved) {
  Connection connection({Target::Kind::kTcp, "localhost", 80});

  EXPECT_THAT(connection.send(get("/"), kPlenty), failed_with(Code::kInvalidArgument));
}

TEST(Connection, TextOfTheCallerNeverBecomesAHeader) {
  Connection connection({Target::Kind::kTcp, "127.0.0.1", 9});
  Request request = get("/a b");
  EXPECT_THAT(connection.send(request, kPlenty), failed_with(Code::kInvalidArgument));

  request = get("/\r\nX: y");
  EXPECT_THAT(connection.send(request, kPlenty), failed_with(Code::kInvalidArgument));

  request = get("/");
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_THAT(connection.send(request, kPlenty), failed_with(Code::kInvalidArgument));

  request.headers = {{"Content-Length", "7"}};
  EXPECT_THAT(connection.send(request, kPlenty), failed_with(Code::kInvalidArgument));
}

TEST(Connection, ASilentPeerCostsTheTimeoutAndNoMore) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) { c.wait_closed(); });
  Connection connection(peer->target());

  const auto before = std::chrono::steady_clock::now();
  const auto response = connection.send(get("/"), milliseconds(60));
  const auto took = std::chrono::steady_clock::now() - before;

  EXPECT_THAT(response, failed_with(Code::kDeadlineExceeded));
  EXPECT_TRUE(connection.request_sent());
  EXPECT_GE(took, milliseconds(60));
  EXPECT_LT(took, milliseconds(2000));
}

TEST(Connection, AnEndlessTrickleEndsAtTheDeadlineToo) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
    c.wait_closed();
  });
  Connection connection(peer->target());

  EXPECT_THAT(connection.send(get("/"), milliseconds(60)), failed_with(Code::kDeadlineExceeded));
}

TEST(Connection, GarbageIsDataLoss) {
  const auto peer =
      ScriptedPeer::on_tcp([](PeerConnection& c, int) { always(c, "SSH-2.0-x\r\n"); });
  Connection connection(peer->target());

  EXPECT_THAT(connection.send(get("/"), kPlenty), failed_with(Code::kDataLoss));
}

TEST(Connection, ABodyCutShortIsUnavailable) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  });
  Connection connection(peer->target());

  EXPECT_THAT(connection.send(get("/"), kPlenty), failed_with(Code::kUnavailable));
}

TEST(Connection, BodiesAndHeadersAreBounded) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int index) {
    c.read_request();
    c.write(index == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890"
                       : "HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x') + "\r\n\r\n");
  });
  Connection connection(peer->target());

  EXPECT_THAT(connection.send(get("/"), kPlenty, 10), failed_with(Code::kTooLarge));
  EXPECT_THAT(connection.send(get("/"), kPlenty), failed_with(Code::kTooLarge));
}

TEST(Connection, CarriesRequestsInOrderOverOneConnection) {
  std::vector<std::string> seen;
  const auto peer = ScriptedPeer::on_tcp([&](PeerConnection& c, int) {
    for (std::string request = c.read_request(); !request.empty(); request = c.read_request()) {
      seen.push_back(request);
      c.write("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Id: 7\r\n\r\nok");
    }
  });
  Connection connection(peer->target());

  const auto first = connection.send(get("/a?b=c"), kPlenty);
  const auto second = connection.send(post("/x", "body"), kPlenty);

  ASSERT_THAT(first, ok());
  EXPECT_EQ(first->status, 201);
  EXPECT_EQ(first->header("x-ID"), "7");
  EXPECT_EQ(first->body, "ok");
  ASSERT_THAT(second, ok());
  EXPECT_EQ(peer->accepted(), 1);
  const std::string host = text("Host: 127.0.0.1:{}\r\n", peer->target().port);
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "GET /a?b=c HTTP/1.1\r\n" + host + "\r\n",
                      "POST /x HTTP/1.1\r\n" + host + "Content-Length: 4\r\n\r\nbody"}));
}

TEST(Connection, ReopensWhenThePeerClosedTheIdleConnection) {
  std::promise<void> closed;
  const auto peer = ScriptedPeer::on_tcp([&](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Connection connection(peer->target());

  EXPECT_THAT(connection.send(get("/"), kPlenty), ok());
  EXPECT_THAT(connection.send(get("/"), kPlenty), ok());
  EXPECT_EQ(peer->accepted(), 2);
}

TEST(Connection, ADroppedPostIsNotRepeated) {
  std::atomic<int> posts = 0;
  const auto peer = ScriptedPeer::on_tcp([&](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    posts += c.read_request().empty() ? 0 : 1;
  });
  Connection connection(peer->target());
  ASSERT_THAT(connection.send(get("/"), kPlenty), ok());

  EXPECT_THAT(connection.send(post("/", "x"), kPlenty), failed_with(Code::kUnavailable));
  EXPECT_TRUE(connection.request_sent());
  EXPECT_EQ(posts, 1);
}

TEST(Connection, AReplyWithoutLengthEndsWithTheConnection) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  Connection connection(peer->target());

  const auto response = connection.send(get("/"), kPlenty);

  ASSERT_THAT(response, ok());
  EXPECT_EQ(response->body, "until the end");
}

TEST(Connection, RepliesWithoutABodyEndAtTheirHead) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 204 No Content\r\n\r\n");
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    c.read_request();
    c.write("HTTP/1.1 304 Not Modified\r\n\r\n");
    c.wait_closed();
  });
  Connection connection(peer->target());
  Request head = get("/");
  head.method = "HEAD";

  EXPECT_THAT(connection.send(post("/", ""), kPlenty), ok());
  EXPECT_THAT(connection.send(head, kPlenty), ok());
  EXPECT_THAT(connection.send(post("/", ""), kPlenty), ok());
  EXPECT_EQ(peer->accepted(), 1);
}

TEST(Connection, StreamHandsPiecesOverAsTheyArrive) {
  std::promise<void> seen_first;
  const auto peer = ScriptedPeer::on_tcp([&](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
    seen_first.get_future().wait();
    c.write("4\r\ntwo\n\r\n0\r\n\r\n");
    c.wait_closed();
  });
  Connection connection(peer->target());
  std::string all;

  const auto response = connection.stream(get("/"), kPlenty, kPlenty, [&](std::string_view data) {
    if (all.empty()) {
      seen_first.set_value();
    }
    all += data;
    return true;
  });

  ASSERT_THAT(response, ok());
  EXPECT_EQ(all, "one\ntwo\n");
  EXPECT_EQ(response->body, "");
}

TEST(Connection, StreamKeepsTheBodyOfAnError) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) {
    always(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
  });
  Connection connection(peer->target());

  const auto response =
      connection.stream(get("/"), kPlenty, kPlenty, [](std::string_view) { return true; });

  ASSERT_THAT(response, ok());
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "none");
}

TEST(Connection, AQuietStreamEndsWhenItsCallerSaysSo) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    c.wait_closed();
  });
  Connection connection(peer->target());
  int asked = 0;

  const auto response = connection.stream(
      get("/"), kPlenty, milliseconds(0), [](std::string_view) { return true; },
      [&] { return ++asked < 2; });

  ASSERT_THAT(response, ok());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(asked, 2);
}

TEST(Connection, AQuietStreamEndsAtItsIdleLimit) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    c.wait_closed();
  });
  Connection connection(peer->target());

  EXPECT_THAT(
      connection.stream(get("/"), kPlenty, milliseconds(50), [](std::string_view) { return true; }),
      failed_with(Code::kDeadlineExceeded));
}

TEST(Connection, AbortFromAnotherThreadEndsAWait) {
  std::optional<Connection> connection;  // outlives the peer's thread
  const auto peer = ScriptedPeer::on_tcp([&](PeerConnection& c, int) {
    c.read_request();
    connection->abort();
    c.wait_closed();
  });
  connection.emplace(peer->target());

  EXPECT_THAT(connection->send(get("/"), kPlenty), failed_with(Code::kCancelled));
  EXPECT_THAT(connection->send(get("/"), kPlenty), failed_with(Code::kCancelled));
}

TEST(Connection, UploadSendsChunks) {
  std::string seen;
  const auto peer = ScriptedPeer::on_tcp([&](PeerConnection& c, int) {
    seen = c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Connection connection(peer->target());
  std::vector<std::string> pieces = {"", "0123456789abcdef+", "first"};

  const auto response =
      connection.upload(post("/load", ""), kPlenty, [&]() -> Result<std::string_view> {
        static std::string piece;
        piece = pieces.back();
        pieces.pop_back();
        return std::string_view(piece);
      });

  ASSERT_THAT(response, ok());
  EXPECT_THAT(seen, testing::HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(seen,
              testing::EndsWith("\r\n\r\n5\r\nfirst\r\n11\r\n0123456789abcdef+\r\n0\r\n\r\n"));
}

TEST(Connection, AnErrorOfTheSourceEndsTheUpload) {
  const auto peer = ScriptedPeer::on_tcp([](PeerConnection& c, int) { c.wait_closed(); });
  Connection connection(peer->target());

  EXPECT_THAT(connection.upload(post("/", ""), kPlenty,
                                []() -> Result<std::string_view> {
                                  return fail(Code::kUnavailable, "disk is gone");
                                }),
              failed_saying(Code::kUnavailable, "disk is gone"));
}

TEST(Connection, TlsRefusesAnUntrustedCertificate) {
  const TempDir dir;
  const auto peer = ScriptedPeer::on_tls("peer.test", dir.file("ca.pem"), [](auto&, int) {});
  const auto other = ScriptedPeer::on_tls("peer.test", dir.file("other.pem"), [](auto&, int) {});
  Target target = peer->target();
  target.ca_file = dir.file("other.pem");
  Connection connection(target);

  EXPECT_THAT(connection.send(get("/"), kPlenty), failed_saying(Code::kUnavailable, "not trusted"));
  EXPECT_FALSE(connection.request_sent());
}

TEST(Connection, TlsRefusesACertificateForAnotherName) {
  const TempDir dir;
  const auto peer = ScriptedPeer::on_tls("peer.test", dir.file("ca.pem"), [](auto&, int) {});
  Target target = peer->target();
  target.server_name = "other.test";
  Connection connection(target);

  EXPECT_THAT(connection.send(get("/"), kPlenty), failed_saying(Code::kUnavailable, "other.test"));
}

TEST(Connection, TlsCarriesLargeBodiesBothWays) {
  const TempDir dir;
  const std::string large(300000, 'z');
  std::string seen;
  const auto peer = ScriptedPeer::on_tls("peer.test", dir.file("ca.pem"), [&](auto& c, int) {
    for (seen = c.read_request(); !seen.empty();) {
      c.write(text("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", large.size()) + large);
      const std::string next = c.read_request();
      if (next.empty()) {
        return;
      }
      seen = next;
    }
  });
  Connection connection(peer->target());

  const auto response = connection.send(post("/", large), kPlenty);
  const auto again = connection.send(post("/", large), kPlenty);

  ASSERT_THAT(response, ok());
  EXPECT_EQ(response->body, large);
  ASSERT_THAT(again, ok());
  EXPECT_EQ(peer->accepted(), 1);
}

TEST(Connection, TlsWithoutACaVerifiesNothing) {
  const TempDir dir;
  const auto peer = ScriptedPeer::on_tls("peer.test", dir.file("ca.pem"), [](auto& c, int) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Target target = peer->target();
  target.ca_file.clear();
  Connection connection(target);

  EXPECT_THAT(connection.send(get("/"), kPlenty), ok());
}

TEST(Encode, KeepsOnlyUnreservedBytes) {
  EXPECT_EQ(encode("a-b._~/ ?&=%\xc3\xa9"), "a-b._~%2F%20%3F%26%3D%25%C3%A9");
}

}  // namespace
}  // namespace dsl::http::test
