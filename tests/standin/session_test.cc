#include "standin/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace standin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Health& healthy() {
  static const Health health("mcq", "/nonexistent/standin-fail");
  return health;
}

TEST(HttpSession, WhatIsNoRequestGets400AndAClose) {
  for (const auto* text :
       {"\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
        "GET v1 HTTP/1.1\r\n\r\n", " / HTTP/1.1\r\n\r\n", "GET  HTTP/1.1\r\n\r\n"}) {
    std::string out;
    EXPECT_FALSE(make_http_session(healthy())->feed(text, out)) << text;
    EXPECT_THAT(out, StartsWith("HTTP/1.1 400 ")) << text;
  }
}

TEST(HttpSession, HeadWithoutEndIsCutAtItsLimit) {
  const auto session = make_http_session(healthy());
  std::string out;

  EXPECT_TRUE(session->feed(std::string(8192, 'a'), out));
  EXPECT_EQ(out, "");
  EXPECT_FALSE(session->feed("a", out));
  EXPECT_THAT(out, StartsWith("HTTP/1.1 431 "));
}

TEST(HttpSession, OtherMethodsAndPathsAreRefused) {
  const auto session = make_http_session(healthy());
  std::string out;

  EXPECT_TRUE(session->feed("GET /v1/zones HTTP/1.1\r\n\r\n", out));
  EXPECT_THAT(out, StartsWith("HTTP/1.1 404 "));
  out.clear();
  EXPECT_FALSE(session->feed("POST /v1/health HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", out));
  EXPECT_THAT(out, StartsWith("HTTP/1.1 405 "));
}

TEST(HttpSession, BytewiseAndPipelinedRequestsAreAnsweredInOrder) {
  const auto session = make_http_session(healthy());
  std::string out;
  const std::string text =
      "GET /v1/health?x=1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /v2/ HTTP/1.1\r\n\r\n";

  for (const char c : text) {
    EXPECT_TRUE(session->feed(std::string_view(&c, 1), out));
  }

  EXPECT_THAT(out, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(out,
              HasSubstr("{\"status\":\"ok\",\"service\":\"mcq\",\"standin\":true}\nHTTP/1.1 200"));
  EXPECT_TRUE(out.ends_with("Content-Length: 3\r\n\r\n")) << "HEAD has no body";
}

TEST(DnsSession, RubbishClosesAndSplitMessagesAreJoined) {
  const auto session = make_dns_session(healthy());
  std::string out;
  const std::string message("\0\x0c\x12\x34\0\0\0\0\0\0\0\0\0\0", 14);

  for (const char c : message) {
    EXPECT_TRUE(session->feed(std::string_view(&c, 1), out));
  }
  EXPECT_EQ(out, std::string("\0\x0c\x12\x34\x80\x01\0\0\0\0\0\0\0\0", 14)) << "FORMERR";
  EXPECT_FALSE(session->feed(std::string_view("\0\1x", 3), out));
}

TEST(H2Session, WhatIsNoPrefaceEndsTheSession) {
  std::string out;

  EXPECT_FALSE(make_h2_session(healthy())->feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n", out));
}

}  // namespace
}  // namespace standin
