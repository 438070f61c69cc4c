#include "dsl/transcode/openapi.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/transcode/json_tree.h"
#include "dsl/transcode/shop.h"
#include "support/contract/transport_contract.h"
#include "support/result_matchers.h"

namespace dsl::transcode::test {
namespace {

using dsl::test::require_ok;

const JsonValue& at(const JsonValue& value, std::initializer_list<std::string_view> names) {
  const JsonValue* found = &value;
  for (const std::string_view name : names) {
    const JsonValue* next = nullptr;
    for (const JsonValue::Member& member : found->members) {
      next = member.name == name ? &member.value : next;
    }
    if (next == nullptr) {
      ADD_FAILURE() << "no member " << name;
      return *found;
    }
    found = next;
  }
  return *found;
}

// The texts of all members of this name, wherever they are.
void gather(const JsonValue& value, std::string_view name, std::multiset<std::string>& out) {
  for (const JsonValue::Member& member : value.members) {
    if (member.name == name && member.value.kind == JsonValue::Kind::kString) {
      out.insert(member.value.text);
    }
    gather(member.value, name, out);
  }
}

class OpenApi : public testing::Test {
 protected:
  Shop shop_;
  const JsonValue document_ = require_ok(
      parse_json(require_ok(openapi(shop_.table(), {.title = "shop", .version = "v1"}))));
};

TEST_F(OpenApi, IsOfVersion31AndNamesTheService) {
  EXPECT_EQ(at(document_, {"openapi"}).text, "3.1.0");
  EXPECT_EQ(at(document_, {"info", "title"}).text, "shop");
  EXPECT_EQ(at(document_, {"info", "version"}).text, "v1");
}

TEST_F(OpenApi, HeadersAndStatusOfAMethodThatMakesSomethingAreTold) {
  const JsonValue& post = at(document_, {"paths", "/v1/items", "post"});

  std::multiset<std::string> names;
  gather(at(post, {"parameters"}), "name", names);
  EXPECT_THAT(names, testing::ElementsAre("idempotency-key", "if-match"));
  EXPECT_EQ(at(post, {"responses"}).members.at(1).name, "201");
}

TEST_F(OpenApi, EveryReferenceHasItsSchemaAndEveryOperationAnIdOfItsOwn) {
  std::multiset<std::string> references;
  gather(document_, "$ref", references);
  std::set<std::string> schemas;
  for (const JsonValue::Member& member : at(document_, {"components", "schemas"}).members) {
    schemas.insert("#/components/schemas/" + member.name);
  }
  EXPECT_GE(references.size(), 10u);
  for (const std::string& reference : references) {
    EXPECT_TRUE(schemas.count(reference)) << reference;
  }

  std::multiset<std::string> ids;
  gather(document_, "operationId", ids);
  EXPECT_EQ(ids.size(), 10u);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST_F(OpenApi, SaysWhatTheDeclarationsSay) {
  const JsonValue& put = at(document_, {"paths", "/v1/shops/{item_shop}/items", "put"});
  EXPECT_EQ(at(put, {"description"}).text,
            "Has a body that is one field, a path inside it, and checks.");
  EXPECT_EQ(at(put, {"x-access"}).text, "USER");
  EXPECT_EQ(at(put, {"parameters"}).members.size(), 2u);
  EXPECT_EQ(at(put, {"parameters"}).members[0].value.members[0].value.text, "item_shop");
  EXPECT_EQ(at(put, {"parameters"}).members[1].value.members[0].value.text, "dry_run");
  EXPECT_EQ(at(put, {"requestBody", "content", "application/json", "schema", "$ref"}).text,
            "#/components/schemas/dsl.transcode.test.Item");
  const JsonValue& item =
      at(document_, {"components", "schemas", "dsl.transcode.test.Item", "properties"});
  EXPECT_EQ(at(item, {"shop", "pattern"}).text, "^(?:[a-z]+)$");
  EXPECT_EQ(at(item, {"price", "maximum"}).text, "1000");
  const JsonValue& all =
      at(document_, {"components", "schemas", "dsl.transcode.test.Everything", "properties"});
  EXPECT_EQ(at(all, {"int_64", "type"}).text, "string");
  EXPECT_EQ(at(all, {"time", "format"}).text, "date-time");
  EXPECT_EQ(at(all, {"colour", "enum"}).members.size(), 3u);
  const JsonValue& stream = at(document_, {"paths", "/v1/stream", "get", "responses", "200"});
  EXPECT_EQ(at(stream, {"content"}).members.size(), 2u);
  EXPECT_TRUE(at(document_, {"paths", "/v1/fail", "get", "security"}).members.empty());
}

TEST_F(OpenApi, EveryPathIsServed) {
  const std::string document =
      require_ok(openapi(shop_.table(), {.title = "shop", .version = "v1"}));

  EXPECT_EQ(dsl::test::operations_are_served(shop_.api(), document), 10);
}

}  // namespace
}  // namespace dsl::transcode::test
