#include "dsl/http/server.h"
#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::ok;

Route made(std::string method, std::string pattern) {
  Route route;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.access = Access::kPublic;
  route.handle = [](Exchange&) {};
  return route;
}

Router with(const std::vector<std::pair<std::string, std::string>>& routes) {
  Router router;
  for (const auto& [method, pattern] : routes) {
    router.add(made(method, pattern));
  }
  return router;
}

std::string found(const Router& router, std::string_view method, std::string_view path) {
  const Router::Match match = router.find(method, path);
  return match.route == nullptr ? "none, allowed: " + match.allowed : match.route->pattern;
}

TEST(Router, BadPatternsAreFaults) {
  for (const char* pattern : {"", "a", "/{", "/a{b}", "/{}", "/{a b}", "/{a}/{a}", "/{a...}/b"}) {
    EXPECT_THAT(with({{"GET", pattern}}).check(),
                failed_saying(Code::kInvalidArgument, "the pattern"))
        << pattern;
  }
}

TEST(Router, EveryFaultIsNamed) {
  Router router = with({{"GET", "/x/{a}"}, {"GET", "/x/{b}"}, {"G T", "/y"}});
  router.add({.pattern = "/z"});

  const auto checked = router.check();

  EXPECT_THAT(checked, failed_saying(Code::kInvalidArgument, "same requests as /x/{a}"));
  EXPECT_THAT(checked, failed_saying(Code::kInvalidArgument, "not a word"));
  EXPECT_THAT(checked, failed_saying(Code::kInvalidArgument, "GET /z: no access"));
  EXPECT_THAT(checked, failed_saying(Code::kInvalidArgument, "GET /z: no handler"));
}

TEST(Router, UnknownPathsAreNotFound) {
  const Router router = with({{"GET", "/a/b"}, {"GET", "/p/{x}"}, {"GET", "/r/{x...}"}});

  for (const char* path : {"", "/", "/a", "/a/", "/a/b/", "/a/b/c", "/A/b", "//a/b", "/p", "/p/",
                           "/p/x/y", "/r", "/%zz"}) {
    EXPECT_EQ(found(router, "GET", path), "none, allowed: ") << path;
  }
}

TEST(Router, MostSpecificPatternWins) {
  const Router router =
      with({{"GET", "/{rest...}"}, {"GET", "/a/{x}"}, {"GET", "/a/b"}, {"GET", "/a/{x}/c"}});

  EXPECT_EQ(found(router, "GET", "/a/b"), "/a/b");
  EXPECT_EQ(found(router, "GET", "/a/c"), "/a/{x}");
  EXPECT_EQ(found(router, "GET", "/a/b/c"), "/a/{x}/c") << "it goes back from /a/b";
  EXPECT_EQ(found(router, "GET", "/a/b/d"), "/{rest...}");
  EXPECT_EQ(found(router, "GET", "/"), "/{rest...}");
}

TEST(Router, MethodOfALessSpecificPatternCounts) {
  const Router router = with({{"POST", "/a/b"}, {"GET", "/a/{x}"}});

  EXPECT_EQ(found(router, "GET", "/a/b"), "/a/{x}");
  EXPECT_EQ(found(router, "HEAD", "/a/b"), "/a/{x}");
  EXPECT_EQ(found(router, "PUT", "/a/b"), "none, allowed: GET, HEAD, POST");
}

TEST(Router, ParametersAreDecodedSegmentBySegment) {
  const Router router = with({{"GET", "/z/{zone}/r/{name...}"}});

  const Router::Match match = router.find("GET", "/z/a%2Fb/r/x%20y/%2e/");

  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.params.at("zone"), "a/b");
  EXPECT_EQ(match.params.at("name"), "x y/./");
}

TEST(Router, LongAndDeepPathsEndSoon) {
  const Router router = with({{"GET", "/{a}/{b}/{c}/x"}, {"GET", "/a/{b}/{c}/y"}});
  std::string deep;
  for (int i = 0; i < 10000; ++i) {
    deep += "/a";
  }

  EXPECT_EQ(found(router, "GET", deep), "none, allowed: ");
}

}  // namespace
}  // namespace dsl::http::test
