#include "dsl/cli/man.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace dsl::cli {
namespace {

using test::failed_with;
using test::require_ok;
using testing::ElementsAre;
using testing::HasSubstr;

const BuildInfo kBuild{"v1.2.0-3", "abc", "2026-04-03T10:00:00Z"};

Command leaf(const std::string& name, const std::string& description = "") {
  Command command;
  command.name = name;
  command.summary = "Does it";
  command.description = description;
  return command;
}

std::string page_of(const std::string& description) {
  const Command command = leaf("demo", description);
  return man_page({&command}, kBuild);
}

TEST(ManPage, NothingOfATextIsTakenForRoff) {
  const std::string page = page_of(".so /etc/passwd\n'quoted\nback\\slash and --dry-run");

  EXPECT_THAT(page, HasSubstr("\n\\&.so /etc/passwd\n"));
  EXPECT_THAT(page, HasSubstr("\n\\(aqquoted\n"));
  EXPECT_THAT(page, HasSubstr("back\\eslash and \\-\\-dry\\-run\n"));
}

TEST(ManPage, ABacktickWithoutItsTwinStaysOne) {
  EXPECT_THAT(page_of("run `demo ps` or ` alone"), HasSubstr("run \\fBdemo ps\\fR or ` alone\n"));
}

TEST(ManPage, ParagraphsAndLinesAreThoseOfTheHelp) {
  EXPECT_THAT(
      page_of("one\ntwo\n\nthree:\n  as  is\n  it  is\nfour"),
      HasSubstr("one\n.br\ntwo\n.PP\nthree:\n.PP\n.nf\n  as  is\n  it  is\n.fi\n.PP\nfour\n"));
}

TEST(ManPage, ASubCommandIsNotMistakenForAProgram) {
  Command program = leaf("demo");
  program.commands = {leaf("agent")};
  const std::vector<const Command*> path{&program, &program.commands.front()};

  EXPECT_EQ(man_file(path), "demo_agent.1");
  EXPECT_THAT(man_page(path, kBuild),
              testing::StartsWith(".TH DEMO_AGENT 1 \"2026-04-03\" \"demo v1.2.0\\-3\""));
  EXPECT_THAT(man_page(path, kBuild), HasSubstr(".SH SEE ALSO\n\\fBdemo\\fR(1)\n"));
}

TEST(EachCommand, HiddenCommandsAreLeftOutAndAnErrorEndsTheWalk) {
  Command program = leaf("demo");
  program.commands = {leaf("seen"), leaf("unseen"), leaf("last")};
  program.commands[1].hidden = true;
  std::vector<std::string> visited;
  const auto note = [&](const std::vector<const Command*>& path) -> Result<void> {
    visited.push_back(path.back()->name);
    return {};
  };

  require_ok(each_command(program, note));
  EXPECT_THAT(visited, ElementsAre("demo", "seen", "last"));

  int calls = 0;
  EXPECT_THAT(each_command(program,
                           [&](const std::vector<const Command*>&) -> Result<void> {
                             ++calls;
                             return fail(Code::kNoSpace, "full");
                           }),
              failed_with(Code::kNoSpace));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace dsl::cli
