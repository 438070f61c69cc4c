#include "support/bad_config.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::test {

namespace {

constexpr std::chrono::milliseconds kPatience{30'000};

void expect_refused(const std::vector<std::string>& argv, const BadConfig& bad) {
  const testing::ScopedTrace trace(__FILE__, __LINE__, bad.kind);
  const TempDir dir;
  const std::string path = dir.write("bad.toml", bad.toml);
  env::Command command;
  command.argv = argv;
  std::replace(command.argv.begin(), command.argv.end(), std::string("{}"), path);

  const Result<env::Output> output = env::system_env().processes().run(command, kPatience);

  ASSERT_THAT(output, ok());
  EXPECT_EQ(output->exit_code, kExitUsage);
  EXPECT_EQ(output->out, "");
  EXPECT_THAT(output->err, testing::StartsWith("error: "));
  EXPECT_THAT(output->err, testing::HasSubstr("\nhint: "));
  EXPECT_THAT(output->err, testing::HasSubstr(bad.words));
  const std::string place = bad.line > 0 ? text("{}:{}:", path, bad.line) : path + ":";
  EXPECT_THAT(output->err, testing::HasSubstr(place));
}

}  // namespace

void expect_refused(const std::vector<std::string>& argv, const std::vector<BadConfig>& cases) {
  for (const BadConfig& bad : cases) {
    expect_refused(argv, bad);
  }
}

}  // namespace dsl::test
