// Runs the command lines of tests/dsl/cli/golden/*.txt and compares all that the demo program
// prints, and its exit code, with what stands below each. MC_UPDATE_GOLDEN=1 writes the files anew.
#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "support/result_matchers.h"

namespace dsl::cli {
namespace {

using test::require_ok;

constexpr std::chrono::milliseconds kPatience{30'000};

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return words;
}

std::string run_line(const std::string& line) {
  env::Command command;
  command.argv = words_of(line);
  command.argv.front() = std::string(MC_DEMO_DIR) + "/" + command.argv.front();
  const env::Output output = require_ok(env::system_env().processes().run(command, kPatience));
  std::string out = "$ " + line + "\n" + output.out;
  if (!output.err.empty()) {
    out += "--- stderr\n" + output.err;
  }
  return out + "--- exit " + std::to_string(output.exit_code) + "\n\n";
}

// The golden file as it would be written now.
std::string replay(const std::string& golden) {
  std::string out;
  std::istringstream in(golden);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("$ ")) {
      out += run_line(line.substr(2));
    }
  }
  return out;
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, TheProgramSaysWhatTheFileSays) {
  const std::string path = std::string(MC_TEST_DATA) + "/golden/" + GetParam();
  env::FileSystem& files = env::system_env().files();
  const std::string expected = require_ok(files.read_file(path));

  const std::string actual = replay(expected);

  if (std::getenv("MC_UPDATE_GOLDEN")) {
    ASSERT_THAT(files.write_file(path, actual), test::ok());
  } else {
    EXPECT_EQ(actual, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::Values("help.txt", "mistakes.txt", "words.txt"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           return name.substr(0, name.find('.'));
                         });

}  // namespace
}  // namespace dsl::cli
