#include <gtest/gtest.h>

#include "mcp/model/render.h"
#include "support.h"

namespace {

using namespace mcp::model;
using Words = std::vector<std::string>;

TEST(SplitShell, NamesWhatNeedsAShell) {
  for (const char* text :
       {"echo $HOME", "echo \"$HOME\"", "echo `id`", "echo \"`id`\"", "a | b", "a > b", "a < b",
        "a & b", "(a)", "cd ~/x", "a 'unclosed", "a \"unclosed", "a \\", "a\nb"}) {
    const auto words = split_shell(text);

    ASSERT_FALSE(words) << text;
    EXPECT_EQ(words.error().code(), dsl::Code::kInvalidArgument);
    EXPECT_TRUE(words.error().message().starts_with("line ")) << words.error().message();
  }
  EXPECT_FALSE(split_shell(std::string_view("a\0b", 3)));
  EXPECT_FALSE(split_shell(std::string((std::size_t{1} << 20) + 1, 'x')));
}

TEST(SplitShell, SplitsAsPosixDoes) {
  const std::pair<const char*, Words> cases[] = {
      {"", {}},
      {"  # only a comment\n", {}},
      {"a b\tc", {"a", "b", "c"}},
      {"a 'b c' \"d e\"f", {"a", "b c", "d ef"}},
      {"a'b'\"c\"d", {"abcd"}},
      {"'' \"\"", {"", ""}},
      {"a\\ b \\'c", {"a b", "'c"}},
      {"\"a\\\"b\\\\c\\$d\\e\"", {"a\"b\\c$d\\e"}},
      {"'a\\b$c'", {"a\\b$c"}},
      {"a \\\n  b", {"a", "b"}},
      {"a\\\nb", {"ab"}},
      {"a#b c #d", {"a#b", "c"}},
      {"a~ b*?[c] {d}", {"a~", "b*?[c]", "{d}"}},
      {"\n\na\n\n", {"a"}},
  };
  for (const auto& [text, expected] : cases) {
    const auto words = split_shell(text);

    ASSERT_TRUE(words) << text << ": " << words.error().message();
    EXPECT_EQ(*words, expected) << text;
  }
}

TEST(QuoteShell, QuotesOnlyWhatTheShellWouldTouch) {
  EXPECT_EQ(quote_shell("/srv/x:/srv/x"), "/srv/x:/srv/x");
  EXPECT_EQ(quote_shell(""), "''");
  EXPECT_EQ(quote_shell("it's"), "'it'\\''s'");
  EXPECT_EQ(quote_shell("a b"), "'a b'");
  EXPECT_EQ(quote_shell("[::1]:53:53"), "'[::1]:53:53'");
  EXPECT_EQ(quote_shell("$x;`y`\n"), "'$x;`y`\n'");
}

}  // namespace
