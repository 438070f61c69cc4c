#include "dsl/cli/names.h"

#include <gtest/gtest.h>

namespace dsl::cli {
namespace {

// A program with an option of its own and `demo deploy now`, whose leaf has this one.
Command program(const std::string& leaf_option) {
  static bool target = false;
  Command now{.name = "now", .options = {{.name = leaf_option, .target = &target}}};
  Command deploy{.name = "deploy", .commands = {std::move(now)}};
  deploy.options = {{.name = "-f,--follow", .target = &target}};
  return {.name = "demo",
          .options = {{.name = "--ca-cert", .target = &target}},
          .commands = {std::move(deploy)}};
}

TEST(Names, AnOptionSpelledLikeOneFurtherUpIsFound) {
  EXPECT_EQ(shadowed_option(program("--ca-cert")), "demo deploy now --ca-cert");
  EXPECT_EQ(shadowed_option(program("-x,--follow")), "demo deploy now --follow");
  EXPECT_EQ(shadowed_option(program("-f,--force")), "demo deploy now -f");
  EXPECT_EQ(shadowed_option(program("-h,--host")), "demo deploy now -h");
}

TEST(Names, OthersAndPositionalsAreNoTrouble) {
  EXPECT_EQ(shadowed_option(program("--upstream-ca")), "");
  EXPECT_EQ(shadowed_option(program("follow")), "");
}

TEST(NamesDeathTest, AProgramWithAnOptionLikeAGlobalOneDoesNotRun) {
  Globals globals;
  const char* const words[] = {"demo"};
  for (const char* global : {"--json", "-y", "--config", "--ca-cert"}) {
    const Command declared = program(global);
    const App app{.name = "demo", .options = declared.options, .commands = declared.commands};

    EXPECT_DEATH(run(app, globals, 1, words), std::string("demo deploy now ") + global);
  }
}

}  // namespace
}  // namespace dsl::cli
