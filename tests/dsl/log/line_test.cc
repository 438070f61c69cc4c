#include "dsl/log/line.h"

#include <vector>

#include <gtest/gtest.h>

namespace dsl::log {
namespace {

constexpr env::WallTime kTime{std::chrono::milliseconds{1'775'205'900'000}};  // 2026-04-03T08:45Z

Line line(std::string_view message, std::span<const Field> fields = {}) {
  return {kTime, Level::kInfo, "mcp", "agent.boot", message, {}, fields};
}

TEST(Line, TextHasTimeLevelComponentMessageAndFields) {
  const std::vector<Field> fields{{"target", "mcq"}, {"ms", 12}, {"ok", true}};

  EXPECT_EQ(
      format_line(line("healthy", fields), Format::kText, false),
      "2026-04-03T08:45:00.000Z info  agent.boot: healthy service=mcp target=mcq ms=12 ok=true\n");
}

TEST(Line, TextQuotesValuesThatWouldNotReadBack) {
  const std::vector<Field> fields{{"a", "two words"}, {"b", ""}, {"c", "x=\"y\""}, {"d", "é"}};

  EXPECT_EQ(format_line(line("m", fields), Format::kJournal, false),
            "<6>agent.boot: m service=mcp a=\"two words\" b=\"\" c=\"x=\\\"y\\\"\" d=é\n");
}

TEST(Line, OneLineStaysOneLineInEveryFormat) {
  const std::vector<Field> fields{{"k", "a\nb\x1b[31m\x7f"}};

  for (const Format format : {Format::kText, Format::kJournal, Format::kJson}) {
    const std::string out = format_line(line("forged\n<3>agent: line\r", fields), format, false);

    EXPECT_EQ(out.find('\n'), out.size() - 1) << out;
    EXPECT_EQ(out.find('\x1b'), std::string::npos) << out;
    EXPECT_NE(out.find("forged\\n<3>agent: line\\r"), std::string::npos) << out;
    EXPECT_NE(out.find("a\\nb\\u001b[31m\\u007f"), std::string::npos) << out;
  }
}

TEST(Line, JournalPriorityFollowsTheLevel) {
  Line entry = line("m");
  std::string priorities;
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    entry.level = level;
    priorities += format_line(entry, Format::kJournal, false).substr(0, 3);
  }

  EXPECT_EQ(priorities, "<7><6><4><3>");
}

TEST(Line, ColourOnlyWhenAsked) {
  EXPECT_EQ(format_line(line("m"), Format::kText, false).find('\x1b'), std::string::npos);
  EXPECT_NE(format_line(line("m"), Format::kText, true).find("\x1b[32minfo "), std::string::npos);
}

TEST(Line, JsonEscapesAndKeepsTypes) {
  const std::vector<Field> fields{{"path", "C:\\x \"y\""}, {"n", -5}, {"ok", false}, {"tab", "\t"}};

  EXPECT_EQ(
      format_line(line("say \"hi\"", fields), Format::kJson, false),
      "{\"time\":\"2026-04-03T08:45:00.000Z\",\"level\":\"info\",\"service\":\"mcp\","
      "\"logger\":\"agent.boot\",\"message\":\"say \\\"hi\\\"\",\"path\":\"C:\\\\x \\\"y\\\"\","
      "\"n\":-5,\"ok\":false,\"tab\":\"\\t\"}\n");
}

TEST(Line, JsonReplacesBytesThatAreNotUtf8) {
  // A lone continuation, an overlong slash, a surrogate, beyond Unicode, a cut sequence.
  const std::vector<Field> fields{{"v", "\x80|\xC0\xAF|\xED\xA0\x80|\xF4\x90\x80\x80|\xE2\x82"}};
  const std::string bad = "\xEF\xBF\xBD";

  const std::string out = format_line(line("€ ok", fields), Format::kJson, false);

  EXPECT_NE(out.find("\"v\":\"" + bad + "|" + bad + bad + "|" + bad + bad + bad + "|" + bad + bad +
                     bad + bad + "|" + bad + bad + "\""),
            std::string::npos)
      << out;
  EXPECT_NE(out.find("€ ok"), std::string::npos);
}

TEST(Line, JsonHasEachNameOnceAndTheInnermostCounts) {
  const std::vector<Field> outer{{"id", "outer"}, {"method", "Get"}, {"id", "scope"}};
  const std::vector<Field> inner{{"id", "call"}, {"message", "mine"}};
  Line entry = line("m", inner);
  entry.outer = outer;

  const std::string out = format_line(entry, Format::kJson, false);

  EXPECT_TRUE(out.ends_with(
      "\"message\":\"m\",\"method\":\"Get\",\"id\":\"call\",\"message_\":\"mine\"}\n"))
      << out;
}

}  // namespace
}  // namespace dsl::log
