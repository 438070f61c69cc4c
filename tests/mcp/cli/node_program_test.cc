// How words travel to a shell on another machine.
#include "mcp/cli/node_program.h"

#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "support/result_matchers.h"

namespace mcp::cli {
namespace {

using dsl::test::require_ok;

TEST(ShellQuoted, WordsArriveAsTheyAre) {
  for (const std::string word :
       {"plain", "", "two words", "it's", "$(id)", "a\"b", "-x;rm", "\\"}) {
    const auto output = require_ok(dsl::env::system_env().processes().run(
        {.argv = {"sh", "-c", "printf %s " + shell_quoted(word)}}, std::chrono::seconds(10)));
    EXPECT_EQ(output.out, word);
  }
}

}  // namespace
}  // namespace mcp::cli
