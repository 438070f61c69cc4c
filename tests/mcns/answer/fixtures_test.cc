// The answers of tests/mcns/answers: anybody can add one, with no knowledge of the code.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "mcns/answer/answer.h"
#include "mcns/answer/fixture.h"
#include "mcns/answer/zone_data.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

using dsl::test::require_ok;

const std::string kFolder = MC_SOURCE_DIR "/tests/mcns/answers/";

std::string read(const std::string& file) {
  return require_ok(dsl::env::system_env().files().read_file(kFolder + file));
}

std::vector<std::string> fixtures() {
  std::vector<std::string> found = require_ok(dsl::env::system_env().files().list(kFolder));
  std::erase_if(found, [](const std::string& name) { return !name.ends_with(".txt"); });
  std::sort(found.begin(), found.end());
  return found;
}

class Fixtures : public testing::TestWithParam<std::string> {};

TEST_P(Fixtures, AreAnsweredAsTheySay) {
  const test::Fixture fixture = require_ok(test::parse_fixture(read(GetParam())));
  std::vector<test::ZoneData> zones;
  for (const auto& [origin, file] : fixture.zones) {
    zones.push_back(test::read_zone(origin, file, read(file)));
  }
  zone::Store store;
  test::publish(store, zones);
  zone::Reader reader(store);
  const zone::Pin version(reader);
  Answerer answerer(AnswerOptions{});

  for (const test::FixtureCase& each : fixture.cases) {
    const test::Reply reply = test::ask(answerer, *version, each.asked);

    EXPECT_EQ(reply.answer.kind, Answer::Kind::kReply) << GetParam() << ":" << each.line;
    const std::string difference = test::difference(each, reply.message);
    EXPECT_EQ(difference, "") << GetParam() << ":" << each.line << "\n" << reply.message.text();
  }
}

std::string name_of_test(const testing::TestParamInfo<std::string>& file) {
  std::string name = file.param.substr(0, file.param.rfind('.'));
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Fixtures, testing::ValuesIn(fixtures()), name_of_test);

}  // namespace
}  // namespace mcns
