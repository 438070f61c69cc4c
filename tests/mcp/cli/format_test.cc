#include "mcp/cli/format.h"

#include <gtest/gtest.h>

#include "mcp/cli/boot_text.h"
#include "mcp/cli/operation_report.h"
#include "mcp/cli/tables.h"

namespace mcp::cli {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kHour = 3600 * kSecond;

TEST(Duration, TakesTheUnitThatFits) {
  EXPECT_EQ(duration_text(0), "0 ms");
  EXPECT_EQ(duration_text(999), "999 ms");
  EXPECT_EQ(duration_text(1240), "1.2 s");
  EXPECT_EQ(duration_text(48 * kSecond), "48 s");
  EXPECT_EQ(duration_text(200 * kSecond), "3m 20s");
  EXPECT_EQ(duration_text(2 * kHour), "2h");
}

TEST(Age, OfNothingIsADash) { EXPECT_EQ(age_text(0, kHour), "-"); }

TEST(Age, IsNeverNegativeWhenAClockWasSetBack) { EXPECT_EQ(age_text(2 * kHour, kHour), "0s"); }

TEST(Age, TakesTwoUnitsAtMost) {
  EXPECT_EQ(age_text(1, 12 * kSecond + 1), "12s");
  EXPECT_EQ(age_text(1, 5 * 60 * kSecond + 1), "5m");
  EXPECT_EQ(age_text(1, 3 * kHour + 20 * 60 * kSecond + 1), "3h 20m");
  EXPECT_EQ(age_text(1, 99 * kHour + 1), "4d 3h");
}

TEST(Image, LosesItsHostAndTheMostOfItsDigest) {
  EXPECT_EQ(short_image("mcr.svc.mcp.metacircular.net:8443/mcr:v1.2.1"), "mcr:v1.2.1");
  EXPECT_EQ(short_image("localhost/standin:1"), "standin:1");
  EXPECT_EQ(short_image("library/postgres:15"), "library/postgres:15");
  EXPECT_EQ(short_image("x@sha256:0123456789abcdef0123"), "x@sha256:0123456789ab");
}

TEST(Paragraph, IsWrappedAtEightyColumns) {
  const std::string once = wrapped(std::string(79, 'a') + " bb cc");

  EXPECT_EQ(once, std::string(79, 'a') + "\nbb cc");
}

TEST(Difference, ShowsThePartOfLongValuesThatDiffers) {
  pb::SyncReply::Row row;
  pb::Difference& difference = *row.add_differences();
  difference.set_field("env");
  difference.set_have(std::string(100, 'a') + "old" + std::string(100, 'b'));
  difference.set_want(std::string(100, 'a') + "new" + std::string(100, 'b'));

  const std::string shown = difference_lines(row.differences(), "");

  EXPECT_NE(shown.find("aold"), std::string::npos) << shown;
  EXPECT_NE(shown.find("anew"), std::string::npos) << shown;
  EXPECT_LT(shown.size(), 160U);
}

TEST(Events, AreInColumnsWhateverTheNames) {
  pb::Event shorter;
  shorter.set_service("mcr");
  shorter.set_kind("deploy");
  pb::Event longer = shorter;
  longer.set_component("a-component-with-a-long-name");

  const std::string lines = event_lines({.color = false}, {shorter, longer});

  const std::size_t second = lines.find('\n') + 1;
  EXPECT_EQ(lines.find("deploy"), lines.find("deploy", second) - second) << lines;
}

TEST(OperationExitCode, IsTheAgentsOwnForAFailure) {
  pb::Operation operation;
  operation.set_state("rolled_back");
  EXPECT_EQ(operation_exit_code(operation), 1);

  operation.set_exit_code(6);
  EXPECT_EQ(operation_exit_code(operation), 6);

  operation.set_state("partial");
  EXPECT_EQ(operation_exit_code(operation), 7);

  operation.set_exit_code(0);
  operation.set_state("done");
  EXPECT_EQ(operation_exit_code(operation), 0);
}

TEST(BootExitCode, TellsAHoldFromAnAbort) {
  pb::BootRun run;
  EXPECT_EQ(boot_exit_code(run), 0);  // everything was taken down

  run.set_id(1);
  run.set_state("holding");
  EXPECT_EQ(boot_exit_code(run), 7);

  run.set_state("aborted");
  EXPECT_EQ(boot_exit_code(run), 1);

  run.set_state("done");
  EXPECT_EQ(boot_exit_code(run), 0);
}

}  // namespace
}  // namespace mcp::cli
