// The commands against a service that is there.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/cli/dns_client.h"
#include "mcns/cli/live_service.h"
#include "mcns/events/told.h"
#include "support/result_matchers.h"

namespace mcns::cli::test {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Commands : public testing::Test {
 protected:
  Commands() {
    EXPECT_EQ(run({"zone", "create", "example.test", "--ns", "ns1"}).exit_code, 0);
    EXPECT_EQ(run({"record", "add", "example.test", "ns1", "A", "127.0.0.1"}).exit_code, 0);
  }
  Ran run(std::vector<std::string> words) { return live_.run(std::move(words)); }

  LiveService live_;
};

TEST_F(Commands, ZonesAreMadeShownChangedAndDeleted) {
  EXPECT_THAT(run({"zone", "list"}).out, HasSubstr("example.test"));
  EXPECT_THAT(run({"zone", "show", "example.test"}).out, HasSubstr("ns1.example.test."));
  EXPECT_THAT(run({"zone", "update", "example.test", "--minimum-ttl", "60"}).out,
              HasSubstr("minimum TTL:    60 s"));
  EXPECT_EQ(run({"zone", "create", "example.test", "--ns", "ns1"}).exit_code, dsl::kExitConflict);
  EXPECT_EQ(run({"zone", "show", "exmaple.test"}).exit_code, dsl::kExitNotFound);
  EXPECT_THAT(run({"zone", "show", "exmaple.test"}).err, HasSubstr("did you mean example.test?"));
  EXPECT_THAT(run({"zone", "delete", "example.test", "--dry-run"}).out,
              HasSubstr("with 3 records would be deleted"));
  EXPECT_NE(run({"zone", "delete", "example.test"}).exit_code, 0) << "nobody was there to say yes";
  EXPECT_EQ(run({"zone", "delete", "example.test", "--yes"}).exit_code, 0);
  EXPECT_THAT(run({"zone", "list"}).err, HasSubstr("no zones yet"));
}

TEST_F(Commands, RecordsAreAddedSetListedAndRemoved) {
  EXPECT_THAT(run({"record", "add", "example.test", "www", "A", "192.0.2.1", "192.0.2.2"}).out,
              HasSubstr("2 added, 0 removed"));
  EXPECT_EQ(run({"record", "add", "example.test", "www", "A", "192.0.2.1"}).exit_code,
            dsl::kExitConflict);
  EXPECT_THAT(run({"record", "set", "example.test", "www", "A", "192.0.2.3", "--ttl", "60"}).out,
              HasSubstr("+ www 60 A 192.0.2.3"));
  EXPECT_THAT(run({"record", "set", "example.test", "www", "A", "192.0.2.3", "--ttl", "60"}).out,
              HasSubstr("nothing to change"));
  EXPECT_THAT(run({"record", "list", "example.test", "--type", "A"}).out, HasSubstr("192.0.2.3"));
  EXPECT_THAT(run({"record", "get", "example.test", "www"}).out, HasSubstr("192.0.2.3"));
  EXPECT_THAT(run({"record", "get", "example.test", "www", "A", "--json"}).out,
              HasSubstr("\"value\": \"192.0.2.3\""));
  EXPECT_EQ(run({"record", "get", "example.test", "nothing"}).exit_code, dsl::kExitNotFound);
  EXPECT_THAT(run({"record", "rm", "example.test", "www", "--dry-run"}).out,
              HasSubstr("nothing was changed"));
  EXPECT_EQ(run({"record", "rm", "example.test", "www", "A", "192.0.2.3"}).exit_code, 0);
  EXPECT_EQ(run({"record", "rm", "example.test", "www"}).exit_code, dsl::kExitNotFound);
  EXPECT_EQ(run({"record", "rm", "example.test"}).exit_code, dsl::kExitUsage);
  EXPECT_EQ(run({"record", "add", "example.test", "www", "A", "192.0.2"}).exit_code,
            dsl::kExitUsage);
}

TEST_F(Commands, RecordsAsJsonHaveTheSerialThatTheyAreOf) {
  const std::string serial = dsl::text("\"serial\": {}", live_.service.serial("example.test"));

  EXPECT_THAT(run({"record", "list", "example.test", "--json"}).out, HasSubstr(serial));
  EXPECT_THAT(run({"record", "get", "example.test", "ns1", "--json"}).out, HasSubstr(serial));
  EXPECT_THAT(run({"record", "get", "example.test", "ns1", "A", "--json"}).out, HasSubstr(serial));
}

TEST_F(Commands, FilesGoInAndOut) {
  const std::string exported = run({"export", "example.test"}).out;
  EXPECT_THAT(exported, HasSubstr("$ORIGIN example.test."));
  const std::string file =
      live_.folder().write("example.test.zone", exported + "new 300 A 192.0.2.9\n");

  const Ran different = run({"diff", "example.test", file});
  EXPECT_EQ(different.exit_code, dsl::kExitChangesNeeded);
  EXPECT_EQ(different.out, "+ new 300 A 192.0.2.9\n");
  EXPECT_NE(run({"apply", file}).exit_code, 0) << "nobody was there to say yes";
  EXPECT_THAT(run({"apply", file, "--yes"}).out, HasSubstr("+ new 300 A 192.0.2.9"));
  EXPECT_EQ(run({"diff", "example.test", file}).exit_code, 0);
  EXPECT_THAT(run({"apply", file, "--yes"}).out, HasSubstr("nothing to change"));

  EXPECT_EQ(run({"import", file}).exit_code, dsl::kExitUsage);
  EXPECT_EQ(run({"import", file, "--merge", "--replace"}).exit_code, dsl::kExitUsage);
  const std::string part = live_.folder().write("part.zone", "more 300 A 192.0.2.10\n");
  EXPECT_THAT(run({"import", part, "--merge"}).err, HasSubstr("does not say which zone"));
  EXPECT_EQ(run({"import", part, "--merge", "--zone", "example.test"}).exit_code, 0);
  const std::string whole = live_.folder().write(
      "whole.zone", "$ORIGIN example.test.\n$INCLUDE example.test.zone\n$INCLUDE part.zone\n");
  EXPECT_EQ(run({"diff", "example.test", whole}).exit_code, 0);
  const std::string wrong = live_.folder().write("wrong.zone", exported + "bad A 192.0.2.999\n");
  const Ran refused = run({"import", wrong, "--merge"});
  EXPECT_EQ(refused.exit_code, dsl::kExitUsage);
  EXPECT_THAT(refused.err, HasSubstr("wrong.zone:"));
}

TEST_F(Commands, AnImportThatEmptiesAZoneNeedsForce) {
  std::string hosts;
  for (int i = 0; i < 48; ++i) {
    hosts += dsl::text("h{} 300 A 192.0.2.{}\n", i, i);
  }
  const std::string full = live_.folder().write("full.zone", hosts);
  ASSERT_EQ(run({"import", full, "--merge", "--zone", "example.test"}).exit_code, 0);
  const std::string exported = run({"export", "example.test"}).out;
  const std::string little =
      live_.folder().write("little.zone", exported.substr(0, exported.find("\nh2")) + "\n");

  const Ran refused = run({"import", little, "--replace"});

  EXPECT_EQ(refused.exit_code, dsl::kExitConflict);
  EXPECT_THAT(refused.err, HasSubstr("names of example.test."));
  EXPECT_THAT(refused.err, HasSubstr("--force"));
  EXPECT_EQ(live_.service.records("example.test").size(), 50u);
  EXPECT_EQ(run({"import", little, "--replace", "--force"}).exit_code, 0);
  EXPECT_LT(live_.service.records("example.test").size(), 25u);
}

TEST_F(Commands, HistoryLeadsBack) {
  const std::uint32_t start = live_.service.serial("example.test");
  run({"record", "add", "example.test", "www", "A", "192.0.2.1"});
  run({"record", "set", "example.test", "www", "A", "192.0.2.2"});
  const std::string from = std::to_string(start);

  EXPECT_THAT(run({"history", "example.test", "--from", from}).out,
              HasSubstr("- www 300 A 192.0.2.1"));
  const Ran diff = run({"diff", "example.test", "--from", from});
  EXPECT_EQ(diff.exit_code, dsl::kExitChangesNeeded);
  EXPECT_EQ(diff.out, "+ www 300 A 192.0.2.2\n") << "what came and went again is no difference";
  EXPECT_THAT(run({"rollback", "example.test", "--to", from, "--dry-run"}).out,
              HasSubstr("nothing was changed"));
  EXPECT_EQ(run({"rollback", "example.test", "--to", from, "--yes"}).exit_code, 0);
  EXPECT_EQ(run({"record", "get", "example.test", "www"}).exit_code, dsl::kExitNotFound);
  EXPECT_EQ(run({"diff", "example.test"}).exit_code, dsl::kExitUsage);
}

TEST_F(Commands, StatusSaysWhetherItAnswers) {
  const Ran healthy = run({"status"});
  EXPECT_EQ(healthy.exit_code, 0) << healthy.out << healthy.err;
  EXPECT_THAT(healthy.out, HasSubstr("healthy"));

  live_.service.services().hooks.problems = [] { return std::vector<std::string>{"a problem"}; };
  EXPECT_EQ(run({"status"}).exit_code, 1);
  live_.stop_dns();
  const Ran silent = run({"status", "--json"});
  EXPECT_EQ(silent.exit_code, 2);
  EXPECT_THAT(silent.out, HasSubstr("not answering"));
  EXPECT_EQ(run_alone({"status"}).exit_code, 2);
}

TEST_F(Commands, ExplainCheckForwardCacheAndTheRestAnswer) {
  EXPECT_THAT(run({"explain", "ns1.example.test", "A"}).out, HasSubstr("127.0.0.1"));
  EXPECT_EQ(run({"check"}).exit_code, 0);
  run({"record", "add", "example.test", "loop", "CNAME", "loop"});
  EXPECT_EQ(run({"check", "example.test"}).exit_code, 1);
  EXPECT_THAT(run({"forward", "set", "corp.example", "192.0.2.1"}).out,
              HasSubstr("udp://192.0.2.1:53"));
  EXPECT_THAT(run({"forward", "list"}).out, HasSubstr("corp.example"));
  EXPECT_EQ(run({"forward", "rm", "corp.example"}).exit_code, 0);
  EXPECT_THAT(run({"cache", "stats"}).out, HasSubstr("entries"));
  EXPECT_THAT(run({"cache", "flush", ".", "--subtree"}).out, HasSubstr("0 answers forgotten"));
  EXPECT_THAT(run({"snapshot", "--keep", "3"}).out, HasSubstr("example.test serial"));
  EXPECT_EQ(run({"seed"}).exit_code, dsl::kExitUsage);
  EXPECT_THAT(run({"seed", "--dry-run"}).err, HasSubstr("would add nothing"));
}

TEST_F(Commands, TokensAndGrantsComeAndGo) {
  const Ran made = run({"token", "add", "mcq", "--role", "system"});
  EXPECT_THAT(made.out, HasSubstr("mct_"));
  EXPECT_THAT(made.err, Not(HasSubstr("mct_")));
  EXPECT_THAT(run({"token", "list"}).out, HasSubstr("system"));
  EXPECT_EQ(run({"token", "rm", "mcq"}).exit_code, 0);
  EXPECT_EQ(run({"token", "rm", "mcq"}).exit_code, dsl::kExitNotFound);
  EXPECT_THAT(run({"grant", "add", "ca", "*", "_acme-challenge.*", "TXT", "--expires", "24h"}).out,
              HasSubstr("_acme-challenge.*"));
  EXPECT_THAT(run({"grant", "list"}).out, HasSubstr("ca"));
  EXPECT_EQ(run({"grant", "rm", "1"}).exit_code, 0);
  EXPECT_THAT(run({"grant", "list"}).err, HasSubstr("no grants"));
}

TEST_F(Commands, TheDoctorAsksOurSocketsAndThoseOfResolvConf) {
  const std::string none = live_.folder().write("none.conf", "# nobody\n");
  const Ran ours = run({"doctor", "ns1.example.test", "--resolv-conf", none});
  EXPECT_THAT(ours.out, HasSubstr("udp " + live_.dns_address() + " says 127.0.0.1"));
  EXPECT_THAT(ours.out, HasSubstr("tcp " + live_.dns_address() + " says 127.0.0.1"));

  live_.stop_dns();
  const Ran silent = run({"doctor", "ns1.example.test", "--resolv-conf", none});
  EXPECT_EQ(silent.exit_code, 1);
  EXPECT_THAT(silent.out, HasSubstr("this name service does not answer"));
}

TEST_F(Commands, ZoneNamesAreCompleted) {
  run({"zone", "create", "other.test", "--ns", "ns1.example.test."});
  EXPECT_THAT(live_.complete("zone"), ElementsAre("example.test", "other.test"));
  EXPECT_THAT(live_.complete("nothing"), ElementsAre());
}

TEST_F(Commands, OverTheNetworkATokenSaysWhoCalls) {
  using dsl::auth::Role;
  EXPECT_EQ(
      live_.run_as("mcq", Role::kSystem, {"record", "add", "example.test", "mcq", "A", "192.0.2.1"})
          .exit_code,
      0);
  const Ran refused = live_.run_as("mcq", Role::kSystem,
                                   {"record", "add", "example.test", "www", "A", "192.0.2.1"});
  EXPECT_EQ(refused.exit_code, dsl::kExitDenied);
  EXPECT_THAT(refused.err, HasSubstr("mcq may not add A at www.example.test."));
  EXPECT_THAT(refused.err, HasSubstr("ACCOUNT.ZONE"));
  EXPECT_EQ(live_.run_as("kyle", Role::kRead, {"record", "list", "example.test"}).exit_code, 0);
  EXPECT_EQ(live_.run_as("kyle", Role::kRead, {"status"}).exit_code, dsl::kExitDenied);
  EXPECT_EQ(live_.run_as("eve", Role::kGuest, {"zone", "list"}).exit_code, dsl::kExitDenied);
  EXPECT_EQ(live_.run_as("root", Role::kAdmin, {"token", "list"}).exit_code, 0);
}

TEST_F(Commands, WithoutATokenOfOnesOwnNobodySignsIn) {
  const auto list = [&](const std::string& token_file) {
    std::vector<std::string> words = {"zone", "list"};
    for (std::string& word : live_.remote(token_file)) {
      words.push_back(std::move(word));
    }
    return run_alone(words);
  };
  const Ran absent = list(live_.folder().file("nothing"));
  EXPECT_EQ(absent.exit_code, dsl::kExitDenied);
  EXPECT_THAT(absent.err, HasSubstr("mcns token add NAME"));
  const std::string invented = live_.folder().file("invented");
  require_ok(dsl::env::system_env().files().write_file(invented, "mct_00", 0644));
  require_ok(dsl::env::system_env().files().set_mode(invented, 0644));
  EXPECT_EQ(list(invented).exit_code, dsl::kExitConflict) << "others can read it";
  require_ok(dsl::env::system_env().files().set_mode(invented, 0600));
  EXPECT_EQ(list(invented).exit_code, dsl::kExitDenied);
}

TEST_F(Commands, ATailShowsWhatHappensUntilTheServiceEnds) {
  Ran ran;
  std::thread tail([&] { ran = run({"tail", "--rcode", "NXDOMAIN"}); });
  QueryEvents& queries = live_.service.services().queries;
  while (!queries.wanted()) {
    std::this_thread::yield();
  }
  {
    EventSource worker(queries);
    mcns::test::tell(worker, {.name = "gone.example.test.", .rcode = Rcode::kNxDomain});
    mcns::test::tell(worker, {.name = "ns1.example.test.", .client = "192.0.2.8:5353"});
  }
  live_.service.services().stopping = true;
  tail.join();

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("192.0.2.7 udp  gone.example.test. A  NXDOMAIN from zone"));
  EXPECT_THAT(ran.out, Not(HasSubstr("192.0.2.8")));
}

TEST(CommandsAlone, SayThatNobodyIsThereAndWhatToDo) {
  const Ran ran = run_alone({"zone", "list"});
  EXPECT_EQ(ran.exit_code, dsl::kExitUnreachable);
  EXPECT_THAT(ran.err, HasSubstr("no name service is here: there is no socket"));
  EXPECT_THAT(ran.err, HasSubstr("systemctl status mcns"));
  EXPECT_EQ(run_alone({"zone", "list", "--local", "--server", "ns1.example.net"}).exit_code,
            dsl::kExitUsage);
}

TEST(CommandsAlone, WhatNeedsNoServiceWorksWithoutOne) {
  const Ran ran = run_alone({"resolv-conf", "--address", "192.0.2.53"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("DNS=192.0.2.53 9.9.9.9 1.1.1.1"));
  EXPECT_EQ(run_alone({"resolv-conf"}).exit_code, dsl::kExitUsage);
}

// --- the client for DNS ---

TEST_F(Commands, AQuestionIsAnsweredByUdpAndTcp) {
  const auto address = require_ok(listener_address("udp " + live_.dns_address()));
  const Name name = require_ok(Name::parse("ns1.example.test."));
  for (const DnsTransport transport : {DnsTransport::kUdp, DnsTransport::kTcp}) {
    const Message message = require_ok(ask(dsl::env::system_env(), address, transport, name,
                                           Type::kA, std::chrono::milliseconds(5000)));
    ASSERT_EQ(message.answers.size(), 1u) << text(transport);
    EXPECT_TRUE(message.authoritative);
  }
}

TEST_F(Commands, ASocketThatNobodyReadsIsNotWaitedForLongerThanSaid) {
  const auto address = require_ok(listener_address("udp " + live_.dns_address()));
  live_.stop_dns();

  const auto answer = ask(dsl::env::system_env(), address, DnsTransport::kUdp, Name(), Type::kSoa,
                          std::chrono::milliseconds(50));

  EXPECT_FALSE(answer.has_value());
  EXPECT_THAT(listener_address("nonsense"), failed_with(Code::kInvalidArgument));
  EXPECT_EQ(dsl::env::to_text(require_ok(listener_address("tcp 0.0.0.0:53"))), "127.0.0.1:53");
  EXPECT_EQ(dsl::env::to_text(require_ok(listener_address("tcp [::]:53"))), "[::1]:53");
}

}  // namespace
}  // namespace mcns::cli::test
