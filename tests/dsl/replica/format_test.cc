#include "dsl/replica/format.h"

#include "dsl/replica/chain.h"
#include "support/result_matchers.h"

namespace dsl::replica {
namespace {

using test::failed_with;
using test::require_ok;
using ::testing::HasSubstr;

env::WallTime at(std::int64_t milliseconds) {
  return env::WallTime(std::chrono::milliseconds(milliseconds));
}

BaseHeader base() {
  return {.database = "a \"b\".db",
          .epoch = "00000003-8f2a1b3c",
          .time = at(1767225600000),
          .position = 4152,
          .page_bytes = 65536,
          .length = std::uint64_t{65536} << 32,
          .sha256 = std::string(64, 'a')};
}

SegmentHeader segment() {
  return {.database = "x.db",
          .epoch = "00000003-8f2a1b3c",
          .generation = 0xffffffff,
          .offset = 32,
          .length = 8240,
          .page_bytes = 4096,
          .salts = 0xfedcba9876543210,
          .commits = {{.end = 4152, .time = at(5)}, {.end = 8272, .time = at(5)}},
          .sha256 = std::string(64, '0'),
          .previous = std::string(64, 'f'),
          .log_before = 99};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t found = text.find(from);
  EXPECT_NE(found, std::string::npos) << from;
  return text.replace(found, from.size(), to);
}

TEST(Format, HeadersAreReadAsWritten) {
  EXPECT_EQ(require_ok(parse_base_header(to_line(base()))), base());
  EXPECT_EQ(require_ok(parse_segment_header(to_line(segment()))), segment());
  EXPECT_EQ(to_line(segment()).find('\n'), std::string::npos);
}

TEST(Format, EveryMemberOfASegmentIsChecked) {
  const std::string line = to_line(segment());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"{", "["},
           {"segment-1", "segment-2"},
           {"\"database\"", "\"other\""},
           {"4294967295", "4294967296"},
           {"4294967295", "0"},
           {"4294967295", "-1"},
           {"4294967295", "1.5"},
           {"4294967295", "\"1\""},
           {"\"offset\":32", "\"offset\":9007199254740993"},
           {"8240", "0"},
           {"8240", "8239"},
           {":4096", ":4095"},
           {":4096", ":256"},
           {":4096", ":131072"},
           {"fedcba9876543210", "fedcba987654321"},
           {"fedcba9876543210", "fedcba987654321g"},
           {"fedcba9876543210", "-edcba9876543210"},
           {std::string(64, '0'), std::string(63, '0')},
           {std::string(64, 'f'), std::string(64, 'F')},
           {"[4152,5]", "[4152,6]"},  // time goes back
           {"[4152,5]", "[32,5]"},    // before its begin
           {"[4152,5]", "[8272,5]"},  // not in order
           {"[4152,5]", "[4152]"},
           {"[4152,5]", "4152"},
           {"[4152,5]", "[4152,-5]"},
           {",[8272,5]", ""},  // the last one ends it
           {"[[4152,5],[8272,5]]", "[]"},
           {"[[4152,5],[8272,5]]", "{}"},
       }) {
    EXPECT_THAT(parse_segment_header(replaced(line, from, to)), failed_with(Code::kDataLoss))
        << from << " -> " << to;
  }
}

TEST(Format, EveryMemberOfABaseIsChecked) {
  const std::string line = to_line(base());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"base-1", "segment-1"},
           {"\"time_ms\":1", "\"time_ms\":-1"},
           {"\"page_bytes\":65536", "\"page_bytes\":0"},
           {"\"page_bytes\":65536", "\"page_bytes\":65535"},
           {"281474976710656", "0"},
           {"281474976710656", "281474976710657"},
           {std::string(64, 'a'), ""},
       }) {
    EXPECT_THAT(parse_base_header(replaced(line, from, to)), failed_with(Code::kDataLoss))
        << from << " -> " << to;
  }
}

// Readers make files of that name.
TEST(Format, NameOfADatabaseIsAFileName) {
  for (const char* wrong : {"", ".", "..", "../x.db", "/etc/x.db", "a/b", "a\nb"}) {
    BaseHeader header = base();
    header.database = wrong;
    EXPECT_THAT(parse_base_header(to_line(header)), failed_with(Code::kDataLoss)) << wrong;
  }
}

TEST(Format, ClosingNoteIsReadAsFarAsItCanBe) {
  EpochSummary summary;
  read_closing_note(
      R"({"reason":"why not","closed_ms":5,"generation":2,"offset":0,"log_before":4152})", summary);
  EXPECT_EQ(summary.closed, "why not");
  EXPECT_EQ(summary.closed_at, at(5));
  ASSERT_TRUE(summary.closed_end);
  EXPECT_EQ(summary.closed_end->generation, 2u);
  EXPECT_EQ(summary.closed_end->log_before, 4152u);

  for (const char* wrong : {"", "{", "[]", "null", R"({"reason":1,"closed_ms":"x"})",
                            R"({"closed_ms":-1,"generation":-1,"offset":0,"log_before":0})",
                            R"({"closed_ms":9223372036854775807,"generation":4294967296})"}) {
    EpochSummary other;
    read_closing_note(wrong, other);
    EXPECT_THAT(*other.closed, HasSubstr("cannot be read"));
    EXPECT_FALSE(other.closed_at);
    EXPECT_FALSE(other.closed_end);
  }
}

}  // namespace
}  // namespace dsl::replica
