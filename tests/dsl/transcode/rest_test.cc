// Unary calls: what becomes of path, query and body, and of an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/transcode/json_message.h"
#include "dsl/transcode/shop.h"
#include "dsl/transcode/transcode.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace dsl::transcode::test {
namespace {

using dsl::test::failed_with;
using dsl::test::FakeExchange;
using dsl::test::ok;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Rest : public testing::Test {
 protected:
  // The answer to a call of the user "secret".
  FakeExchange& call(const std::string& method, const std::string& pattern,
                     const std::string& query = "", std::string body = "",
                     std::map<std::string, std::string> params = {},
                     const std::string& token = "secret") {
    exchange_.emplace(method, pattern + "?" + query, std::move(body));
    exchange_->params = std::move(params);
    if (!token.empty()) {
      exchange_->request_headers = {{"authorization", "Bearer " + token}};
    }
    serve(api_, pattern, *exchange_);
    return *exchange_;
  }
  FakeExchange& query(const std::string& text) { return call("GET", "/v1/everything", text); }

  Shop shop_;
  std::shared_ptr<rpc::Api> api_ = shop_.api();
  std::optional<FakeExchange> exchange_;
};

TEST_F(Rest, AQueryThatIsWrongIs400AndNamesTheField) {
  struct Row {
    const char* query;
    const char* says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"nowhere=1", "nowhere is not a query parameter"},
           {"inner=1", "inner is not a query parameter"},
           {"inner.nowhere=1", "inner.nowhere is not a query parameter"},
           {"inner.name.x=1", "inner.name.x is not a query parameter"},
           {"inners.name=1", "inners.name is not a query parameter"},
           {"words=1", "words is not a query parameter"},
           {"words.a=1", "words.a is not a query parameter"},
           {"any=1", "any is not a query parameter"},
           {"=1", " is not a query parameter"},
           {".=1", ". is not a query parameter"},
           {"int64=1", "int64 is not a query parameter"},
           {"text=a&text=b", "text is there twice"},
           {"inner.name=a&inner.name=a", "inner.name is there twice"},
           {"flag", "flag must be true or false"},
           {"flag=1", "flag must be true or false"},
           {"int_32=", "int_32 must be a whole number"},
           {"int_32=1e3", "int_32 must be a whole number"},
           {"int_32=+1", "int_32 must be a whole number"},
           {"uint_64=-1", "uint_64 must be a whole number"},
           {"real_64=x", "real_64 must be a number"},
           {"data=*", "data must be base64"},
           {"text=%ff", "text is not UTF-8"},
           {"text=%zz", "the query has a %"},
           {"colour=purple", "colour must be one of COLOUR_UNSPECIFIED, COLOUR_RED, "},
           {"numbers=1&numbers=x", "numbers must be a whole number"},
           {"one_text=a&one_number=1", "one_number is one too many of choice"},
           {"time=now", "time must be the JSON of a google.protobuf.Timestamp"},
           {"wrapped_number=x", "wrapped_number must be a whole number"},
       }) {
    FakeExchange& exchange = query(row.query);
    EXPECT_EQ(exchange.status(), 400) << row.query;
    EXPECT_THAT(exchange.text(), HasSubstr(row.says)) << row.query;
  }
  EXPECT_EQ(shop_.calls, 0);
}

TEST_F(Rest, ABodyWhereNoneBelongsIs400) {
  EXPECT_EQ(call("GET", "/v1/everything", "", "{}").status(), 400);
  EXPECT_THAT(exchange_->text(), HasSubstr("GET /v1/everything takes no body"));
  EXPECT_EQ(call("DELETE", "/v1/shops/{shop}/items/{name...}", "", "{}",
                 {{"shop", "a"}, {"name", "b"}}, "boss")
                .status(),
            400);
}

TEST_F(Rest, ABodyThatIsWrongIs400AndNamesTheField) {
  struct Row {
    const char* body;
    const char* says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"{", "not JSON at byte 1"},
           {"[]", "the body must be an object"},
           {R"({"nowhere":1})", "nowhere is not a field"},
           {R"({"inner":{"count":"x"}})", "inner.count must be a whole number"},
           {R"({"text":"another"})", "text is another one in the path"},
       }) {
    FakeExchange& exchange = call("POST", "/v1/texts/{text}", "", row.body, {{"text", "this"}});
    EXPECT_EQ(exchange.status(), 400) << row.body;
    EXPECT_THAT(exchange.text(), HasSubstr(row.says)) << row.body;
  }
  EXPECT_EQ(call("POST", "/v1/texts/{text}", "flag=true", "{}", {{"text", "x"}}).status(), 400);
  EXPECT_THAT(exchange_->text(), HasSubstr("send it in the body"));
}

TEST_F(Rest, OnlyJsonIsTaken) {
  FakeExchange exchange("POST", "/v1/texts/x", "text=x");
  exchange.request_headers = {{"content-type", "application/x-www-form-urlencoded"}};
  serve(api_, "/v1/texts/{text}", exchange);
  EXPECT_EQ(exchange.status(), 400);
  EXPECT_THAT(exchange.text(), HasSubstr("send JSON"));

  FakeExchange json("POST", "/v1/texts/x", "{}");
  json.request_headers = {{"content-type", "Application/JSON; charset=utf-8"}};
  serve(api_, "/v1/texts/{text}", json);
  EXPECT_EQ(json.status(), 200);
}

TEST_F(Rest, HeadersFillTheFieldsThatAreDeclaredForThem) {
  const auto make = [&](const std::string& query, const std::string& body,
                        std::map<std::string, std::string> headers) -> FakeExchange& {
    exchange_.emplace("POST", "/v1/items" + query, body);
    exchange_->request_headers = {{"authorization", "Bearer secret"}};
    for (auto& [name, value] : headers) {
      exchange_->request_headers.emplace_back(name, value);
    }
    serve(api_, "/v1/items", *exchange_);
    return *exchange_;
  };

  EXPECT_THAT(make("", "{}", {{"if-match", "\"7\""}, {"idempotency-key", "once"}}).text(),
              HasSubstr(R"("conditions":{"key":"once","version":7})"));
  EXPECT_THAT(make("", "{}", {{"if-match", "7"}}).text(), HasSubstr(R"("version":7)"));
  EXPECT_THAT(make("", "{}", {{"if-match", "*"}}).text(), Not(HasSubstr(R"("version":)")));
  EXPECT_EQ(make("", R"({"conditions":{"version":7}})", {{"if-match", "7"}}).status(), 201);

  EXPECT_EQ(make("", R"({"conditions":{"version":8}})", {{"if-match", "7"}}).status(), 400);
  EXPECT_THAT(exchange_->text(), HasSubstr("is another one in the header if-match"));
  EXPECT_EQ(make("", "{}", {{"if-match", "\"\""}}).status(), 400);
  EXPECT_THAT(exchange_->text(), HasSubstr("leave the header out"));
  EXPECT_EQ(make("", "{}", {{"if-match", "0"}}).status(), 400);
  EXPECT_EQ(make("", "{}", {{"if-match", "\"seven\""}}).status(), 400);
  EXPECT_THAT(exchange_->text(), HasSubstr("conditions.version"));
}

TEST_F(Rest, WhatIsMadeIs201AndWhatWasThereAlready200) {
  EXPECT_EQ(call("POST", "/v1/items", "", R"({"name":"new"})").status(), 201);
  EXPECT_EQ(call("POST", "/v1/items", "", R"({"name":"old"})").status(), 200);
}

TEST_F(Rest, ABodyThatCannotBeReadIsThatError) {
  FakeExchange exchange("POST", "/v1/texts/x", "{}");
  exchange.read_error = Error(Code::kTooLarge, "the body has more than 10 bytes");
  serve(api_, "/v1/texts/{text}", exchange);

  EXPECT_EQ(exchange.status(), 413);
  EXPECT_THAT(exchange.text(), HasSubstr(R"("code":"too_large")"));
}

TEST_F(Rest, TheChainDecidesWhoMayCall) {
  EXPECT_EQ(call("GET", "/v1/everything", "", "", {}, "").status(), 401);
  EXPECT_EQ(exchange_->header_sent("www-authenticate"), "Bearer");
  EXPECT_EQ(call("GET", "/v1/everything", "", "", {}, "stolen").status(), 401);
  EXPECT_EQ(call("GET", "/v1/everything", "nowhere=1", "", {}, "guest").status(), 403);
  EXPECT_EQ(call("DELETE", "/v1/shops/{shop}/items/{name...}", "", "", {{"shop", "a"}}).status(),
            403);
  EXPECT_EQ(call("POST", "/v1/buy", "", R"({"shop":"a","price":101})").status(), 403);
  EXPECT_THAT(exchange_->text(), HasSubstr("too expensive"));
  EXPECT_EQ(shop_.calls, 0);
  EXPECT_EQ(call("POST", "/v1/buy", "", R"({"shop":"a","price":100})").status(), 200);
  EXPECT_EQ(call("POST", "/v1/texts/{text}", "", "", {{"text", "x"}}, "").status(), 200);
}

TEST_F(Rest, TheSchemeOfATokenIsWrittenAnyWay) {
  for (const auto& [value, status] :
       {std::pair("bearer secret", 200), std::pair("BEARER secret", 200),
        std::pair("Bearersecret", 401), std::pair("Basic secret", 401), std::pair("Bearer", 401)}) {
    FakeExchange exchange("GET", "/v1/everything");
    exchange.request_headers = {{"authorization", value}};
    serve(api_, "/v1/everything", exchange);
    EXPECT_EQ(exchange.status(), status) << value;
  }
}

TEST_F(Rest, ChecksOfFieldsAreTheChains) {
  EXPECT_EQ(
      call("PUT", "/v1/shops/{item_shop}/items", "", R"({"price":1001})", {{"item_shop", "ABC"}})
          .status(),
      400);
  EXPECT_THAT(exchange_->text(), HasSubstr(R"({"where":"item.price","message":"must be from)"));
  EXPECT_THAT(exchange_->text(), HasSubstr(R"({"where":"item.shop","message":"does not match)"));
}

TEST_F(Rest, AnErrorHasTheOneShapeAndTheStatusOfTheTable) {
  for (const Code code :
       {Code::kInvalidArgument, Code::kUnauthenticated, Code::kPermissionDenied, Code::kNotFound,
        Code::kAlreadyExists, Code::kConflict, Code::kFailedPrecondition, Code::kUnprocessable,
        Code::kRateLimited, Code::kTooLarge, Code::kSealed, Code::kUnavailable,
        Code::kDeadlineExceeded, Code::kCancelled, Code::kNoSpace, Code::kDataLoss,
        Code::kUnimplemented, Code::kInternal}) {
    const std::string name(code_info(code).name);
    FakeExchange& exchange = call("GET", "/v1/fail", "fail_with=" + name);
    EXPECT_EQ(exchange.status(), code_info(code).http_status) << name;
    EXPECT_EQ(exchange.header_sent("content-type"), "application/json");
    EXPECT_EQ(exchange.text(),
              text(R"({"error":"as you wish","code":"{}","id":"SHOP-1",)"
                   R"("hint":"wish for something else",)"
                   R"("details":[{"where":"shelf[0]","message":"is empty"}],"request_id":"r-1"})"
                   "\n",
                   name));
    EXPECT_EQ(exchange.header_sent("retry-after"),
              code == Code::kUnavailable || code == Code::kRateLimited ? "1" : "")
        << name;
  }
}

TEST_F(Rest, AThrowingHandlerIs500WithTheRequestId) {
  EXPECT_EQ(call("GET", "/v1/fail", "fail_with=throw").status(), 500);
  EXPECT_THAT(exchange_->text(), HasSubstr("look for request id r-1"));
  EXPECT_THAT(exchange_->text(), Not(HasSubstr("cheese")));
}

TEST_F(Rest, ACallWhoseTimeIsUpIs504) {
  FakeExchange exchange("GET", "/v1/everything");
  exchange.deadline_at = env::MonoTime::min();
  serve(api_, "/v1/everything", exchange);

  EXPECT_EQ(exchange.status(), 504);
}

TEST_F(Rest, AQueryReachesEveryFieldThatAValueCanSet) {
  FakeExchange& exchange = query(
      "flag=true&int_32=-5&int_64=-9223372036854775808&uint_64=18446744073709551615&real_32=1.5&"
      "real_64=-Infinity&text=a+b&data=_-8&colour=dark_blue&size=5&inner.name=x&inner.inner.count="
      "7&"
      "maybe=&flags=true&flags=false&numbers=1&numbers=2&texts=a&texts=&colours=RED&"
      "colours=COLOUR_DARK_BLUE&colours=1&one_number=3&time=2026-01-02T03:04:05Z&duration=1.5s&"
      "mask=a,b.c&wrapped_text=hi&wrapped_number=9&wrapped_flag=false&times=2026-01-01T00:00:00Z");

  ASSERT_EQ(exchange.status(), 200) << exchange.text();
  EXPECT_EQ(exchange.header_sent("content-type"), "application/json");
  Everything got;
  ASSERT_THAT(read_message(dsl::test::require_ok(parse_json(exchange.text())), got), ok());
  EXPECT_TRUE(got.flag());
  EXPECT_EQ(got.int_64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(got.uint_64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(got.text(), "a b");
  EXPECT_EQ(got.data(), "\xff\xef");
  EXPECT_EQ(got.colour(), COLOUR_DARK_BLUE);
  EXPECT_EQ(got.size(), Everything::LARGE);
  EXPECT_EQ(got.inner().name(), "x");
  EXPECT_EQ(got.inner().inner().count(), 7);
  EXPECT_TRUE(got.has_maybe());
  EXPECT_THAT(got.flags(), testing::ElementsAre(true, false));
  EXPECT_THAT(got.texts(), testing::ElementsAre("a", ""));
  EXPECT_THAT(got.colours(), testing::ElementsAre(COLOUR_RED, COLOUR_DARK_BLUE, COLOUR_RED));
  EXPECT_EQ(got.one_number(), 3);
  EXPECT_EQ(got.time().seconds(), 1767323045);
  EXPECT_EQ(got.duration().nanos(), 500000000);
  EXPECT_THAT(got.mask().paths(), testing::ElementsAre("a", "b.c"));
  EXPECT_EQ(got.wrapped_number().value(), 9);
  EXPECT_EQ(got.times_size(), 1);
}

TEST_F(Rest, EachFormOfAMethodPutsItsPartsInTheirPlaces) {
  call("POST", "/v1/texts/{text}", "", R"({"flag":true,"text":"this"})", {{"text", "this"}});
  EXPECT_THAT(exchange_->text(), HasSubstr(R"({"flag":true,)"));
  EXPECT_THAT(exchange_->text(), HasSubstr(R"("text":"this")"));

  call("POST", "/v1/inner/{inner_name}", "", R"({"inner":{"count":3}})", {{"inner_name", "n"}});
  EXPECT_THAT(exchange_->text(), HasSubstr(R"("inner":{"name":"n","count":"3"})"));

  call("POST", "/v1/colours/{colour}/{time}", "int_32=4", R"({"name":"n"})",
       {{"colour", "red"}, {"time", "2026-01-01T00:00:00Z"}});
  EXPECT_THAT(exchange_->text(), HasSubstr(R"("colour":"COLOUR_RED")"));
  EXPECT_THAT(exchange_->text(), HasSubstr(R"("int_32":4,)"));
  EXPECT_THAT(exchange_->text(), HasSubstr(R"("inner":{"name":"n","count":"0"})"));
  EXPECT_THAT(exchange_->text(), HasSubstr(R"("time":"2026-01-01T00:00:00Z")"));

  call("DELETE", "/v1/shops/{shop}/items/{name...}", "price=3", "",
       {{"shop", "a"}, {"name", "b/c"}}, "boss");
  EXPECT_EQ(exchange_->text(), "{\"shop\":\"a\",\"name\":\"b/c\",\"price\":3}\n");
}

TEST_F(Rest, APathThatIsWrongNamesItsField) {
  EXPECT_EQ(
      call("POST", "/v1/colours/{colour}/{time}", "", "", {{"colour", "red"}, {"time", "noon"}})
          .status(),
      400);
  EXPECT_THAT(exchange_->text(), HasSubstr("time must be"));
  EXPECT_EQ(call("POST", "/v1/colours/{colour}/{time}", "inner.name=x", "",
                 {{"colour", "red"}, {"time", "2026-01-01T00:00:00Z"}})
                .status(),
            400);
}

TEST_F(Rest, RawRoutesAreGuardedByTheSameRules) {
  const auto authorize = authorizer(api_);
  FakeExchange stranger("GET", "/metrics");
  FakeExchange user("GET", "/metrics");
  user.request_headers = {{"authorization", "Bearer secret"}};

  EXPECT_THAT(authorize(http::Access::kUnset, user), failed_with(Code::kPermissionDenied));
  EXPECT_THAT(authorize(http::Access::kUser, stranger), failed_with(Code::kUnauthenticated));
  EXPECT_THAT(authorize(http::Access::kAdmin, user), failed_with(Code::kPermissionDenied));
  EXPECT_THAT(authorize(http::Access::kPolicy, user), failed_with(Code::kPermissionDenied));
  EXPECT_THAT(authorize(http::Access::kUser, user), ok());
  EXPECT_THAT(authorize(http::Access::kPublic, stranger), ok());
}

}  // namespace
}  // namespace dsl::transcode::test
