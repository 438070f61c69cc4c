#include "dsl/cli/table.h"

#include <gtest/gtest.h>

#include "dsl/cli/width.h"

namespace dsl::cli {
namespace {

const std::vector<Column> kColumns{{"NAME"}, {"RESTARTS", true}, {"IMAGE", false, true}, {"NOTE"}};
const std::vector<std::vector<std::string>> kRows{
    {"mcq", "0", "registry.test/mcq:1.4.0", "healthy since the last deployment of this morning"},
    {"a-rather-long-service-name", "12", "registry.test/x:2", "exited with 1"}};

Globals plain() {
  Globals globals;
  globals.color = false;
  return globals;
}

TEST(Width, CountsCodePointsAndNotColours) {
  EXPECT_EQ(visible_width(""), 0u);
  EXPECT_EQ(visible_width("größe"), 5u);
  EXPECT_EQ(visible_width("\x1b[1;32mgood\x1b[0m"), 4u);
  EXPECT_EQ(visible_width("\x1b[3"), 0u);
}

TEST(Width, ShortenedEndsInAnEllipsisAndKeepsColours) {
  EXPECT_EQ(shortened("größe", 5), "größe");
  EXPECT_EQ(shortened("größer", 5), "größ…");
  EXPECT_EQ(shortened("abc", 1), "…");
  EXPECT_EQ(shortened("abc", 0), "");
  EXPECT_EQ(shortened("\x1b[32mabcdef\x1b[0m", 4), "\x1b[32mabc…\x1b[0m");
}

TEST(Table, WithoutALimitNothingIsCut) {
  EXPECT_EQ(
      render_table(kColumns, kRows, plain(), 0),
      "NAME                        RESTARTS  NOTE\n"
      "mcq                                0  healthy since the last deployment of this morning\n"
      "a-rather-long-service-name        12  exited with 1\n");
}

TEST(Table, AtALimitTheWidestGivesAndTheNameStays) {
  EXPECT_EQ(render_table(kColumns, kRows, plain(), 60),
            "NAME                        RESTARTS  NOTE\n"
            "mcq                                0  healthy since the las…\n"
            "a-rather-long-service-name        12  exited with 1\n");
  EXPECT_EQ(render_table(kColumns, kRows, plain(), 10),
            "NAME                        RESTARTS  NOTE\n"
            "mcq                                0  healthy…\n"
            "a-rather-long-service-name        12  exited …\n");
}

TEST(Table, WideColumnsAppearWhenAskedFor) {
  Globals globals = plain();
  globals.output = Output::kWide;

  EXPECT_EQ(render_table(kColumns, {kRows[1]}, globals, 0),
            "NAME                        RESTARTS  IMAGE              NOTE\n"
            "a-rather-long-service-name        12  registry.test/x:2  exited with 1\n");
}

TEST(Table, PaintedCellsLineUp) {
  EXPECT_EQ(render_table({{"STATE"}, {"NOTE"}}, {{"\x1b[32mok\x1b[0m", "a"}, {"failed", "b"}},
                         plain(), 0),
            "STATE   NOTE\n"
            "\x1b[32mok\x1b[0m      a\n"
            "failed  b\n");
}

TEST(Table, NoRowsLeaveTheHeading) {
  EXPECT_TRUE(Table(kColumns).empty());
  EXPECT_EQ(render_table({{"A"}, {"B"}}, {}, plain(), 80), "A  B\n");
}

}  // namespace
}  // namespace dsl::cli
