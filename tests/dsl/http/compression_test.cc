#include "dsl/http/compression.h"

#include "dsl/http/assets.h"
#include "dsl/http/conditional.h"
#include "dsl/http/fake_exchange.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::http::test {
namespace {

using dsl::test::require_ok;

TEST(ChooseCoding, TakesTheBestThatIsAccepted) {
  EXPECT_EQ(choose_coding(""), Coding::kIdentity);
  EXPECT_EQ(choose_coding("br, deflate"), Coding::kIdentity);
  EXPECT_EQ(choose_coding("gzip;q=0"), Coding::kIdentity);
  EXPECT_EQ(choose_coding("gzip;q=0.000, *"), Coding::kIdentity);
  EXPECT_EQ(choose_coding("gzip, deflate, br"), Coding::kGzip);
  EXPECT_EQ(choose_coding("*"), Coding::kGzip);
  EXPECT_EQ(choose_coding("GZIP ; q=0.001"), Coding::kGzip);
  EXPECT_EQ(choose_coding("gzip, zstd;q=0.5"), Coding::kZstd);
}

TEST(IsCompressible, KnowsTextFromWhatIsCompressed) {
  for (const char* type : {"text/html; charset=utf-8", "application/json", "image/svg+xml",
                           "application/problem+json"}) {
    EXPECT_TRUE(is_compressible(type)) << type;
  }
  for (const char* type : {"", "image/png", "application/gzip", "text/event-stream"}) {
    EXPECT_FALSE(is_compressible(type)) << type;
  }
}

// What the coding's own tool makes of `bytes`.
std::string unpacked(const std::string& tool, const std::string& bytes) {
  env::Command command;
  command.argv = {tool, "-dc"};
  command.input = bytes;
  return require_ok(env::system_env().processes().run(command, std::chrono::seconds(10))).out;
}

std::string long_text() {
  std::string body;
  for (int i = 0; i < 1000; ++i) {
    body += "line " + std::to_string(i) + "\n";
  }
  return body;
}

TEST(Compress, ForeignToolsUnpackIt) {
  for (const std::string& body : {std::string(), std::string("a"), long_text()}) {
    EXPECT_EQ(unpacked("gzip", compress(Coding::kGzip, body)), body);
    EXPECT_EQ(unpacked("zstd", compress(Coding::kZstd, body)), body);
  }
}

TEST(CompressReply, LeavesAloneWhatIsNotWorthIt) {
  const FakeExchange exchange("GET", {{"accept-encoding", "gzip"}});
  const Headers text{{"content-type", "text/plain"}};
  for (Reply reply :
       {Reply{200, text, "small"}, Reply{206, text, long_text()},
        Reply{200, {{"content-type", "image/png"}}, long_text()}, Reply{200, {}, long_text()},
        Reply{200, {{"content-type", "text/plain"}, {"Content-Encoding", "br"}}, long_text()}}) {
    const Reply before = reply;
    compress_reply(exchange, reply);

    EXPECT_EQ(reply.body, before.body);
    EXPECT_EQ(reply.headers, before.headers);
  }
}

TEST(CompressReply, NamesTheCodingAndWeakensTheTag) {
  const FakeExchange exchange("GET", {{"accept-encoding", "gzip"}});
  Reply reply{200, {{"content-type", "text/plain"}, {"etag", "\"a\""}}, long_text()};

  compress_reply(exchange, reply);

  EXPECT_EQ(unpacked("gzip", reply.body), long_text());
  EXPECT_EQ(reply.headers, (Headers{{"content-type", "text/plain"},
                                    {"etag", "W/\"a\""},
                                    {"vary", "accept-encoding"},
                                    {"content-encoding", "gzip"}}));
}

class AssetsTest : public ::testing::Test {
 protected:
  AssetsTest() {
    add_assets(router_, {{"app.css", "text/css", text_}, {"logo.png", "image/png", "PNG"}}, {});
  }
  FakeExchange get(const std::string& path, Headers headers = {}) {
    FakeExchange exchange("GET", std::move(headers));
    const Router::Match match = router_.find("GET", path);
    MC_ASSERT(match.route != nullptr, "a route");
    match.route->handle(exchange);
    return exchange;
  }

  const std::string text_ = long_text();
  Router router_;
};

TEST_F(AssetsTest, EachRepresentationHasATagOfItsOwn) {
  const FakeExchange plain = get("/static/app.css");
  const FakeExchange zstd = get("/static/app.css", {{"accept-encoding", "zstd"}});

  EXPECT_EQ(plain.replied->body, text_);
  EXPECT_EQ(unpacked("zstd", zstd.replied->body), text_);
  EXPECT_NE(plain.answer("etag"), zstd.answer("etag"));
  EXPECT_EQ(zstd.answer("content-encoding"), "zstd");
  EXPECT_EQ(plain.answer("vary"), "accept-encoding");
}

TEST_F(AssetsTest, AnswerConditionalRequests) {
  const std::string tag = get("/static/logo.png").answer("etag");

  EXPECT_EQ(get("/static/logo.png", {{"if-none-match", tag}}).replied->status, 304);
  EXPECT_EQ(get("/static/logo.png", {{"range", "bytes=1-"}}).replied->body, "NG");
}

TEST_F(AssetsTest, NothingElseIsServed) {
  for (const char* path : {"/static/", "/static/app.js", "/static/app.css/x", "/app.css"}) {
    EXPECT_EQ(router_.find("GET", path).route, nullptr) << path;
  }
  EXPECT_TRUE(router_.check());
}

}  // namespace
}  // namespace dsl::http::test
