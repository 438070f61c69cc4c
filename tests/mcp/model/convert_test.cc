#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/model/render.h"
#include "support.h"

namespace {

using namespace mcp::model;
using testing::Contains;
using testing::HasSubstr;

// --- wrong input ---

TEST(ConvertRunLines, NamesTheOptionItDoesNotKnow) {
  const std::pair<const char*, const char*> cases[] = {
      {"podman run --netwrok host x:v1",
       "podman run has no option --netwrok, did you mean `network`?"},
      {"podman run --privileged x:v1", "--privileged cannot be expressed in a definition"},
      {"podman run --env-file=/x x:v1", "--env-file cannot be expressed in a definition"},
      {"podman run -X x:v1", "podman run has no option -X"},
      {"podman run -d", "no image is named"},
      {"podman run --name", "--name needs a value"},
      {"podman run -e HOME x:v1", "-e HOME: takes its value from the environment"},
      {"podman run -v data:/data x:v1", "both paths must be absolute"},
      {"podman run -p 8080 x:v1", "a host and a container port are needed"},
      {"podman run --network host --network none x:v1", "--network twice"},
      {"podman run --security-opt label=disable x:v1", "--security-opt label=disable"},
      {"podman run --cpus nan x:v1", "--cpus nan: not a number"},
      {"podman run --memory 99999999999g x:v1", "--memory 99999999999g: not a size"},
      {"podman run 'Not An Image'", "is not an image reference"},
      {"podman stop x", "only run lines are converted"},
      {"rm -rf /", "\"rm\" is not a podman run command"},
      {"# nothing\n", "there is no podman run line"},
      {"podman run -d x:$VERSION", "$ is an expansion"},
  };
  for (const auto& [line, message] : cases) {
    const auto converted = convert_run_lines(line, {}, test::rift());

    ASSERT_FALSE(converted) << line;
    EXPECT_THAT(converted.error().render(), HasSubstr(message)) << line;
  }
}

TEST(ConvertRunLines, RefusesTwoContainersThatCannotBeOneService) {
  const auto same = convert_run_lines(
      "podman run -v /srv/x:/srv/x x:v1\npodman run -v /srv/x:/srv/x x:v2\n", {}, test::rift());
  const auto labels = convert_run_lines(
      "podman run --name x-a -l a=1 -v /srv/x:/srv/x x:v1\n"
      "podman run --name x-b -v /srv/x:/srv/x x:v1\n",
      {}, test::rift());

  ASSERT_FALSE(same);
  EXPECT_THAT(same.error().message(), HasSubstr("two containers"));
  ASSERT_FALSE(labels);
  EXPECT_THAT(labels.error().message(), HasSubstr("different labels"));
}

TEST(ConvertRunLines, TellsOfVolumesOutsideTheRoots) {
  const auto converted =
      convert_run_lines("podman run -d --name x -v /etc/x:/etc/x:ro x:v1", {}, test::rift());

  ASSERT_TRUE(converted) << converted.error().render();
  EXPECT_THAT(converted->front().notices, Contains(HasSubstr("/etc/x lies outside")));
}

// --- right input ---

std::vector<Service> resolved(const std::vector<Converted>& converted, const Node& node) {
  std::vector<Service> services;
  for (const Converted& one : converted) {
    auto service = test::parse_and_resolve(one.toml, one.name + ".toml", {}, node);
    EXPECT_TRUE(service) << service.error().render() << one.toml;
    if (service) {
      services.push_back(std::move(*service));
    }
  }
  return services;
}

// The arguments of one run line as a multiset, independent of order and spelling. A second parser
// on purpose: it knows nothing of the one under test.
std::multiset<std::string> arguments(const std::vector<std::string>& words) {
  static const std::map<std::string, std::string> kLong = {
      {"-d", "--detach"}, {"-p", "--publish"}, {"-v", "--volume"}, {"-e", "--env"}};
  std::multiset<std::string> set;
  std::size_t i = 2;
  for (; i < words.size() && words[i].starts_with('-'); ++i) {
    std::string name = words[i];
    std::string value;
    if (const std::size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    if (const auto found = kLong.find(name); found != kLong.end()) {
      name = found->second;
    }
    if (value.empty() && name != "--detach") {
      value = words[++i];
    }
    set.insert(name + " " + value);
  }
  std::string command;
  for (; i < words.size(); ++i) {
    command += "[" + words[i] + "]";
  }
  set.insert(command);
  return set;
}

// Container name -> its arguments.
std::map<std::string, std::multiset<std::string>> by_container(const std::string& script) {
  std::map<std::string, std::multiset<std::string>> containers;
  std::string joined;
  for (std::size_t at = 0; at < script.size(); ++at) {
    if (script.compare(at, 2, "\\\n") == 0) {
      joined += ' ';
      ++at;
    } else {
      joined += script[at];
    }
  }
  std::istringstream lines(joined);
  for (std::string line; std::getline(lines, line);) {
    const auto words = split_shell(line);
    EXPECT_TRUE(words) << line;
    if (words && !words->empty()) {
      const auto name = std::find(words->begin(), words->end(), "--name");
      EXPECT_NE(name, words->end()) << line;
      containers[*std::next(name)] = arguments(*words);
    }
  }
  return containers;
}

// MCP-A1: each of the reference platform's twelve run lines is the same set of arguments after
// convert, parse, resolve and render.
TEST(ConvertRunLines, KeepsTheArgumentsOfTheReferencePlatform) {
  const std::string script =
      test::read_file(std::string(MC_SOURCE_DIR) + "/tests/mcp/data/reference-podman-run.sh");
  const Node node{"rift", {{"lan", "192.168.88.181"}, {"overlay", "100.95.252.120"}}};
  const auto before = by_container(script);
  ASSERT_EQ(before.size(), 12U);

  const auto converted = convert_run_lines(script, {}, node);

  ASSERT_TRUE(converted) << converted.error().render();
  EXPECT_EQ(converted->size(), 10U);  // mcr and metacrypt have two containers each
  std::string rendered;
  for (const Service& service : resolved(*converted, node)) {
    rendered += render_run(service, {}).text;
  }
  const auto after = by_container(rendered);
  ASSERT_EQ(after.size(), 12U);
  for (const auto& [container, wanted] : before) {
    ASSERT_TRUE(after.contains(container)) << container;
    EXPECT_EQ(after.at(container), wanted) << container;
  }
}

TEST(ConvertRunLines, WritesOnlyWhatDiffersFromTheDefaults) {
  const auto converted = convert_run_lines(
      "podman run -d --name mcr-api --restart unless-stopped --network mcpnet --network-alias api "
      "--network-alias mcr --network-alias mcr-api --user 0:0 --security-opt no-new-privileges "
      "-p 127.0.1.1:28443:8443 -v /srv/mcr:/srv/mcr "
      "mcr.svc.mcp.metacircular.net:8443/mcr:v1.2.1 server\n"
      "podman run -d --name mcr-web --restart=unless-stopped --net mcpnet -u0:0 "
      "--security-opt=no-new-privileges -v/srv/mcr:/srv/mcr "
      "mcr.svc.mcp.metacircular.net:8443/mcr-web:v1.3.2",
      {}, test::rift());

  ASSERT_TRUE(converted) << converted.error().render();
  ASSERT_EQ(converted->size(), 1U);
  EXPECT_EQ(converted->front().name, "mcr");
  EXPECT_EQ(converted->front().toml,
            "name = \"mcr\"\n"
            "version = \"v1.2.1\"\n"
            "\n"
            "[[components]]\n"
            "name = \"api\"\n"
            "ports = [\"@lan:28443:8443\"]\n"
            "cmd = [\"server\"]\n"
            "\n"
            "[[components]]\n"
            "name = \"web\"\n"
            "version = \"v1.3.2\"\n"
            "aliases = []\n");
  EXPECT_THAT(converted->front().notices, testing::ElementsAre(HasSubstr("no --network-alias")));
}

TEST(ConvertRunLines, TellsWhatPodmansDefaultsAreAndThePlatformsWouldBe) {
  const auto converted = convert_run_lines("podman run x:v1", {}, test::rift());

  ASSERT_TRUE(converted);
  const std::string toml = converted->front().toml;
  EXPECT_THAT(toml, HasSubstr("user = \"image\"\n"));
  EXPECT_THAT(toml, HasSubstr("network = \"default\"\n"));
  EXPECT_THAT(toml, HasSubstr("restart = \"no\"\n"));
  EXPECT_THAT(toml, HasSubstr("no_new_privileges = false\n"));
  EXPECT_THAT(converted->front().notices,
              testing::ElementsAre(HasSubstr("no --name"), HasSubstr("no -d"),
                                   HasSubstr("no --user"), HasSubstr("no --network"),
                                   HasSubstr("no --restart"), HasSubstr("no --security-opt")));
}

TEST(ConvertRunLines, ReadsEachSpellingOfAnOption) {
  const char* spellings[] = {
      "podman run -d --name x -p 80:80 -e A=1 -m 512m -w /x x:v1",
      "podman run -d --name=x -p80:80 -eA=1 -m512m -w/x x:v1",
      "sudo podman container run -d=true --name=x --publish=80:80 --env=A=1 --memory=512mb "
      "--workdir=/x -- x:v1",
      "docker run -dit --rm --pull always --name x -p=80:80 -e=A=1 --memory 536870912 "
      "--workdir /x x:v1",
      "podman run -d --name x -p 80:80 -e A=0 -e A=1 -m 524288k -w /x x:v1",
  };
  const auto first = convert_run_lines(spellings[0], {}, test::rift());
  ASSERT_TRUE(first) << first.error().render();
  for (const char* line : spellings) {
    const auto converted = convert_run_lines(line, {}, test::rift());

    ASSERT_TRUE(converted) << line << converted.error().render();
    EXPECT_EQ(converted->front().toml, first->front().toml) << line;
  }
}

TEST(RenderRun, SaysWhatPodmanRunCannotExpress) {
  const auto service = test::parse_and_resolve(
      test::read_file(std::string(MC_TEST_DATA) + "/resolve/every-key.toml"), "every-key.toml");
  ASSERT_TRUE(service);

  const Rendered rendered = render_run(*service, {});

  for (const char* word :
       {"active, tier, depends_on, essential, public, path, build, reconcile",
        "does not wait for the grpc gate", "only the order", "strategy overlap", "an empty `cmd`",
        "route of l7 port 8443; its host port is not allocated"}) {
    EXPECT_THAT(rendered.notices, Contains(HasSubstr(word)));
  }
  for (const std::string& notice : rendered.notices) {
    EXPECT_THAT(rendered.text, HasSubstr("# " + notice + "\n"));
  }
  // `back` comes first, since `front` starts after it.
  EXPECT_LT(rendered.text.find("--name every-key-back"), rendered.text.find("--name every-front"));
}

TEST(RenderRun, PublishesAllocatedPortsAndTellsTheContainer) {
  const auto service =
      test::parse_and_resolve("name = \"x\"\nversion = \"v1\"\n[[routes]]\nport = 443\n", "x.toml");
  ASSERT_TRUE(service);

  const Rendered rendered = render_run(*service, {{"x", "", 12345}});

  EXPECT_THAT(rendered.text, HasSubstr(" -p 127.0.0.1:12345:12345 "));
  EXPECT_THAT(rendered.text, HasSubstr(" -e PORT=12345 "));
}

}  // namespace
