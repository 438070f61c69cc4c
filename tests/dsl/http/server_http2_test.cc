// HTTP/2 end to end, by curl, nghttp and h2load, and by frames that no decent client sends.
#include "dsl/http/h2_frames.h"
#include "dsl/http/raw_client.h"
#include "dsl/http/sample_server.h"
#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

using dsl::test::require_ok;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

SampleServer::Options with_tls() {
  SampleServer::Options options;
  options.tls = true;
  return options;
}

std::string run(const std::vector<std::string>& argv) {
  env::Command command;
  command.argv = argv;
  const auto output =
      require_ok(env::system_env().processes().run(command, std::chrono::seconds(60)));
  return output.out + output.err;
}

// The error code of a GOAWAY among `bytes`; -1 without one.
int goaway_code(const std::string& bytes) {
  for (std::size_t at = 0; at + 9 <= bytes.size();) {
    const auto byte = [&](std::size_t i) {
      return std::size_t{static_cast<unsigned char>(bytes[at + i])};
    };
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    if (byte(3) == static_cast<std::size_t>(H2::kGoaway) && at + 9 + size <= bytes.size()) {
      return static_cast<int>(byte(9 + 7));
    }
    at += 9 + size;
  }
  return -1;
}

constexpr int kEnhanceYourCalm = 11;

TEST(Http2, WhatIsNotHttp2EndsWithGoaway) {
  SampleServer server;
  RawClient client(server.address());

  client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n");

  EXPECT_GT(goaway_code(client.rest()), 0);
  EXPECT_TRUE(client.closed());
}

TEST(Http2, RapidResetIsCutOff) {
  SampleServer server;
  RawClient client(server.address());
  client.send(h2_hello());
  const std::string cancel("\0\0\0\x08", 4);
  std::string flood;
  for (std::uint32_t stream = 1; stream < 2 * 1100; stream += 2) {
    flood += h2_get(stream, "/hello") + h2_frame(H2::kRstStream, 0, stream, cancel);
  }

  client.send(flood);

  EXPECT_EQ(goaway_code(client.rest()), kEnhanceYourCalm);
  EXPECT_EQ(server.curl({}, "/hello"), "hello") << "others are served on";
}

struct Flood {
  std::string name;
  std::string frame;
};
class Http2Flood : public ::testing::TestWithParam<Flood> {};

TEST_P(Http2Flood, IsCutOff) {
  SampleServer server;
  RawClient client(server.address());
  std::string flood = h2_hello();
  for (int i = 0; i < 3000; ++i) {
    flood += GetParam().frame;
  }

  client.send(flood);

  EXPECT_THAT(goaway_code(client.rest()), testing::AnyOf(kEnhanceYourCalm, -1));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.curl({}, "/hello"), "hello");
}

INSTANTIATE_TEST_SUITE_P(Frames, Http2Flood,
                         ::testing::Values(Flood{"Ping", h2_frame(H2::kPing, 0, 0, "12345678")},
                                           Flood{"Settings", h2_frame(H2::kSettings, 0, 0, "")},
                                           Flood{"Priority",
                                                 h2_frame(H2::kPriority, 0, 1,
                                                          std::string_view("\0\0\0\0\x0f", 5))}),
                         [](const auto& each) { return each.param.name; });

TEST(Http2, EmptyDataFramesAreCutOff) {
  SampleServer server;
  RawClient client(server.address());
  client.send(h2_hello());
  client.send(h2_frame(H2::kHeaders, kEndHeaders, 1, h2_request("POST", "/echo")));
  std::string flood;
  for (int i = 0; i < 3000; ++i) {
    flood += h2_frame(H2::kData, 0, 1, "");
  }

  client.send(flood);

  EXPECT_EQ(goaway_code(client.rest()), kEnhanceYourCalm);
}

TEST(Http2, EndlessContinuationIsCutOff) {
  SampleServer server;
  RawClient client(server.address());
  client.send(h2_hello());
  client.send(h2_frame(H2::kHeaders, kEndStream, 1, h2_request("GET", "/hello")));
  std::string flood;
  for (int i = 0; i < 5000; ++i) {
    flood += h2_frame(H2::kContinuation, 0, 1, h2_field("x-" + std::to_string(i), "y"));
  }

  client.send(flood);

  (void)client.rest();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.curl({}, "/hello"), "hello");
}

TEST(Http2, HeadersBeyondTheLimitGive431) {
  SampleServer server;

  const std::string response = server.curl(
      {"--http2-prior-knowledge", "-i", "-H", "X: " + std::string(40000, 'x')}, "/hello");

  EXPECT_THAT(response, StartsWith("HTTP/2 431"));
}

TEST(Http2, FramesMayComeByteByByte) {
  SampleServer server;
  RawClient client(server.address());
  const std::string request = h2_hello() + h2_get(1, "/hello");
  for (const char byte : request) {
    ASSERT_TRUE(client.send(std::string_view(&byte, 1)));
  }

  EXPECT_THAT(client.until("hello"), EndsWith("hello"));
}

TEST(Http2, ErrorsAreAnswers) {
  SampleServer server(with_tls());

  EXPECT_THAT(server.curl({"-i"}, "/none"), StartsWith("HTTP/2 404"));
  EXPECT_THAT(server.curl({"-i", "-X", "PUT"}, "/hello"), StartsWith("HTTP/2 405"));
  EXPECT_THAT(server.curl({"-i"}, "/a/%zz"), StartsWith("HTTP/2 400"));
  EXPECT_THAT(server.curl({"-i"}, "/secret"), StartsWith("HTTP/2 401"));
  EXPECT_THAT(server.curl({"-i"}, "/throw"), StartsWith("HTTP/2 500"));
  EXPECT_THAT(server.curl({"-i"}, "/slow"), StartsWith("HTTP/2 504"));
  EXPECT_THAT(server.curl({"-i"}, "/short"), HasSubstr("curl: 92")) << "a stream cut short";
}

TEST(Http2, CurlGetsTheAnswerOverTls) {
  SampleServer server(with_tls());

  const std::string response = server.curl({"-i"}, "/items/7");

  EXPECT_THAT(response, StartsWith("HTTP/2 200"));
  EXPECT_THAT(response, HasSubstr("content-length: 6\r\n"));
  EXPECT_THAT(response, HasSubstr("x-request-id: "));
  EXPECT_THAT(response, EndsWith("\r\n\r\nitem 7"));
  EXPECT_EQ(server.done(1).at(0), "GET /items/{id} 200 h2");
  EXPECT_THAT(server.curl({}, "/peer"), EndsWith(" tls"));
  EXPECT_THAT(server.curl({"-I"}, "/hello"), HasSubstr("content-length: 5\r\n"));
}

TEST(Http2, ClientWithoutAlpnGetsHttp1OverTls) {
  SampleServer server(with_tls());

  EXPECT_THAT(server.curl({"-i", "--no-alpn"}, "/hello"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(server.curl({"-i", "--http1.1"}, "/hello"), StartsWith("HTTP/1.1 200"));
}

TEST(Http2, Tls12IsRefused) {
  SampleServer server(with_tls());

  EXPECT_THAT(server.curl({"--tls-max", "1.2"}, "/hello"), StartsWith("curl: 35"));
}

TEST(Http2, NewConnectionsSeeTheRenewedCertificate) {
  SampleServer server(with_tls());
  const auto shown = [&] { return server.curl({"-o", "/dev/null", "-w", "%{certs}"}, "/hello"); };
  ASSERT_THAT(shown(), HasSubstr("Serial Number:" + server.credentials().serial()));

  server.credentials().renew();

  EXPECT_THAT(shown(), HasSubstr("Serial Number:" + server.credentials().serial()));
}

TEST(Http2, BodiesArriveWhole) {
  SampleServer server(with_tls());
  dsl::test::TempDir dir;
  const std::string small = dir.write("small", std::string(90000, 's'));
  const std::string large = dir.write("large", std::string(20u << 20, 'l'));

  EXPECT_EQ(server.curl({"--data-binary", "@" + small}, "/echo"), std::string(90000, 's'));
  EXPECT_EQ(server.curl({"--data-binary", "@" + large}, "/count"), std::to_string(20u << 20));
  EXPECT_EQ(server.size_of("/big/10000000"), "200 10000000");
  EXPECT_EQ(server.size_of("/stream/1000"), "200 10000000");
  EXPECT_EQ(server.curl({}, "/sized"), "abcdef");
  EXPECT_THAT(server.curl({"-i", "--data-binary", "@" + large}, "/echo"), HasSubstr("HTTP/2 413"));
}

TEST(Http2, PlainClientsUseItByPriorKnowledge) {
  SampleServer server;

  EXPECT_EQ(server.curl({"--http2-prior-knowledge"}, "/hello"), "hello");
}

TEST(Http2, NghttpMultiplexes) {
  SampleServer server(with_tls());

  const std::string output = run({"nghttp", "--no-verify-peer", "-v", server.url("/items/1"),
                                  server.url("/stream/20"), server.url("/hello")});

  EXPECT_THAT(output, HasSubstr("item 1"));
  EXPECT_EQ(server.done(3).size(), 3u);
}

TEST(Http2, H2loadHasNoFailure) {
  SampleServer server(with_tls());

  const std::string h2 = run({"h2load", "-n", "5000", "-c", "8", "-m", "20", server.url("/hello")});
  const std::string h1 = run({"h2load", "--h1", "-n", "5000", "-c", "8", server.url("/hello")});

  EXPECT_THAT(h2, HasSubstr("5000 succeeded, 0 failed, 0 errored, 0 timeout"));
  EXPECT_THAT(h2, HasSubstr("TLSv1.3"));
  EXPECT_THAT(h1, HasSubstr("5000 succeeded, 0 failed, 0 errored, 0 timeout"));
}

TEST(Http2, HandlerIsHeldBackByASlowReader) {
  SampleServer server;
  RawClient client(server.address());
  client.send(h2_hello() + h2_get(1, "/stream/10000"));

  client.until("yyy");  // the window of 65,535 bytes is never opened

  client.drop();
  EXPECT_TRUE(server.ended.wait());
  EXPECT_LT(server.pieces_written, 30u);
}

TEST(Http2, HeadOfAStreamHoldsNoHandler) {
  SampleServer server;
  RawClient client(server.address());

  client.send(h2_hello() + h2_frame(H2::kHeaders, kEndStream | kEndHeaders, 1,
                                    h2_request("HEAD", "/stream/10000")));

  EXPECT_TRUE(server.ended.wait());
  EXPECT_LT(server.pieces_written, 30u);
}

TEST(Http2, ResetStreamCancelsItsHandlerAlone) {
  SampleServer server;
  RawClient client(server.address());
  client.send(h2_hello() + h2_get(1, "/ticks") + h2_get(3, "/wait"));
  ASSERT_THAT(client.until("tick"), EndsWith("tick"));

  client.send(h2_frame(H2::kRstStream, 0, 1, std::string_view("\0\0\0\x08", 4)));

  EXPECT_TRUE(server.ended.wait());
  server.go.open();
  EXPECT_THAT(client.until("waited"), EndsWith("waited"));
}

TEST(Http2, AStalledStreamHoldsNoOtherBack) {
  SampleServer server;
  RawClient client(server.address());
  // An upload whose handler has not read it: its window is full, the connection's is not.
  client.send(h2_hello() + h2_frame(H2::kHeaders, kEndHeaders, 1, h2_request("POST", "/wait")));
  client.send(h2_get(3, "/hello"));

  EXPECT_THAT(client.until("hello"), EndsWith("hello"));
}

}  // namespace
}  // namespace dsl::http::test
