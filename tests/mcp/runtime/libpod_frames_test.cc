#include "mcp/runtime/libpod_frames.h"

#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace mcp::runtime {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using testing::ElementsAre;

std::string frame(char stream, std::string_view text) {
  std::string out = {stream, 0, 0, 0, 0, 0, 0, static_cast<char>(text.size())};
  return out.append(text);
}

TEST(FrameReader, RefusesWhatIsNotFramed) {
  FrameReader reader;

  EXPECT_THAT(reader.feed("plain text", [](auto, auto) { return true; }),
              failed_with(Code::kDataLoss));
}

TEST(FrameReader, GivesTheSameFramesHoweverTheBytesAreCut) {
  const std::string bytes = frame(1, "one") + frame(2, "") + frame(2, "two!");
  for (std::size_t cut = 1; cut <= bytes.size(); ++cut) {
    FrameReader reader;
    std::string out;
    std::string err;
    for (std::size_t at = 0; at < bytes.size(); at += cut) {
      const auto more = reader.feed(std::string_view(bytes).substr(at, cut),
                                    [&](FrameStream stream, std::string_view piece) {
                                      (stream == FrameStream::kStderr ? err : out) += piece;
                                      return true;
                                    });
      ASSERT_TRUE(more.has_value());
    }
    EXPECT_EQ(out, "one") << "cut at " << cut;
    EXPECT_EQ(err, "two!") << "cut at " << cut;
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(FrameReader, StopsWhenAsked) {
  FrameReader reader;
  int pieces = 0;

  const auto more = reader.feed(frame(1, "a") + frame(1, "b"), [&](auto, auto) {
    ++pieces;
    return false;
  });

  EXPECT_EQ(more.value(), false);
  EXPECT_EQ(pieces, 1);
}

TEST(LineReader, CutsLinesAndLongLines) {
  LineReader reader(4);
  std::vector<std::string> lines;
  const auto keep = [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  };

  EXPECT_TRUE(reader.feed("ab\n\nabcdef", keep));
  EXPECT_TRUE(reader.feed("g\nend", keep));
  EXPECT_TRUE(reader.finish(keep));

  EXPECT_THAT(lines, ElementsAre("ab", "", "abcd", "efg", "end"));
}

TEST(LineReader, ALineOfTheLimitIsOneLine) {
  LineReader reader(4);
  std::vector<std::string> lines;

  EXPECT_TRUE(reader.feed("abcd\nx\n", [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  }));

  EXPECT_THAT(lines, ElementsAre("abcd", "x"));
}

}  // namespace
}  // namespace mcp::runtime
