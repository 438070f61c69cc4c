// The five kinds of mistake, made in the file of a real program.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "support/bad_config.h"

namespace dsl::config {
namespace {

const std::vector<std::string> kRefuse{MC_REFUSE, "{}"};

TEST(BadConfigFile, EachKindOfMistakeIsRefusedWithPlaceAndHint) {
  test::expect_refused(
      kRefuse,
      {{"unknown key", "[server]\nlisten = \":0\"\nwokers = 1\n", 3,
        "did you mean server.workers?"},
       {"unknown section", "server.listen = \":0\"\n[sever]\nworkers = 1\n", 2,
        "did you mean [server]?"},
       {"wrong type", "[server]\nlisten = \":0\"\ntick = 5\n", 3, "a duration such as \"30s\""},
       {"out of range", "[server]\nlisten = \":0\"\nworkers = 0\n", 3, "1 to 64"},
       {"missing", "[server]\n", 0, "$REFUSE_SERVER_LISTEN"},
       {"bad syntax", "[server]\nlisten = :0\n", 2, "config reference"}});
}

TEST(BadConfigFile, TheHelperFailsOnAProgramThatAcceptsTheFile) {
  const auto try_good_file = [] {
    test::expect_refused(kRefuse, {{"good", "server.listen = \":0\"\n", 1, "anything"}});
  };
  testing::TestPartResultArray results;
  {
    const testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    try_good_file();
  }

  EXPECT_GE(results.size(), 4);
}

}  // namespace
}  // namespace dsl::config
