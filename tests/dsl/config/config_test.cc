#include "dsl/config/config.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace dsl::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::require_ok;

struct Peer {
  std::string name;
  std::int64_t weight = 1;
};

struct Config {
  std::string listen = "127.0.0.1:8443";
  std::string socket = "/srv/mcq/admin.sock";
  std::string token;
  std::string mode = "active";
  std::int64_t workers = 4;
  bool verify = true;
  milliseconds tick{30'000};
  std::uint64_t body_max = 1u << 20;
  std::vector<std::string> zones;
  std::map<std::string, std::string> labels;
  std::vector<Peer> peers;
};

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    env_.use_real_files();
    table_.text("server.listen", &config_.listen).help("where it serves").port_variable("");
    table_.text("server.socket", &config_.socket).help("local socket").reloadable();
    table_.text("server.token", &config_.token).help("shared with the peers").secret();
    table_.text("server.mode", &config_.mode).one_of({"active", "standby"}).reloadable();
    table_.integer("agent.workers", &config_.workers).range("1", "64").reloadable();
    table_.boolean("agent.verify", &config_.verify);
    table_.duration("agent.tick", &config_.tick)
        .range("1s", "1h")
        .help("between two looks")
        .reloadable();
    table_.size("agent.limits.body_max", &config_.body_max).range("", "1GiB");
    table_.list("agent.zones", &config_.zones).reloadable();
    table_.table("agent.labels", &config_.labels);
    table_.tables("peer", [this](const TomlValue& entry) { return add_peer(entry); })
        .help("its peers");
  }

  Result<void> add_peer(const TomlValue& entry) {
    const TomlValue* name = entry.find("name");
    if (!name || name->kind != TomlValue::Kind::kString) {
      return fail(Code::kInvalidArgument, "name is missing").hint("name = \"mcns\"");
    }
    config_.peers.push_back({name->string});
    return {};
  }

  // Loads `toml`, written to mcq.toml.
  Result<void> load(std::string_view toml) {
    sources_.file = dir_.write("mcq.toml", toml);
    return table_.load(env_, sources_);
  }
  Result<std::vector<std::string>> reload(std::string_view toml) {
    sources_.file = dir_.write("mcq.toml", toml);
    return table_.reload(env_, sources_);
  }
  // All details, a line each, without the folder.
  std::string problems(const Error& error) const {
    std::string out;
    for (const Detail& detail : error.details()) {
      out += without_folder(detail.where + ": " + detail.message) + "\n";
    }
    return out;
  }
  std::string problems_of(std::string_view toml) {
    const Result<void> loaded = load(toml);
    return loaded ? "none" : problems(loaded.error());
  }
  std::string without_folder(std::string text) const {
    const std::string folder = dir_.path() + "/";
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
      text.erase(at, folder.size());
    }
    return text;
  }

  test::TempDir dir_;
  test::TestEnv env_{1};
  Sources sources_;
  Config config_;
  Table table_{"mcq"};
};

TEST_F(ConfigTest, UnknownKeysNameTheirPlaceAndTheNearestKey) {
  EXPECT_EQ(problems_of("[agent]\n  tik = \"5s\"\n"),
            "mcq.toml:2:3: unknown key agent.tik; did you mean agent.tick?\n");
  EXPECT_EQ(problems_of("tick = \"5s\"\n"),
            "mcq.toml:1:1: unknown key tick; did you mean agent.tick?\n");
  EXPECT_EQ(problems_of("[agent]\nlisten = \":1\"\n"),
            "mcq.toml:2:1: unknown key agent.listen; did you mean server.listen?\n");
  EXPECT_EQ(problems_of("quux = 1\n"), "mcq.toml:1:1: unknown key quux\n");
  EXPECT_EQ(problems_of("\"agent.tick\" = \"5s\"\n"),
            "mcq.toml:1:1: unknown key agent.tick; did you mean agent.tick?\n");
}

TEST_F(ConfigTest, UnknownSectionsAreReportedOnceWithTheNearestSection) {
  EXPECT_EQ(problems_of("[agnet]\ntick = \"5s\"\nworkers = 1\n"),
            "mcq.toml:1:2: unknown section [agnet]; did you mean [agent]?\n");
  EXPECT_EQ(problems_of("[agent.limit]\nbody_max = 1\n"),
            "mcq.toml:1:8: unknown section [agent.limit]; did you mean [agent.limits]?\n");
  EXPECT_EQ(problems_of("agent = 5\n"), "mcq.toml:1:1: agent is a section: write [agent]\n");
}

TEST_F(ConfigTest, WrongTypesNameBothTypesAndThePlaceOfTheValue) {
  EXPECT_EQ(
      problems_of("[agent]\n"
                  "tick = 5\n"
                  "workers = \"4\"\n"
                  "verify = 1\n"
                  "zones = [\"a\", 5]\n"
                  "labels = { team = 1 }\n"
                  "limits.body_max = 1.5\n"
                  "[server]\n"
                  "socket = true\n"),
      "mcq.toml:2:8: agent.tick: expected a duration such as \"30s\", found an integer\n"
      "mcq.toml:3:11: agent.workers: expected an integer, found a string\n"
      "mcq.toml:4:10: agent.verify: expected true or false, found an integer\n"
      "mcq.toml:5:15: agent.zones: expected a string, found an integer\n"
      "mcq.toml:6:19: agent.labels: expected a string, found an integer\n"
      "mcq.toml:7:19: agent.limits.body_max: expected a size such as \"64KiB\", found a float\n"
      "mcq.toml:9:10: server.socket: expected a string, found a boolean\n");
  EXPECT_EQ(problems_of("peer = 1\n"),
            "mcq.toml:1:8: peer: expected an array of tables, found an integer\n");
  EXPECT_EQ(problems_of("peer = [1]\n"),
            "mcq.toml:1:9: peer: expected an array of tables, found an integer\n");
  EXPECT_EQ(problems_of("[agent]\ntick = \"5\"\n"),
            "mcq.toml:2:8: agent.tick: \"5\" is not a duration: a unit is missing "
            "(write it like 50ms, 30s, 5m, 1h30m or 2d)\n");
}

TEST_F(ConfigTest, ValuesOutOfRangeOrChoiceNameWhatIsAllowed) {
  EXPECT_EQ(problems_of("[agent]\n"
                        "workers = 65\n"
                        "tick = \"50ms\"\n"
                        "limits.body_max = \"2GiB\"\n"
                        "[server]\n"
                        "mode = \"actve\"\n"),
            "mcq.toml:2:11: agent.workers: 65 is out of range: 1 to 64\n"
            "mcq.toml:3:8: agent.tick: \"50ms\" is out of range: 1s to 1h\n"
            "mcq.toml:4:19: agent.limits.body_max: \"2GiB\" is out of range: at most 1GiB\n"
            "mcq.toml:6:8: server.mode: \"actve\" is none of \"active\", \"standby\"; did you mean "
            "\"active\"?\n");
}

TEST_F(ConfigTest, ANumberMayHaveAFraction) {
  double share = 0.25;
  table_.number("agent.share", &share).range("0", "1");

  EXPECT_EQ(problems_of("agent.share = 1.5\n"),
            "mcq.toml:1:15: agent.share: 1.5 is out of range: 0 to 1\n");
  EXPECT_EQ(problems_of("agent.share = nan\n"),
            "mcq.toml:1:15: agent.share: expected a number, found a float\n");
  EXPECT_EQ(problems_of("agent.share = \"1\"\n"),
            "mcq.toml:1:15: agent.share: expected a number, found a string\n");
  EXPECT_NE(table_.reference().find("# a number, 0 to 1; $MCQ_AGENT_SHARE\n"
                                    "#share = 0.25\n"),
            std::string::npos);
  EXPECT_EQ(problems_of("agent.share = 1\n"), "none");
  EXPECT_EQ(share, 1);
  EXPECT_EQ(problems_of("agent.share = 0.01\n"), "none");
  EXPECT_EQ(share, 0.01);
  env_.variables["MCQ_AGENT_SHARE"] = "0.5";
  EXPECT_EQ(problems_of(""), "none");
  EXPECT_EQ(share, 0.5);
}

TEST_F(ConfigTest, MissingRequiredKeysNameTheFileAndTheVariable) {
  std::string zone;
  table_.text("server.zone", &zone).required();

  EXPECT_EQ(problems_of("[server]\n"),
            "mcq.toml: server.zone is required; set it in the file or in $MCQ_SERVER_ZONE\n");
  EXPECT_EQ(problems_of("[server]\nzone = \"a.test\"\n"), "none");
}

TEST_F(ConfigTest, BadSyntaxNamesItsPlace) {
  const std::string out = problems_of("[agent]\ntick = 5s\n");

  EXPECT_TRUE(out.starts_with("mcq.toml:2:9: ")) << out;
}

TEST_F(ConfigTest, AMissingFileIsAProblemUnlessItMayBeMissing) {
  sources_.file = dir_.file("none.toml");

  const Result<void> loaded = table_.load(env_, sources_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().exit_code(), kExitUsage);
  EXPECT_TRUE(problems(loaded.error()).starts_with("none.toml: cannot be read: "));

  sources_.file_required = false;
  EXPECT_THAT(table_.load(env_, sources_), test::ok());
}

TEST_F(ConfigTest, AllProblemsComeTogetherInTheOrderOfTheFile) {
  std::string zone;
  table_.text("server.zone", &zone).required();
  env_.variables["MCQ_AGENT_WORKERS"] = "many";
  sources_.flags["agent.tik"] = "5s";
  const Result<void> loaded = load(
      "[serve]\n"
      "x = 1\n"
      "[agent]\n"
      "tick = \"9h\"\n"
      "[[peer]]\n"
      "name = \"a\"\n"
      "[[peer]]\n"
      "nam = \"b\"\n");

  ASSERT_FALSE(loaded);
  const Error& error = loaded.error();
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  EXPECT_EQ(error.exit_code(), kExitUsage);
  EXPECT_EQ(error.message(), "the configuration of mcq has 6 problems");
  EXPECT_EQ(error.hint(), "`mcq config reference` shows every key");
  EXPECT_EQ(problems(error),
            "mcq.toml:1:2: unknown section [serve]; did you mean [server]?\n"
            "mcq.toml:4:8: agent.tick: \"9h\" is out of range: 1s to 1h\n"
            "mcq.toml:7:1: peer: name is missing (name = \"mcns\")\n"
            "command line: unknown key agent.tik; did you mean agent.tick?\n"
            "$MCQ_AGENT_WORKERS: agent.workers: \"many\" is not an integer\n"
            "mcq.toml: server.zone is required; set it in the file or in $MCQ_SERVER_ZONE\n");
}

TEST_F(ConfigTest, RulesSeeTheFinishedValuesAndRunOnlyOverGoodOnes) {
  int runs = 0;
  table_.check([&]() -> Result<void> {
    ++runs;
    if (config_.mode == "standby" && config_.peers.empty()) {
      return fail(Code::kInvalidArgument, "server.mode = \"standby\" needs a [[peer]]");
    }
    return {};
  });

  EXPECT_NE(problems_of("quux = 1\n"), "none");
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(problems_of("server.mode = \"standby\"\n"),
            "mcq.toml: server.mode = \"standby\" needs a [[peer]]\n");
  EXPECT_EQ(problems_of("server.mode = \"standby\"\npeer = [{ name = \"a\" }]\n"), "none");
}

TEST_F(ConfigTest, EveryKindOfValueArrives) {
  ASSERT_EQ(problems_of("[server]\n"
                        "listen = \"[::1]:1\"\n"
                        "mode = \"standby\"\n"
                        "[agent]\n"
                        "workers = 8\n"
                        "verify = false\n"
                        "tick = \"1m30s\"\n"
                        "limits.body_max = \"64KiB\"\n"
                        "zones = [\"a.test\", \"b.test\"]\n"
                        "labels = { team = \"a\" }\n"
                        "[[peer]]\n"
                        "name = \"one\"\n"
                        "[[peer]]\n"
                        "name = \"two\"\n"),
            "none");

  EXPECT_EQ(config_.listen, "[::1]:1");
  EXPECT_EQ(config_.mode, "standby");
  EXPECT_EQ(config_.workers, 8);
  EXPECT_FALSE(config_.verify);
  EXPECT_EQ(config_.tick, seconds{90});
  EXPECT_EQ(config_.body_max, 65'536u);
  EXPECT_EQ(config_.zones, (std::vector<std::string>{"a.test", "b.test"}));
  EXPECT_EQ(config_.labels, (std::map<std::string, std::string>{{"team", "a"}}));
  ASSERT_EQ(config_.peers.size(), 2u);
  EXPECT_EQ(config_.peers[1].name, "two");
  EXPECT_EQ(config_.socket, "/srv/mcq/admin.sock");
}

TEST_F(ConfigTest, VariablesAndFlagsHoldEveryKindButEntries) {
  env_.variables = {{"MCQ_AGENT_VERIFY", "false"},         {"MCQ_AGENT_TICK", "5m"},
                    {"MCQ_AGENT_LIMITS_BODY_MAX", "1KiB"}, {"MCQ_AGENT_ZONES", "a.test, b.test"},
                    {"MCQ_AGENT_LABELS", "team=a,tier=1"}, {"MCQ_SERVER_SOCKET", ""}};
  sources_.flags = {{"agent.workers", "2"}};

  ASSERT_EQ(problems_of(""), "none");

  EXPECT_FALSE(config_.verify);
  EXPECT_EQ(config_.tick, minutes{5});
  EXPECT_EQ(config_.body_max, 1024u);
  EXPECT_EQ(config_.zones, (std::vector<std::string>{"a.test", "b.test"}));
  EXPECT_EQ(config_.labels, (std::map<std::string, std::string>{{"team", "a"}, {"tier", "1"}}));
  EXPECT_EQ(config_.workers, 2);
  EXPECT_EQ(config_.socket, "/srv/mcq/admin.sock");
  sources_.flags = {{"peer", "a"}};
  EXPECT_EQ(problems_of(""), "command line: peer: it can only be set in the file\n");
}

TEST_F(ConfigTest, PortVariablesReplaceThePortAndKeepTheHost) {
  std::int64_t admin_port = 9443;
  table_.integer("server.admin_port", &admin_port).port_variable("ADMIN");

  env_.variables = {{"PORT", "http"}};
  EXPECT_EQ(problems_of(""), "$PORT: server.listen: \"http\" is not a port number\n");

  env_.variables = {{"PORT", "8080"}, {"PORT_ADMIN", "8081"}, {"MCQ_SERVER_ADMIN_PORT", "1"}};
  EXPECT_EQ(problems_of("server.listen = \"[::1]:1\"\n"), "none");
  EXPECT_EQ(config_.listen, "[::1]:8080");
  EXPECT_EQ(admin_port, 8081);

  sources_.flags = {{"server.listen", "0.0.0.0:5"}};
  EXPECT_EQ(problems_of(""), "none");
  EXPECT_EQ(config_.listen, "0.0.0.0:5");
}

TEST_F(ConfigTest, SecretsComeFromFilesToo) {
  const std::string path = dir_.write("token", "s3cret\n");

  EXPECT_EQ(problems_of("server.token_file = \"" + dir_.file("none") + "\"\n").substr(0, 36),
            "mcq.toml:1:21: server.token: cannot ");
  EXPECT_EQ(problems_of("server.token_file = \"" + path + "\"\nserver.token = \"x\"\n"),
            "mcq.toml:1:21: server.token: both token and token_file are set; keep one\n");
  EXPECT_EQ(problems_of("server.socket_file = \"x\"\n"),
            "mcq.toml:1:8: unknown key server.socket_file; did you mean server.socket?\n");

  EXPECT_EQ(problems_of("server.token_file = \"" + path + "\"\n"), "none");
  EXPECT_EQ(config_.token, "s3cret");
  config_.token.clear();
  env_.variables["MCQ_SERVER_TOKEN_FILE"] = path;
  EXPECT_EQ(problems_of(""), "none");
  EXPECT_EQ(config_.token, "s3cret");
}

TEST_F(ConfigTest, EffectiveShowsValueAndOriginAndMasksSecrets) {
  env_.variables["MCQ_AGENT_TICK"] = "5m";
  sources_.flags = {{"agent.workers", "2"}};
  ASSERT_EQ(
      problems_of(
          "[server]\ntoken = \"s3cret\"\nsocket = \"/a \\\"b\\\"\"\n[[peer]]\nname = \"a\"\n"),
      "none");

  EXPECT_EQ(without_folder(table_.effective()),
            "server.listen = \"127.0.0.1:8443\"  # default\n"
            "server.socket = \"/a \\\"b\\\"\"  # mcq.toml:3:10\n"
            "server.token = \"***\"  # mcq.toml:2:9\n"
            "server.mode = \"active\"  # default\n"
            "agent.workers = 2  # command line\n"
            "agent.verify = true  # default\n"
            "agent.tick = \"5m\"  # $MCQ_AGENT_TICK\n"
            "agent.limits.body_max = \"1MiB\"  # default\n"
            "agent.zones = []  # default\n"
            "agent.labels = {}  # default\n"
            "# [[peer]]: 1 in the file  # mcq.toml:4:1\n");
}

TEST_F(ConfigTest, AListMayBeGivenAsOneText) {
  std::vector<std::string> addresses;
  table_.list("server.addresses", &addresses).or_one();

  EXPECT_EQ(problems_of("server.addresses = \"192.0.2.1, or so\"\n"), "none");
  EXPECT_EQ(addresses, std::vector<std::string>{"192.0.2.1, or so"});
  EXPECT_EQ(problems_of("server.addresses = [\"a\", \"b\"]\n"), "none");
  EXPECT_EQ(addresses, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(problems_of("server.addresses = 7\n"),
            "mcq.toml:1:20: server.addresses: expected an array of strings, found an integer\n");
}

TEST_F(ConfigTest, AListIsNoTextElsewhere) {
  EXPECT_EQ(problems_of("agent.zones = \"a\"\n"),
            "mcq.toml:1:15: agent.zones: expected an array of strings, found a string\n");
}

TEST_F(ConfigTest, ASecretIsInNoMessage) {
  std::string pin;
  table_.text("server.pin", &pin).secret().one_of({"", "s3cret"});

  EXPECT_EQ(problems_of("server.pin = \"wr0ng\"\n"),
            "mcq.toml:1:14: server.pin: the value is not allowed\n");
}

TEST_F(ConfigTest, ReferenceHasEveryKeyWithTypeDefaultAndHelpAndLoads) {
  std::string zone;
  table_.text("zone", &zone).help("the zone it serves,\nwith the final dot").required();

  const std::string reference = table_.reference();

  EXPECT_TRUE(reference.starts_with("# Every key of mcq.")) << reference;
  for (const char* part :
       {"\n# the zone it serves,\n# with the final dot\n# a string; required; $MCQ_ZONE\nzone = "
        "\"\"\n",
        "\n[server]\n\n# where it serves\n# a string; $MCQ_SERVER_LISTEN; $PORT\n"
        "#listen = \"127.0.0.1:8443\"\n",
        "\n# a string: \"active\", \"standby\"; reloadable; $MCQ_SERVER_MODE\n#mode = \"active\"\n",
        "\n# a string; secret: token_file = path is accepted, too; $MCQ_SERVER_TOKEN\n#token = "
        "\"\"\n",
        "# a duration such as \"30s\", \"1s\" to \"1h\"; reloadable; $MCQ_AGENT_TICK\n#tick = "
        "\"30s\"\n",
        "\n[agent.limits]\n", "\n# its peers\n# an array of tables\n#[[peer]]\n"}) {
    EXPECT_NE(reference.find(part), std::string::npos) << part << "--- in\n" << reference;
  }
  EXPECT_EQ(problems_of(reference), "none");
}

TEST_F(ConfigTest, WhereAValueCameFromIsToldToWhoeverFindsFaultLater) {
  std::string mirror = "none";
  Origin origin;
  Table table("mcq");
  table.text("server.mirror", &mirror).origin(&origin).reloadable();
  const auto load = [&](std::string_view toml, bool again) {
    sources_.file = dir_.write("mcq.toml", toml);
    return again ? table.reload(env_, sources_).has_value()
                 : table.load(env_, sources_).has_value();
  };

  ASSERT_TRUE(load("", false));
  EXPECT_EQ(origin.shown(), "default");
  ASSERT_TRUE(load("[server]\nmirror = \"a\"\n", false));
  EXPECT_EQ(without_folder(origin.shown()), "mcq.toml:2:10");
  EXPECT_EQ(without_folder(origin.inside({7, 3}).shown()), "mcq.toml:7:3");
  ASSERT_TRUE(load("\n\n[server]\nmirror = \"b\"\n", true));
  EXPECT_EQ(without_folder(origin.shown()), "mcq.toml:4:10");
  ASSERT_FALSE(load("[server]\nmirror = 1\n", true));
  EXPECT_EQ(without_folder(origin.shown()), "mcq.toml:4:10") << "that of the value that holds";
  sources_.flags["server.mirror"] = "c";
  ASSERT_TRUE(load("", false));
  EXPECT_EQ(origin.shown(), "command line");
}

TEST_F(ConfigTest, ReloadOfABadFileChangesNothing) {
  ASSERT_EQ(problems_of("agent.tick = \"5s\"\n"), "none");

  const auto reloaded = reload("agent.tick = \"6s\"\nagent.workers = 0\n");

  ASSERT_FALSE(reloaded);
  EXPECT_EQ(problems(reloaded.error()),
            "mcq.toml:2:17: agent.workers: 0 is out of range: 1 to 64\n");
  EXPECT_EQ(config_.tick, seconds{5});
}

TEST_F(ConfigTest, ReloadThatBreaksARuleChangesNothing) {
  table_.check([&]() -> Result<void> {
    if (config_.tick == seconds{6}) {
      return fail(Code::kInvalidArgument, "not six");
    }
    return {};
  });
  ASSERT_EQ(problems_of("agent.tick = \"5s\"\n"), "none");

  EXPECT_FALSE(reload("agent.tick = \"6s\"\nagent.workers = 5\n"));

  EXPECT_EQ(config_.tick, seconds{5});
  EXPECT_EQ(config_.workers, 4);
  EXPECT_NE(table_.effective().find("agent.workers = 4  # default"), std::string::npos);
}

TEST_F(ConfigTest, ReloadSetsReloadableKeysAndTellsWhichNeedARestart) {
  ASSERT_EQ(problems_of("agent.tick = \"5s\"\nagent.workers = 5\n"), "none");

  const auto changed = reload("agent.tick = \"6s\"\nagent.verify = false\n");

  EXPECT_EQ(require_ok(changed), (std::vector<std::string>{"agent.workers", "agent.tick"}));
  EXPECT_EQ(config_.tick, seconds{6});
  EXPECT_EQ(config_.workers, 4);
  EXPECT_TRUE(config_.verify);
  ASSERT_EQ(table_.restart_needed().size(), 1u);
  EXPECT_EQ(table_.restart_needed()[0].key, "agent.verify");
  EXPECT_EQ(table_.restart_needed()[0].running, "true");
  EXPECT_EQ(table_.restart_needed()[0].wanted, "false");
  EXPECT_NE(without_folder(table_.effective()).find("agent.tick = \"6s\"  # mcq.toml:1:14"),
            std::string::npos);
  EXPECT_TRUE(require_ok(reload("agent.tick = \"6s\"\n")).empty());
  EXPECT_TRUE(table_.restart_needed().empty());
}

TEST_F(ConfigTest, ASecretThatNeedsARestartIsNotShown) {
  ASSERT_EQ(problems_of("server.token = \"old\"\n"), "none");

  require_ok(reload("server.token = \"new\"\n"));

  ASSERT_EQ(table_.restart_needed().size(), 1u);
  EXPECT_EQ(table_.restart_needed()[0].running, "\"***\"");
  EXPECT_EQ(table_.restart_needed()[0].wanted, "\"***\"");
}

TEST_F(ConfigTest, WhoeverAppliesAReloadMayRefuseIt) {
  ASSERT_EQ(problems_of("agent.tick = \"5s\"\n"), "none");
  std::vector<std::string> told;
  const Table::Apply refuse = [&](const std::vector<std::string>& changed) -> Result<void> {
    told = changed;
    EXPECT_EQ(config_.tick, seconds{6}) << "the new value is there to be tried";
    return fail(Code::kUnavailable, "not now");
  };

  sources_.file = dir_.write("mcq.toml", "agent.tick = \"6s\"\n");
  EXPECT_THAT(table_.reload(env_, sources_, refuse),
              dsl::test::failed_saying(Code::kUnavailable, "not now"));

  EXPECT_EQ(told, std::vector<std::string>{"agent.tick"});
  EXPECT_EQ(config_.tick, seconds{5});
  sources_.file = dir_.write("mcq.toml", "agent.tick = \"5s\"\n");
  EXPECT_TRUE(require_ok(table_.reload(env_, sources_, refuse)).empty()) << "nothing to apply";
}

TEST_F(ConfigTest, EachTextOfAListIsCheckedWhereItStands) {
  const auto no_x = [](const std::string& item) -> Result<void> {
    if (item == "x") {
      return fail(Code::kInvalidArgument, "no x here").hint("y");
    }
    return {};
  };
  std::vector<std::string> fixed;
  table_.list("agent.fixed", &fixed).each(no_x);

  EXPECT_EQ(problems_of("\nagent.fixed = [\"a\", \"x\"]\n"),
            "mcq.toml:2:15: agent.fixed: no x here (y)\n");
  ASSERT_EQ(problems_of("agent.fixed = [\"a\"]\n"), "none");
  const auto reloaded = reload("\n\nagent.fixed = [\"x\"]\n");
  ASSERT_FALSE(reloaded) << "also when the reload would not take it";
  EXPECT_EQ(problems(reloaded.error()), "mcq.toml:3:15: agent.fixed: no x here (y)\n");
}

class ReloadedTables : public ConfigTest {
 protected:
  ReloadedTables() {
    table_
        .tables<std::string>("house", &houses_,
                             [](const TomlValue& entry) -> Result<std::string> {
                               const TomlValue* name = entry.find("name");
                               if (!name) {
                                 return fail(Code::kInvalidArgument, "name is missing");
                               }
                               return name->string;
                             })
        .reloadable();
  }
  std::vector<std::string> houses_;
};

TEST_F(ReloadedTables, AreReplacedWhole) {
  ASSERT_EQ(problems_of("[[house]]\nname = \"a\"\n[[house]]\nname = \"b\"\n"), "none");
  ASSERT_EQ(houses_, (std::vector<std::string>{"a", "b"}));

  EXPECT_EQ(require_ok(reload("[[house]]\nname = \"c\"\n")), std::vector<std::string>{"house"});
  EXPECT_EQ(houses_, std::vector<std::string>{"c"});
  EXPECT_TRUE(require_ok(reload("# moved\n[[house]]\nname = \"c\"\n")).empty());
  EXPECT_EQ(require_ok(reload("")), std::vector<std::string>{"house"});
  EXPECT_TRUE(houses_.empty());
}

TEST_F(ReloadedTables, ComeBackWhenTheFileIsWrong) {
  ASSERT_EQ(problems_of("[[house]]\nname = \"a\"\n"), "none");

  const auto reloaded =
      reload("agent.tick = \"6s\"\n[[house]]\nname = \"c\"\n[[house]]\nnumber = 1\n");

  ASSERT_FALSE(reloaded);
  EXPECT_EQ(problems(reloaded.error()), "mcq.toml:4:1: house: name is missing\n");
  EXPECT_EQ(houses_, std::vector<std::string>{"a"});
  EXPECT_EQ(config_.tick, seconds{30});
  EXPECT_TRUE(require_ok(reload("[[house]]\nname = \"a\"\n")).empty());
}

TEST_F(ReloadedTables, OthersTakeARestart) {
  ASSERT_EQ(problems_of("[[peer]]\nname = \"a\"\n"), "none");

  EXPECT_TRUE(require_ok(reload("[[peer]]\nname = \"b\"\n")).empty());

  ASSERT_EQ(table_.restart_needed().size(), 1u);
  EXPECT_EQ(table_.restart_needed()[0].key, "peer");
  EXPECT_EQ(config_.peers.size(), 1u);
}

}  // namespace
}  // namespace dsl::config
