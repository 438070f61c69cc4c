// HTTP/1.1 end to end, by curl and by exact bytes.
#include "dsl/http/raw_client.h"
#include "dsl/http/sample_server.h"
#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n";
}

std::string status_line(const std::string& response) {
  return response.substr(0, response.find("\r\n"));
}

struct BadRequest {
  std::string name;
  std::string bytes;
  std::string status;
};

class Http1Refusal : public ::testing::TestWithParam<BadRequest> {};

TEST_P(Http1Refusal, AnswersAndClosesTheConnection) {
  SampleServer server;
  RawClient client(server.address());

  client.send(GetParam().bytes);
  const std::string response = client.rest();

  EXPECT_THAT(response, StartsWith("HTTP/1.1 " + GetParam().status));
  EXPECT_THAT(response, HasSubstr("connection: close"));
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(server.curl({}, "/hello"), "hello") << "others are served on";
}

INSTANTIATE_TEST_SUITE_P(
    Smuggling, Http1Refusal,
    ::testing::Values(
        BadRequest{"BothLengths",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   "400"},
        BadRequest{"BothLengthsTurned",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                   "Content-Length: 3\r\n\r\n0\r\n\r\n",
                   "400"},
        BadRequest{"TwoLengths",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: "
                   "3\r\n\r\nabc",
                   "400"},
        BadRequest{"ListOfLengths",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc", "400"},
        BadRequest{"SignedLength",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", "400"},
        BadRequest{"OtherCoding",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
        BadRequest{"CodingList",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                   "501"},
        BadRequest{"CodingInHttp10",
                   "POST /echo HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        BadRequest{"ChunkSizeNotHex",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                   "400"},
        BadRequest{"ChunkSizeTooLarge",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "11111111111111111\r\n",
                   "400"},
        BadRequest{"ChunkWithoutEnd",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabcd\r\n0\r\n\r\n",
                   "400"},
        BadRequest{"ChunkLineTooLong",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
                       std::string(6000, 'x'),
                   "400"},
        BadRequest{"FoldedHeader", "GET /hello HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n", "400"},
        BadRequest{"BareLineFeed", "GET /hello HTTP/1.1\nHost: h\n\n", "400"},
        BadRequest{"BareLineFeedInHeader", "GET /hello HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", "400"},
        BadRequest{"BareCarriageReturn", "GET /hello HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", "400"},
        BadRequest{"SpaceBeforeColon", "GET /hello HTTP/1.1\r\nHost : h\r\n\r\n", "400"},
        BadRequest{"NoHost", "GET /hello HTTP/1.1\r\n\r\n", "400"},
        BadRequest{"TwoHosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        BadRequest{"NulByte",
                   "GET /hello HTTP/1.1\r\nHost: h\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n",
                   "400"},
        BadRequest{"OtherVersion", "GET /hello HTTP/2.0\r\nHost: h\r\n\r\n", "505"},
        BadRequest{"NotHttp", std::string("\x16\x03\x01\x02\x00\r\n\r\n", 9), "400"},
        BadRequest{"UnknownExpectation",
                   "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n",
                   "417"},
        BadRequest{"HeadersTooLarge",
                   "GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(40000, 'x') + "\r\n\r\n",
                   "431"},
        BadRequest{"TooManyHeaders",
                   "GET /hello HTTP/1.1\r\nHost: h\r\n" +
                       [] {
                         std::string many;
                         for (int i = 0; i < 200; ++i) {
                           many += "X: y\r\n";
                         }
                         return many;
                       }() +
                       "\r\n",
                   "431"}),
    [](const auto& each) { return each.param.name; });

TEST(Http1, RefusedInTheMiddleOfAnUpload) {
  SampleServer server;
  RawClient client(server.address());
  client.send("POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");

  for (const char byte : std::string("xyz\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n")) {
    client.send(std::string_view(&byte, 1));
  }
  const std::string response = client.rest();

  EXPECT_THAT(response, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(response, Not(HasSubstr("hello"))) << "what follows is no request";
}

TEST(Http1, BadTargetsAreRefused) {
  SampleServer server;
  RawClient client(server.address());
  for (const char* target : {"/a/../hello", "/%2e%2e/hello", "/%zz", "/a%00", "/%0a", "*"}) {
    client.send(get(target));

    EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 400")) << target;
  }
}

TEST(Http1, UnknownPathIs404AndWrongMethodIs405) {
  SampleServer server;

  EXPECT_THAT(server.curl({"-i"}, "/none"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(server.curl({"-i", "-X", "DELETE"}, "/hello"),
              testing::AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("allow: GET, HEAD\r\n")));
  EXPECT_EQ(server.done(2).at(1), "DELETE  405 http/1.1");
}

TEST(Http1, GuardedRouteAsksForAuthorization) {
  SampleServer server;

  EXPECT_THAT(server.curl({"-i"}, "/secret"),
              testing::AllOf(StartsWith("HTTP/1.1 401"), HasSubstr("hint: log in")));
  EXPECT_EQ(server.curl({"-H", "Authorization: Bearer good"}, "/secret"), "secret");
}

TEST(Http1, HandlerThatThrowsOrSaysNothingGives500) {
  SampleServer server;

  EXPECT_THAT(server.curl({"-i"}, "/throw"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(server.curl({"-i"}, "/nothing"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(server.curl({"-i"}, "/split"),
              testing::AllOf(StartsWith("HTTP/1.1 500"), Not(HasSubstr("set-cookie"))));
}

TEST(Http1, CurlGetsTheAnswer) {
  SampleServer server;

  const std::string response = server.curl({"-i", "-H", "X-Request-Id: from-curl"}, "/items/a%2Fb");

  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("content-length: 8\r\n"));
  EXPECT_THAT(response, HasSubstr("x-request-id: from-curl\r\n"));
  EXPECT_THAT(response, HasSubstr("date: "));
  EXPECT_THAT(response, EndsWith("\r\n\r\nitem a/b"));
  EXPECT_EQ(server.done(1).at(0), "GET /items/{id} 200 http/1.1");
}

TEST(Http1, RequestMayComeByteByByte) {
  SampleServer server;
  RawClient client(server.address());
  const std::string request =
      "\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
  for (const char byte : request) {
    ASSERT_TRUE(client.send(std::string_view(&byte, 1)));
  }

  EXPECT_THAT(client.response(), EndsWith("\r\n\r\nabcde"));
}

TEST(Http1, EmptyChunkedBodyMayComeByteByByte) {
  SampleServer server;
  RawClient client(server.address());
  for (const char byte : std::string("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
                                     "\r\n\r\n0\r\n\r\n")) {
    ASSERT_TRUE(client.send(std::string_view(&byte, 1)));
  }

  EXPECT_THAT(client.response(), HasSubstr("content-length: 0\r\n"));
}

TEST(Http1, PipelinedRequestsAreAnsweredInOrder) {
  SampleServer server;
  RawClient client(server.address());

  client.send(get("/items/1") + "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi" +
              get("/none") + get("/items/2"));

  EXPECT_THAT(client.response(), EndsWith("item 1"));
  EXPECT_THAT(client.response(), EndsWith("\r\n\r\nhi"));
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(client.response(), EndsWith("item 2"));
}

TEST(Http1, ClientThatHalfClosesStillGetsItsAnswers) {
  SampleServer server;
  RawClient client(server.address());

  client.send(get("/items/1") + get("/items/2"));
  client.end();
  const std::string all = client.rest();

  EXPECT_THAT(all, HasSubstr("item 1"));
  EXPECT_THAT(all, EndsWith("item 2"));
  EXPECT_TRUE(client.closed());
}

TEST(Http1, HeadHasTheLengthAndNoBody) {
  SampleServer server;
  RawClient client(server.address());

  client.send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n" + get("/hello"));

  EXPECT_THAT(client.response(true), HasSubstr("content-length: 5\r\n"));
  EXPECT_THAT(client.response(), EndsWith("\r\n\r\nhello"));
}

TEST(Http1, OldClientsGetOneAnswer) {
  SampleServer server;
  RawClient client(server.address());

  client.send("GET /hello HTTP/1.0\r\n\r\n");
  const std::string response = client.rest();

  EXPECT_THAT(response, EndsWith("\r\n\r\nhello"));
  EXPECT_THAT(response, HasSubstr("connection: close"));
}

TEST(Http1, OldClientsGetAStreamUntilItCloses) {
  SampleServer server;
  RawClient client(server.address());

  client.send("GET /stream/3 HTTP/1.0\r\n\r\n");
  const std::string response = client.rest();

  EXPECT_THAT(response, Not(HasSubstr("chunked")));
  EXPECT_EQ(response.size() - response.find("\r\n\r\n") - 4, 30000u);
}

TEST(Http1, ExpectationIsMetBeforeTheBody) {
  SampleServer server;
  RawClient client(server.address());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_EQ(status_line(client.response()), "HTTP/1.1 100 Continue");

  client.send("ok");

  EXPECT_THAT(client.response(), EndsWith("\r\n\r\nok"));
}

TEST(Http1, RefusedBodyIsNotAskedFor) {
  SampleServer server;
  RawClient client(server.address());

  client.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 200000\r\n\r\n");

  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 413"));
}

TEST(Http1, ChunkedBodyBeyondTheBoundIs413) {
  SampleServer server;
  dsl::test::TempDir dir;
  const std::string file = dir.write("body", std::string(150000, 'x'));

  const std::string response = server.curl(
      {"-i", "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data-binary", "@" + file},
      "/echo");

  EXPECT_THAT(response, HasSubstr("HTTP/1.1 413"));
}

TEST(Http1, BodiesArriveWhole) {
  SampleServer server;
  dsl::test::TempDir dir;
  std::string body;
  for (int i = 0; body.size() < 90000; ++i) {
    body += std::to_string(i) + " ";
  }
  const std::string file = dir.write("body", body);

  EXPECT_EQ(server.curl({"--data-binary", "@" + file}, "/echo"), body);
  EXPECT_EQ(server.curl({"-H", "Transfer-Encoding: chunked", "--data-binary", "@" + file}, "/echo"),
            body);
  EXPECT_EQ(server.curl({"-X", "POST"}, "/echo"), "");
}

TEST(Http1, LargeUploadIsReadAsItComes) {
  SampleServer server;
  dsl::test::TempDir dir;
  const std::string file = dir.write("body", std::string(20u << 20, 'x'));

  EXPECT_EQ(server.curl({"--data-binary", "@" + file}, "/count"), std::to_string(20u << 20));
}

TEST(Http1, StreamComesInChunksAndInWhole) {
  SampleServer server;
  RawClient client(server.address());

  client.send(get("/stream/1"));

  EXPECT_THAT(client.response(), HasSubstr("transfer-encoding: chunked\r\n\r\n2710\r\nyyy"));
  EXPECT_EQ(server.size_of("/stream/1000"), "200 10000000");
  EXPECT_EQ(server.size_of("/big/10000000"), "200 10000000");
}

TEST(Http1, StreamOfKnownLengthIsCheckedAgainstIt) {
  SampleServer server;
  RawClient client(server.address());
  client.send(get("/sized"));
  EXPECT_THAT(client.response(), EndsWith("\r\n\r\nabcdef"));

  client.send(get("/short"));

  EXPECT_THAT(client.rest(), EndsWith("\r\n\r\nabcde"));
  EXPECT_TRUE(client.closed()) << "the client must see that a byte is missing";
}

TEST(Http1, HandlerIsHeldBackByASlowReader) {
  SampleServer server;
  RawClient client(server.address());
  client.shrink_window();
  client.send(get("/stream/10000"));

  client.until("\r\n\r\n");

  // 100 MB would not fit anywhere: the handler waits. Then the client leaves, and it ends.
  client.drop(true);
  EXPECT_TRUE(server.ended.wait());
  EXPECT_LT(server.pieces_written, 9999u);
}

TEST(Http1, HandlerSeesThatItsClientLeft) {
  SampleServer server;
  RawClient client(server.address());
  client.send(get("/ticks"));
  ASSERT_TRUE(server.arrived.wait());

  client.drop();

  EXPECT_TRUE(server.ended.wait());
}

TEST(Http1, CallBeyondItsTimeIs504AndTheConnectionGoesOn) {
  SampleServer server;
  RawClient client(server.address());

  client.send(get("/slow") + get("/hello"));

  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 504"));
  EXPECT_THAT(client.response(), EndsWith("hello"));
}

}  // namespace
}  // namespace dsl::http::test
