// The program without an agent: definitions on disk, and what it says when nobody answers.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "mcp/cli/program.h"
#include "mcp/model/catalogue.h"
#include "support/result_matchers.h"

namespace mcp::cli {
namespace {

using dsl::test::require_ok;
using test::Ran;
using test::User;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kMcr = R"(name = "mcr"
version = "v1.2.1"
tier = "core"
[[components]]
name = "api"
ports = ["127.0.0.1:28443:8443"]
[[components]]
name = "web"
after = ["api"]
)";

const std::string kReferenceLines =
    std::string(MC_SOURCE_DIR) + "/tests/mcp/data/reference-podman-run.sh";

TEST(Unreachable, NamesTheSocketAndTheNextStep) {
  const User user;

  const Ran ran = user.run({"ps"});

  EXPECT_EQ(ran.exit_code, 5);
  EXPECT_THAT(ran.err, HasSubstr("MCP-0505"));
  EXPECT_THAT(ran.err, HasSubstr(user.socket()));
  EXPECT_THAT(ran.err, HasSubstr("mcp-agent doctor"));
}

TEST(Unreachable, ASocketThatNobodyListensOnIsSaidToBeSilent) {
  const User user;
  user.home().write("agent.sock", "");

  const Ran ran = user.run({"status"});

  EXPECT_EQ(ran.exit_code, 5);
  EXPECT_THAT(ran.err, HasSubstr("does not answer"));
}

TEST(Usage, ATargetThatIsNoNameIsRefusedBeforeTheAgentIsAsked) {
  const User user;

  const Ran ran = user.run({"stop", "MCR"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("names no service"));
}

TEST(Usage, AMistypedCommandGetsTheNearestOne) {
  const User user;

  const Ran ran = user.run({"deplyo", "mcr"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("mcp deploy"));
}

TEST(Usage, EveryCommandHasHelpWithinEightyColumns) {
  const User user;
  const std::vector<std::vector<std::string>> commands = {
      {"deploy"},
      {"undeploy"},
      {"start"},
      {"stop"},
      {"restart"},
      {"sync"},
      {"adopt"},
      {"status"},
      {"ps"},
      {"list"},
      {"ports"},
      {"logs"},
      {"events"},
      {"watch"},
      {"lint"},
      {"diff"},
      {"render"},
      {"convert"},
      {"boot"},
      {"boot", "status"},
      {"boot", "retry"},
      {"boot", "skip"},
      {"boot", "proceed"},
      {"boot", "abort"},
      {"agent", "status"},
      {"agent", "recover"},
      {"image", "ls"},
      {"image", "save"},
      {"image", "load"},
      {"doctor"},
      {"explain"},
      {"runbook"},
  };
  for (std::vector<std::string> words : commands) {
    words.emplace_back("--help");

    const Ran ran = user.run(words);

    EXPECT_EQ(ran.exit_code, 0) << words.front();
    EXPECT_THAT(ran.out, HasSubstr("Examples")) << words.front();
    for (std::size_t at = 0; at < ran.out.size();) {
      const std::size_t end = ran.out.find('\n', at);
      EXPECT_LE(end - at, 80U) << ran.out.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST(Lint, NamesEveryMistakeWithLineAndColumn) {
  const User user;
  user.define("mcr", "name = \"mcr\"\nverison = \"v1\"\n[[components]]\nuser = 3\n");

  const Ran ran = user.run({"lint"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.out, HasSubstr("mcr.toml:2:1: error"));
  EXPECT_THAT(ran.out, HasSubstr("did you mean `version`?"));
  EXPECT_THAT(ran.out, HasSubstr("mcr.toml:4:8: error"));
}

TEST(Lint, FindsACycleOverSeveralDefinitionsFromOneOfThem) {
  const User user;
  user.define("a", "name = \"a\"\nversion = \"1\"\ndepends_on = [\"b\"]\n");
  user.define("b", "name = \"b\"\nversion = \"1\"\ndepends_on = [\"a\"]\n");

  const Ran ran = user.run({"lint", "a"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.out, HasSubstr("MCP-0105"));
}

TEST(Lint, OfOneServiceLeavesOutTheCyclesOfOthers) {
  const User user;
  user.define("a", "name = \"a\"\nversion = \"1\"\ndepends_on = [\"b\"]\n");
  user.define("b", "name = \"b\"\nversion = \"1\"\ndepends_on = [\"a\"]\n");
  user.define("c", "name = \"c\"\nversion = \"1\"\ndepends_on = [\"a\"]\n");

  EXPECT_EQ(user.run({"lint", "c"}).exit_code, 0);
  EXPECT_THAT(user.run({"lint", "b"}).out,
              HasSubstr("services/b.toml:3:14: error[MCP-0105]: services wait for each other"));
}

TEST(Lint, OfWhatIsNoTomlNamesThePlaceOnce) {
  const User user;
  user.define("mcr", "name = \"mcr\"\nversion = \n");

  const std::string out = user.run({"lint", "mcr"}).out;

  const std::size_t place = out.find("mcr.toml:2:");
  EXPECT_NE(place, std::string::npos) << out;
  EXPECT_EQ(out.find("mcr.toml", place + 1), std::string::npos) << out;
}

TEST(Lint, GivesEachProblemItsOwnCode) {
  const User user;
  user.define("mcr",
              "name = \"mcr\"\nversion = \"latest\"\n[[components]]\n"
              "volumes = [\"/etc:/etc\"]\n");

  const std::string out = user.run({"lint", "mcr"}).out;

  EXPECT_THAT(out, HasSubstr("mcr.toml:2:11: error[MCP-0103]: `version`"));
  EXPECT_THAT(out, HasSubstr("error[MCP-0104]: volume /etc lies outside"));
}

TEST(Render, ASingleProblemIsSaidOnce) {
  const User user;
  user.define("mcr", "name = \"mcr\"\nversion = \"latest\"\n");

  const std::string err = user.run({"render", "mcr"}).err;

  const std::size_t place = err.find("mcr.toml:2:11");
  EXPECT_NE(place, std::string::npos) << err;
  EXPECT_EQ(err.find("mcr.toml:2:11", place + 1), std::string::npos) << err;
}

TEST(Lint, OfANodesAddressesNeedsNoAgent) {
  const User user;
  user.define("mcns",
              "name = \"mcns\"\nversion = \"v1\"\nnode = \"rift\"\n[[components]]\n"
              "ports = [\"@lan:53:53/udp\"]\n");

  const Ran ran = user.run({"lint"});

  EXPECT_EQ(ran.exit_code, 0) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("warning[L-SRCIP]"));
}

TEST(Lint, InJsonIsAFindingALine) {
  const User user;
  user.define("mcr", "name = \"mcr\"\n");

  const Ran ran = user.run({"lint", "--json"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.out, testing::StartsWith("{\"id\":\"MCP-0103\",\"severity\":\"fail\""));
}

TEST(Lint, OfAServiceThatIsNotThereNamesTheNearest) {
  const User user;
  user.define("mcr", kMcr);

  const Ran ran = user.run({"lint", "mcrr"});

  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("did you mean mcr?"));
}

TEST(Render, OfAnAddressThatOnlyTheAgentKnowsIsRefused) {
  const User user;
  user.define("mcns",
              "name = \"mcns\"\nversion = \"v1\"\n[[components]]\nports = [\"@lan:53:53/udp\"]\n");

  const Ran ran = user.run({"render", "mcns"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_EQ(ran.out, "");
}

TEST(Render, TheResolvedDefinitionResolvesToTheSame) {
  const User user;
  user.define("mcr", kMcr);
  const std::string json = user.run({"render", "mcr", "--format", "json"}).out;

  user.define("mcr", user.run({"render", "mcr", "--format", "toml", "--resolved"}).out);

  EXPECT_EQ(user.run({"render", "mcr", "--format", "json"}).out, json);
}

TEST(Render, NoticesGoToStderrAlone) {
  const User user;
  user.define("mcr", kMcr);

  const Ran ran = user.run({"render", "mcr"});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("podman run -d --name mcr-api"));
  EXPECT_THAT(ran.err, HasSubstr("note: "));
  EXPECT_THAT(ran.out, Not(HasSubstr("note: ")));
}

TEST(Convert, OfAFileThatIsThereAsksFirst) {
  const User user;
  ASSERT_EQ(user.run({"convert", kReferenceLines, "--out", "services"}).exit_code, 0);

  const Ran ran = user.run({"convert", kReferenceLines, "--out", "services"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--yes"));
}

TEST(Convert, ReadsStandardInput) {
  const User user;

  const Ran ran = user.run({"convert"},
                           "podman run -d --name web -v /srv/web:/srv/web "
                           "docker.io/library/nginx:1.25\n");

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("nginx:1.25"));
}

// Twelve command lines become ten services, and each renders to lines that convert back to the
// same definition.
TEST(Convert, OfTheReferencePlatformRendersBack) {
  const User user;
  ASSERT_EQ(user.run({"convert", kReferenceLines, "--out", "services"}).exit_code, 0);
  const auto files = require_ok(dsl::env::system_env().files().list(user.home().file("services")));
  ASSERT_FALSE(files.empty());

  for (const std::string& file : files) {
    const std::string lines = user.run({"render", file.substr(0, file.size() - 5)}).out;

    const Ran again = user.run({"convert"}, lines);

    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(again.out, user.home().read("services/" + file));
  }
}

TEST(Explain, OfACodeThatDoesNotExistIsNotFound) {
  const User user;

  EXPECT_EQ(user.run({"explain", "MCP-9999"}).exit_code, 3);
}

// Commands as `...` in the catalogue's texts, from `program` on.
std::vector<std::vector<std::string>> advised_commands(const std::string& program) {
  std::vector<std::vector<std::string>> commands;
  for (const model::CatalogueEntry& entry : model::catalogue()) {
    const std::string advice = std::string(entry.meaning) + " " + std::string(entry.fix);
    for (std::size_t open = advice.find('`'); open != std::string::npos;) {
      const std::size_t close = advice.find('`', open + 1);
      std::istringstream quoted(advice.substr(open + 1, close - open - 1));
      std::vector<std::string> words;
      for (std::string word; quoted >> word;) {
        words.push_back(word == "<name>" || word == "<service>" ? "mcr" : word);
      }
      if (words.size() > 1 && words.front() == program) {
        commands.emplace_back(words.begin() + 1, words.end());
      }
      open = close == std::string::npos ? close : advice.find('`', close + 1);
    }
  }
  return commands;
}

TEST(Explain, AdvisesOnlyCommandsThatExist) {
  const User user;
  const auto commands = advised_commands("mcp");
  ASSERT_GT(commands.size(), 20U);

  for (std::vector<std::string> words : commands) {
    words.emplace_back("--help");

    const Ran ran = user.run(words);

    EXPECT_EQ(ran.exit_code, 0) << testing::PrintToString(words) << ran.err;
    for (const std::string& word : words) {
      if (word.starts_with("--") && word != "--help") {
        EXPECT_THAT(ran.out, HasSubstr(word)) << testing::PrintToString(words);
      }
    }
  }
}

TEST(Explain, TakesACodeInAnyFormOrACheck) {
  const User user;
  const std::string full = user.run({"explain", "MCP-0301"}).out;

  EXPECT_THAT(full, HasSubstr("What to do:"));
  EXPECT_EQ(user.run({"explain", "301"}).out, full);
  EXPECT_EQ(user.run({"explain", "uid.pinned"}).out, full);
}

TEST(Completion, OffersDefinitionsWithoutAnAgent) {
  const User user;
  user.define("mcr", kMcr);

  const Ran ran = user.run({"__complete", "--", "render", "m"});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("mcr"));
  EXPECT_EQ(ran.err, "");
}

}  // namespace
}  // namespace mcp::cli
