#include "dsl/transcode/binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/transcode/query.h"
#include "dsl/transcode/shop.h"
#include "support/result_matchers.h"

namespace dsl::transcode::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::Pair;

template <class Request, class Reply = Item>
void add_broken(rpc::MethodTable& table, const std::string& name) {
  const std::string method = "dsl.transcode.test.BrokenService." + name;
  table.add<Request, Reply>(
      method, [](rpc::CallContext&, const Request&) { return Result<Reply>(Reply()); });
}

TEST(Bindings, NameEveryFaultOfTheDeclarations) {
  rpc::MethodTable table;
  for (const char* name : {"Path", "Body", "NoBody", "Two", "Clash", "Clashing"}) {
    add_broken<Item>(table, name);
  }
  add_broken<PutItemRequest>(table, "Whole");
  add_broken<Item, LooksLikeAnError>(table, "Errors");

  const auto bindings = make_bindings(table);

  for (const char* fault :
       {"BrokenService.Path: has nothing in its path, which is no single value of",
        "BrokenService.Whole: has item in its path, which is no single value of",
        "BrokenService.Body: is a GET with a body",
        "BrokenService.NoBody: has the body nothing, which is no field of",
        "BrokenService.Two: has an (dsl.v1.http) option without one verb",
        "BrokenService.Clashing: has the path of dsl.transcode.test.BrokenService.Clash: "
        "GET /v1/clash/{name}",
        "BrokenService.Errors: streams dsl.transcode.test.LooksLikeAnError, which looks like"}) {
    EXPECT_THAT(bindings, failed_saying(Code::kInternal, fault));
  }
}

TEST(Bindings, AreOneForEachForm) {
  Shop shop;
  std::vector<std::string> forms;

  for (const Binding& binding : require_ok(make_bindings(shop.table()))) {
    forms.push_back(binding.verb + " " + binding.pattern);
  }

  EXPECT_THAT(forms,
              testing::UnorderedElementsAre(
                  "GET /v1/everything", "POST /v1/texts/{text}", "POST /v1/inner/{inner_name}",
                  "POST /v1/colours/{colour}/{time}", "PUT /v1/shops/{item_shop}/items",
                  "DELETE /v1/shops/{shop}/items/{name...}", "GET /v1/fail", "GET /v1/stream",
                  "POST /v1/buy", "POST /v1/items"));
}

TEST(Query, RefusesAPercentSignWithoutTwoDigits) {
  for (const char* bad : {"a=%", "a=%4", "%=1", "a=%4g", "a=%%41"}) {
    EXPECT_THAT(parse_query(bad), failed_with(Code::kInvalidArgument)) << bad;
  }
}

TEST(Query, IsReadAsFormsAreWritten) {
  EXPECT_THAT(require_ok(parse_query("a=1&b=x+y%2Bz&&c&d=&e==&%C3%A9=%00")),
              ElementsAre(Pair("a", "1"), Pair("b", "x y+z"), Pair("c", ""), Pair("d", ""),
                          Pair("e", "="), Pair("\xC3\xA9", std::string(1, '\0'))));
  EXPECT_THAT(require_ok(parse_query("")), ElementsAre());
}

}  // namespace
}  // namespace dsl::transcode::test
