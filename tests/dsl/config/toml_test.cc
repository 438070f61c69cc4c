#include "dsl/config/toml.h"

#include <string>

#include <gtest/gtest.h>

namespace dsl::config {
namespace {

std::string error_of(std::string_view text) {
  const Result<TomlValue> parsed = parse_toml(text, "mcq.toml");
  return parsed ? "parsed" : parsed.error().message();
}

TomlValue parse(std::string_view text) {
  Result<TomlValue> parsed = parse_toml(text, "mcq.toml");
  EXPECT_TRUE(parsed) << parsed.error().render();
  return parsed ? *parsed : TomlValue{};
}

std::string place(Position position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

TEST(Toml, BadSyntaxNamesFileLineAndColumn) {
  EXPECT_TRUE(error_of("x = yes").starts_with("mcq.toml:1:5: ")) << error_of("x = yes");
  EXPECT_TRUE(error_of("a = 1\nb = [1,\n 2 3]").starts_with("mcq.toml:3:4: "));
  EXPECT_TRUE(error_of("a = \"\xff\"").starts_with("mcq.toml:1:"));
  EXPECT_TRUE(error_of("[a\n").starts_with("mcq.toml:1:"));
  EXPECT_TRUE(error_of("a = \"open").starts_with("mcq.toml:1:"));
  EXPECT_TRUE(error_of("a = '''open\n\n").starts_with("mcq.toml:"));
}

TEST(Toml, DuplicateKeysAndTablesAreErrors) {
  EXPECT_TRUE(error_of("a = 1\na = 2").starts_with("mcq.toml:2:"));
  EXPECT_TRUE(error_of("[a]\n[a]\n").starts_with("mcq.toml:2:"));
}

TEST(Toml, AKeyOfTooManyPartsIsRefusedAndNotRecursedInto) {
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) {
    deep += "a.";
  }

  EXPECT_EQ(error_of(deep + "a = 1"), "mcq.toml:1:128: a key has more than 64 parts");
  EXPECT_EQ(error_of("x = 1\n[" + deep + "a]"), "mcq.toml:2:129: a key has more than 64 parts");
  EXPECT_EQ(error_of("x = [{ " + deep + "a = 1 }]"),
            "mcq.toml:1:135: a key has more than 64 parts");
}

TEST(Toml, DotsInStringsAndCommentsAreNotKeyParts) {
  const std::string dots(500, '.');

  EXPECT_EQ(parse("a = \"\\\"" + dots + "\"").find("a")->string, "\"" + dots);
  EXPECT_EQ(parse("a = '" + dots + "'").find("a")->string, dots);
  EXPECT_EQ(parse("a = \"\"\"\n\"" + dots + "\n\"\"\"").find("a")->string, "\"" + dots + "\n");
  EXPECT_EQ(parse("# it's " + dots + "\na = 1").find("a")->integer, 1);
}

TEST(Toml, EachKindArrivesWithItsValueAndName) {
  const TomlValue root = parse(
      "s = \"text\"\n"
      "i = -16\n"
      "f = 1.5\n"
      "b = true\n"
      "a = [1, \"two\"]\n"
      "t = { x = 1 }\n"
      "d = 1979-05-27T07:32:00Z\n"
      "l = 1979-05-27\n"
      "c = 07:32:00\n");

  EXPECT_EQ(root.find("s")->string, "text");
  EXPECT_EQ(root.find("s")->kind_name(), "string");
  EXPECT_EQ(root.find("i")->integer, -16);
  EXPECT_EQ(root.find("i")->kind_name(), "integer");
  EXPECT_EQ(root.find("f")->number, 1.5);
  EXPECT_EQ(root.find("f")->kind_name(), "float");
  EXPECT_TRUE(root.find("b")->boolean);
  EXPECT_EQ(root.find("b")->kind_name(), "boolean");
  EXPECT_EQ(root.find("a")->items.at(1).string, "two");
  EXPECT_EQ(root.find("a")->kind_name(), "array");
  EXPECT_EQ(root.find("t")->find("x")->integer, 1);
  EXPECT_EQ(root.find("t")->kind_name(), "table");
  EXPECT_EQ(root.find("d")->string, "1979-05-27T07:32:00Z");
  EXPECT_EQ(root.find("l")->string, "1979-05-27");
  EXPECT_EQ(root.find("c")->string, "07:32:00");
  EXPECT_EQ(root.find("missing"), nullptr);
}

TEST(Toml, MembersKeepTheOrderOfTheFileAndTheirPositions) {
  const TomlValue root = parse(
      "z = 1\n"
      "[b.c]\n"
      "y.x = \"é\"  \n"
      "  a = 2\n"
      "[b]\n"
      "m = true\n");

  ASSERT_EQ(root.members.size(), 2u);
  EXPECT_EQ(root.members[0].key, "z");
  EXPECT_EQ(place(root.members[0].value.position), "1:5");
  const TomlMember& b = root.members[1];
  EXPECT_EQ(b.key, "b");
  EXPECT_EQ(place(b.position), "2:2");
  ASSERT_EQ(b.value.members.size(), 2u);
  EXPECT_EQ(b.value.members[0].key, "c");
  EXPECT_EQ(b.value.members[1].key, "m");
  const TomlValue& c = b.value.members[0].value;
  ASSERT_EQ(c.members.size(), 2u);
  EXPECT_EQ(c.members[0].key, "y");
  EXPECT_EQ(place(c.members[0].value.find("x")->position), "3:7");
  EXPECT_EQ(place(c.members[1].position), "4:3");
}

TEST(Toml, ArraysOfTablesKnowWhereEachEntryStarts) {
  const TomlValue root = parse("[[peer]]\nname = 'a'\n\n[[peer]]\nname = 'b'\n");

  const TomlValue* peers = root.find("peer");
  ASSERT_NE(peers, nullptr);
  EXPECT_EQ(peers->kind, TomlValue::Kind::kArray);
  ASSERT_EQ(peers->items.size(), 2u);
  EXPECT_EQ(place(peers->items[1].position), "4:1");
  EXPECT_EQ(peers->items[1].find("name")->string, "b");
}

}  // namespace
}  // namespace dsl::config
