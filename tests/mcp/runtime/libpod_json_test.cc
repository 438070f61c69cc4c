#include "mcp/runtime/libpod_json.h"

#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "support/result_matchers.h"

namespace mcp::runtime {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A reply of podman 4.3.1, with paths made neutral.
std::string recorded(const std::string& name) {
  return require_ok(dsl::env::system_env().files().read_file(
      dsl::text("{}/recorded/{}.json", MC_TEST_DATA, name)));
}

const std::vector<model::Port> kPorts = {{"127.0.0.1", 18401, 80, "tcp", 2},
                                         {"", 18403, 53, "udp", 1}};
const std::string kId = "5134ccfc787944fda161c4192199ea59dd2e642b1f9743ae10a89a1aa06db926";

TEST(LibpodJson, ForeignBytesAreDataLossAndMissingMembersAreEmpty) {
  EXPECT_THAT(decode_list("<html>"), failed_with(Code::kDataLoss));
  EXPECT_THAT(decode_list("{}"), failed_with(Code::kDataLoss));
  EXPECT_THAT(decode_inspect("[]"), failed_with(Code::kDataLoss));
  EXPECT_THAT(decode_inspect("{}"), failed_with(Code::kDataLoss));
  EXPECT_THAT(decode_id(R"({"Id": 7})"), failed_with(Code::kDataLoss));
  EXPECT_THAT(decode_event("{\"time"), failed_with(Code::kDataLoss));

  const auto odd = decode_list(R"([{"Names": 7, "Ports": [{"host_port": 99999}], "Pid": "x"}, 3])");
  ASSERT_THAT(odd, ok());
  EXPECT_EQ(odd->at(0).name, "");
  EXPECT_EQ(odd->at(0).ports.at(0).host, 0);
  EXPECT_EQ(odd->at(0).state, State::kUnknown);
}

TEST(LibpodJson, ReadsARecordedList) {
  const auto containers = decode_list(recorded("list"));

  ASSERT_THAT(containers, ok());
  ASSERT_EQ(containers->size(), 1u);
  const Container& web = containers->front();
  EXPECT_EQ(web.id, kId);
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.image, "localhost/bb:1");
  EXPECT_EQ(web.state, State::kRunning);
  EXPECT_EQ(web.pid, 2265);
  EXPECT_EQ(web.ports, kPorts);
  EXPECT_EQ(web.labels.at("mcp.managed"), "1");
  EXPECT_EQ(dsl::env::format_time(web.started), "2026-11-22T03:20:36.000Z");
  EXPECT_EQ(dsl::env::format_time(web.created), "2026-11-22T03:20:35.271Z");
  EXPECT_FALSE(web.storage_only);
}

TEST(LibpodJson, ReadsARecordedInspect) {
  const auto web = decode_inspect(recorded("inspect"));

  ASSERT_THAT(web, ok());
  EXPECT_EQ(web->id, kId);
  EXPECT_EQ(web->name, "web");
  EXPECT_GT(web->conmon_pid, 0);
  EXPECT_EQ(web->ports, kPorts);
  EXPECT_THAT(web->entrypoint, ElementsAre("/bin/sh", "-c"));
  EXPECT_THAT(web->command, ElementsAre("sleep 100"));
  EXPECT_EQ(web->mounts, (std::vector<model::Volume>{{"/srv/mcp", "/data", {"ro"}}}));
  EXPECT_THAT(web->networks, ElementsAre("mcpnet"));
  EXPECT_EQ(web->network_mode, "bridge");
  EXPECT_EQ(web->restart_policy, "on-failure:3");
  EXPECT_THAT(web->conmon_pidfile, HasSubstr("/userdata/conmon.pid"));
}

TEST(LibpodJson, AnEntryOfTheImageStoreIsStorageOnly) {
  const auto containers =
      decode_list(R"([{"Id": "ab", "Names": ["c3"], "State": "storage", "Pid": 0}])");

  ASSERT_THAT(containers, ok());
  EXPECT_TRUE(containers->front().storage_only);
  EXPECT_EQ(containers->front().state, State::kUnknown);
}

TEST(LibpodJson, ReadsInfo) {
  const auto info = decode_info(recorded("info"));

  ASSERT_THAT(info, ok());
  EXPECT_EQ(info->version, "4.3.1");
  EXPECT_EQ(info->graph_root, "/srv/mcp/.local/share/containers/storage");
  EXPECT_EQ(info->run_root, "/run/user/850/containers");
  EXPECT_EQ(info->driver, "overlay");
  EXPECT_TRUE(info->rootless);
}

TEST(LibpodJson, ReadsAnEvent) {
  const auto event = decode_event(
      R"({"Type":"container","Action":"died","Actor":{"ID":"ab","Attributes":)"
      R"({"containerExitCode":"3","name":"e1"}},"time":1795314852,"timeNano":1795314852501104786})");

  ASSERT_THAT(event, ok());
  EXPECT_EQ(event->action, "died");
  EXPECT_EQ(event->id, "ab");
  EXPECT_EQ(event->name, "e1");
  EXPECT_EQ(event->attributes.at("containerExitCode"), "3");
  EXPECT_EQ(event->time.time_since_epoch().count(), 1795314852501);
}

TEST(LibpodError, TellsCausesApartThatShareAStatus) {
  const std::string holder(64, 'a');
  const auto taken = decode_error(
      500, R"({"cause":"that name is already in use","message":"the container name \"c1\" is )"
           R"(already in use by )" +
               holder + R"(. You have to remove it","response":500})");
  EXPECT_EQ(taken.code(), Code::kAlreadyExists);
  EXPECT_THAT(taken.details(), ElementsAre(dsl::Detail{"holder", holder}));

  const auto code_of = [](int status, const std::string& cause) {
    return decode_error(status, R"({"cause":")" + cause + R"(","message":"m: )" + cause + "\"}")
        .code();
  };
  EXPECT_EQ(code_of(500, "image not known"), Code::kFailedPrecondition);
  EXPECT_EQ(code_of(500, "rootlessport listen tcp 127.0.0.1:1: bind: address already in use"),
            Code::kConflict);
  EXPECT_EQ(code_of(500, "container state improper"), Code::kFailedPrecondition);
  EXPECT_EQ(code_of(409, "network already exists"), Code::kAlreadyExists);
  EXPECT_EQ(code_of(404, "no such container"), Code::kNotFound);
  EXPECT_EQ(code_of(500, "write /x: no space left on device"), Code::kNoSpace);
  EXPECT_EQ(code_of(400, "bad parameter"), Code::kInvalidArgument);
  EXPECT_EQ(code_of(500, "exit status 1"), Code::kInternal);
  EXPECT_EQ(decode_error(502, "<html>bad gateway").code(), Code::kInternal);
}

TEST(LibpodError, APullFailsInsideItsStream) {
  const auto code_of = [](const std::string& error) {
    return check_pull_line(R"({"error":")" + error + "\"}").error().code();
  };
  EXPECT_EQ(code_of("reading manifest 1: manifest unknown"), Code::kNotFound);
  EXPECT_EQ(code_of("unauthorized: authentication required"), Code::kPermissionDenied);
  EXPECT_EQ(code_of("dial tcp: connect: connection refused"), Code::kUnavailable);
  EXPECT_EQ(code_of("short-name \\\"foo\\\" did not resolve"), Code::kInvalidArgument);
  EXPECT_THAT(check_pull_line("{"), failed_with(Code::kDataLoss));
  EXPECT_THAT(check_pull_line(R"({"stream":"Trying to pull"})"), ok());
}

TEST(LibpodError, ARemovalFailsInsideItsReply) {
  EXPECT_THAT(removed_ids(R"([{"Id":"ab","Err":"it could not be stopped"}])"),
              failed_saying(Code::kInternal, "could not be stopped"));
  EXPECT_THAT(require_ok(removed_ids(R"([{"Id":"ab","RawInput":"a"}])")), ElementsAre("ab"));
  EXPECT_TRUE(require_ok(removed_ids("")).empty());
}

TEST(CreateJson, RefusesWhatPodmanWouldMisread) {
  ContainerSpec spec;
  spec.component.restart = "on-failure:x";
  EXPECT_THAT(encode_create(spec, {}), failed_with(Code::kInvalidArgument));
  spec.component.restart = "always:3";
  EXPECT_THAT(encode_create(spec, {}), failed_with(Code::kInvalidArgument));
  spec.component.restart = "no";
  spec.component.stop_signal = "SIGNOTHING";
  EXPECT_THAT(encode_create(spec, {}), failed_with(Code::kInvalidArgument));
}

TEST(CreateJson, NetworksTakeTheirForms) {
  ContainerSpec spec;
  const auto encoded = [&](const std::string& network) {
    spec.component.network = network;
    return require_ok(encode_create(spec, {}));
  };

  EXPECT_THAT(encoded("default"), Not(HasSubstr("netns")));
  EXPECT_THAT(encoded("host"), HasSubstr(R"("netns":{"nsmode":"host"})"));
  EXPECT_THAT(encoded("none"), HasSubstr(R"("netns":{"nsmode":"none"})"));
  spec.component.aliases = {"x"};
  EXPECT_THAT(encoded("mcpnet"), HasSubstr(R"("Networks":{"mcpnet":{"aliases":["x"]}})"));
}

TEST(CreateJson, LimitsAndSecretsAppearOnlyWhenAskedFor) {
  ContainerSpec spec;
  const std::string plain = require_ok(encode_create(spec, {}));
  EXPECT_THAT(plain, Not(HasSubstr("resource_limits")));
  EXPECT_THAT(plain, Not(HasSubstr("secret")));

  spec.component.memory_bytes = 1u << 30;
  spec.component.cpus = 0.5;
  spec.component.pids = 100;
  spec.component.secrets = {{"token", "TOKEN", ""}, {"key", "", "/run/key"}};
  spec.component.stop_timeout = std::chrono::milliseconds(1500);
  const std::string full = require_ok(encode_create(spec, {{"nofile", 1, 2}}));

  EXPECT_THAT(full, HasSubstr(R"("memory":{"limit":1073741824})"));
  EXPECT_THAT(full, HasSubstr(R"("cpu":{"period":100000,"quota":50000})"));
  EXPECT_THAT(full, HasSubstr(R"("pids":{"limit":100})"));
  EXPECT_THAT(full, HasSubstr(R"("secret_env":{"TOKEN":"token"})"));
  EXPECT_THAT(full, HasSubstr(R"({"Source":"key","Target":"/run/key","Mode":256})"));
  EXPECT_THAT(full, HasSubstr(R"("stop_timeout":2)"));
  EXPECT_THAT(full, HasSubstr(R"("r_limits":[{"type":"nofile","soft":1,"hard":2}])"));
}

TEST(Signals, HaveNamesAndNumbers) {
  EXPECT_EQ(require_ok(signal_number("TERM")), 15);
  EXPECT_EQ(require_ok(signal_number("SIGINT")), 2);
  EXPECT_EQ(require_ok(signal_number("9")), 9);
  for (const char* bad : {"", "0", "65", "SIG", "term", "1x", "999"}) {
    EXPECT_THAT(signal_number(bad), failed_with(Code::kInvalidArgument)) << bad;
  }
}

TEST(Times, AreReadWithFractionAndOffset) {
  const auto shown = [](std::string_view text) { return dsl::env::format_time(parse_time(text)); };

  EXPECT_EQ(shown("2026-11-22T02:18:53.376176413Z"), "2026-11-22T02:18:53.376Z");
  EXPECT_EQ(shown("2026-11-22T02:18:53+01:30"), "2026-11-22T00:48:53.000Z");
  EXPECT_EQ(shown("0001-01-01T00:00:00Z"), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(shown("2026-13-45T02:18:53Z"), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(shown("nonsense"), "1970-01-01T00:00:00.000Z");
}

}  // namespace
}  // namespace mcp::runtime
