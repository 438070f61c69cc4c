// AdminService, ForwardService and WatchService over the real parts.
#include <atomic>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/api/test_service.h"
#include "mcns/events/told.h"
#include "support/test_ca.h"

namespace mcns::api::test {
namespace {

using dsl::Code;
using dsl::Result;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Admin : public testing::Test {
 protected:
  Admin() {
    service_.create_zone(kZone);
    service_.add(kZone, "ns1", "A", "192.0.2.53");
  }

  template <class Reply>
  Result<Reply> ask(const std::string& method, const Message& request) {
    return service_.call<Reply>("root", method, request);
  }
  pb::Explanation explain(const std::string& name, const std::string& type,
                          const std::string& from = "") {
    pb::ExplainRequest request;
    request.set_name(name);
    request.set_type(type);
    request.set_from(from);
    return require_ok(ask<pb::Explanation>("AdminService.Explain", request));
  }
  static std::vector<std::string> lines(const pb::Explanation& explanation) {
    std::vector<std::string> out;
    for (const auto& step : explanation.steps()) {
      out.push_back(step.step() + ": " + step.what());
    }
    return out;
  }

  TestService service_;
};

TEST_F(Admin, AStatusNamesZonesAndIsHealthy) {
  const auto status = require_ok(ask<pb::Status>("AdminService.GetStatus", pb::GetStatusRequest()));

  EXPECT_EQ(status.state(), "healthy");
  ASSERT_EQ(status.zones_size(), 1);
  EXPECT_EQ(status.zones(0).name(), kZone);
  EXPECT_EQ(status.zones(0).records(), 3u);
  EXPECT_THAT(status.dns_listeners(), ElementsAre("udp 127.0.0.1:1"));
  EXPECT_EQ(status.replica(), "none");
}

TEST_F(Admin, AStatusWithAProblemIsDegradedAndWithoutASocketIsSilent) {
  service_.services().hooks.problems = [] {
    return std::vector<std::string>{"the disk is nearly full"};
  };
  auto status = require_ok(ask<pb::Status>("AdminService.GetStatus", pb::GetStatusRequest()));
  EXPECT_EQ(status.state(), "degraded");
  EXPECT_THAT(status.problems(), ElementsAre("the disk is nearly full"));

  service_.services().hooks.dns_listeners = [] { return std::vector<std::string>(); };
  status = require_ok(ask<pb::Status>("AdminService.GetStatus", pb::GetStatusRequest()));
  EXPECT_EQ(status.state(), "not answering");
}

TEST_F(Admin, AnExplanationTellsTheWayAndThePacket) {
  service_.add(kZone, "alias", "CNAME", "ns1");

  const auto answer = explain("alias.svc.test", "A", "203.0.113.7");

  EXPECT_EQ(answer.rcode(), "NOERROR");
  EXPECT_EQ(answer.source(), "zone");
  EXPECT_THAT(lines(answer), Contains(HasSubstr("client: 203.0.113.7 over udp")));
  EXPECT_THAT(lines(answer), Contains(HasSubstr("zone: svc.test. serial")));
  EXPECT_THAT(lines(answer), Contains("alias: ns1.svc.test."));
  EXPECT_THAT(answer.message(), HasSubstr("192.0.2.53"));
  EXPECT_EQ(explain("nothing.svc.test", "A").rcode(), "NXDOMAIN");
  EXPECT_EQ(explain("ns1.svc.test", "AAAA").rcode(), "NOERROR");
}

TEST_F(Admin, AnAliasIsExplainedAndAskedForWhoeverAsks) {
  service_.add(kZone, "near", "ALIAS", "ns1");
  service_.add(kZone, "far", "ALIAS", "www.example.org.");

  const auto near = explain("near.svc.test", "A", "203.0.113.7");
  EXPECT_EQ(near.source(), "zone");
  EXPECT_THAT(lines(near), Contains(HasSubstr("ALIAS: ")));
  EXPECT_THAT(near.message(), HasSubstr("\nnear.svc.test.          300 IN A 192.0.2.53"));

  const auto far = explain("far.svc.test", "A", "203.0.113.7");
  EXPECT_EQ(far.source(), "forward");
  EXPECT_EQ(far.rcode(), "SERVFAIL");  // there are no upstreams
  EXPECT_THAT(lines(far), Contains("alias: www.example.org."));
}

TEST_F(Admin, ANameThatIsNotOursIsRefusedToStrangersAndForwardedForOthers) {
  const auto stranger = explain("www.example.org", "A", "203.0.113.7");
  EXPECT_EQ(stranger.rcode(), "REFUSED");
  EXPECT_THAT(lines(stranger), Contains(HasSubstr("our names only")));

  const auto friendly = explain("www.example.org", "A", "192.168.1.7");
  EXPECT_EQ(friendly.rcode(), "SERVFAIL");  // there are no upstreams
  EXPECT_EQ(friendly.source(), "forward");
  EXPECT_THAT(lines(friendly), Contains(HasSubstr("cache: www.example.org. A is not in it")));
}

TEST_F(Admin, ANameThatNeverLeavesTheHouseIsExplainedAsSuch) {
  ForwardGroup everything;
  everything.upstreams = {require_ok(Upstream::parse("192.0.2.1"))};
  require_ok(service_.services().forwards.configure({everything}));

  const auto answer = explain("localhost", "A", "192.168.1.7");

  EXPECT_EQ(answer.source(), "special");
  EXPECT_THAT(answer.message(), HasSubstr("127.0.0.1"));
  EXPECT_THAT(lines(answer), Contains(HasSubstr("special: ")));
}

TEST_F(Admin, AnExplanationOfNonsenseNamesTheField) {
  pb::ExplainRequest request;
  request.set_name("a..b");
  EXPECT_THAT(ask<pb::Explanation>("AdminService.Explain", request),
              failed_saying(Code::kInvalidArgument, "name: "));
  request.set_name("a");
  request.set_type("NOPE");
  EXPECT_THAT(ask<pb::Explanation>("AdminService.Explain", request),
              failed_saying(Code::kInvalidArgument, "type: "));
  request.set_type("A");
  request.set_from("here");
  EXPECT_THAT(ask<pb::Explanation>("AdminService.Explain", request),
              failed_saying(Code::kInvalidArgument, "from: "));
}

TEST_F(Admin, ASnapshotIsACopyThatCanBeReadAndOlderOnesGo) {
  for (const char* name : {"a.b.c", "b.c", "x.b.c", "ab.c", "a.b.d", "*.e"}) {
    service_.add(kZone, name, "A", "192.0.2.1");
  }
  service_.add(kZone, "a.b.c", "TXT", "text");
  pb::SnapshotRequest request;
  request.set_keep(2);
  for (const char* old : {"mcns-20200101T000000Z.db", "mcns-20210101T000000Z.db", "notes.txt"}) {
    require_ok(service_.env().files().make_directories(service_.folder().file("backups"), 0700));
    service_.folder().write(std::string("backups/") + old, "old");
  }

  const auto reply = require_ok(ask<pb::SnapshotReply>("AdminService.Snapshot", request));

  EXPECT_GT(reply.size_bytes(), 0u);
  EXPECT_EQ(reply.sha256().size(), 64u);
  ASSERT_EQ(reply.zones_size(), 1);
  EXPECT_EQ(reply.zones(0).serial(), service_.serial(kZone));
  const auto served = require_ok(ask<pb::Status>("AdminService.GetStatus", pb::GetStatusRequest()));
  EXPECT_EQ(reply.zones(0).names(), served.zones(0).names());
  EXPECT_EQ(reply.zones(0).records(), served.zones(0).records());
  EXPECT_THAT(reply.removed(), ElementsAre(HasSubstr("mcns-20200101T000000Z.db")));
  const auto left = require_ok(service_.env().files().list(service_.folder().file("backups")));
  EXPECT_EQ(left.size(), 3u) << testing::PrintToString(left);
  EXPECT_THAT(left, Contains("notes.txt"));
}

TEST_F(Admin, APathOfTheMachineIsForCallersOnIt) {
  pb::SnapshotRequest request;
  request.set_out(service_.folder().file("copy.db"));
  EXPECT_THAT(service_.call<pb::SnapshotReply>("kyle", "AdminService.Snapshot", request),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(ask<pb::SnapshotReply>("AdminService.Snapshot", request), ok());
  request.set_out("copy.db");
  EXPECT_THAT(ask<pb::SnapshotReply>("AdminService.Snapshot", request),
              failed_with(Code::kInvalidArgument));
}

std::vector<std::string> findings(const std::vector<pb::Finding>& all) {
  std::vector<std::string> out;
  for (const pb::Finding& finding : all) {
    out.push_back(finding.severity() + " " + finding.name() + ": " + finding.finding());
  }
  return out;
}

TEST_F(Admin, ACheckOfASoundZoneFindsNothing) {
  const auto all = findings(
      require_ok(service_.stream<pb::Finding>("root", "AdminService.Check", pb::CheckRequest())));

  EXPECT_THAT(all, ElementsAre("ok : the database is sound", "ok : nothing to find fault with"));
}

TEST_F(Admin, ACheckFindsWhatLeadsNowhereAndWhatIsHidden) {
  service_.add(kZone, "lost", "CNAME", "nowhere");
  service_.add(kZone, "one", "CNAME", "two");
  service_.add(kZone, "two", "CNAME", "one");
  service_.add(kZone, "@", "MX", "10 mail");
  service_.add(kZone, "@", "MX", "20 lost");
  service_.add(kZone, "same", "ALIAS", "ns1");
  service_.add(kZone, "@", "MX", "30 same");
  service_.add(kZone, "empty", "ALIAS", "nobody");
  service_.add(kZone, "@", "NS", "ns2");
  service_.add(kZone, "child", "NS", "ns.child");
  service_.add(kZone, "x.child", "TXT", "hidden");
  pb::CheckRequest request;
  request.set_zone(kZone);

  const auto all =
      findings(require_ok(service_.stream<pb::Finding>("root", "AdminService.Check", request)));

  EXPECT_THAT(all, Contains("warn lost: its alias leads to nowhere.svc.test., which is not there"));
  EXPECT_THAT(all, Contains(HasSubstr("fail one: its aliases run in a circle")));
  EXPECT_THAT(all, Contains("warn @: its MX points to mail.svc.test., which has no address"));
  EXPECT_THAT(all, Contains("warn @: its MX points to lost.svc.test., which is an alias"));
  EXPECT_THAT(all, Contains("fail @: its NS points to ns2.svc.test., which has no address"));
  EXPECT_THAT(all, Contains("fail child: the name server ns.child.svc.test. has no glue"));
  EXPECT_THAT(all, Contains(HasSubstr("warn x.child: its TXT record is never answered")));
  EXPECT_THAT(all, Contains("warn empty: its alias leads to nobody.svc.test., which is not there"));
  EXPECT_THAT(all, Not(Contains(HasSubstr("same"))));
  EXPECT_THAT(all, Not(Contains(HasSubstr("ns1"))));
}

TEST_F(Admin, TheSeedIsShownAsItsHookTellsIt) {
  service_.seed_lines = {"add www.svc.test. A 192.0.2.1"};

  EXPECT_THAT(
      require_ok(ask<pb::PreviewSeedReply>("AdminService.PreviewSeed", pb::PreviewSeedRequest()))
          .lines(),
      ElementsAre("add www.svc.test. A 192.0.2.1"));
}

TEST_F(Admin, TokensAreMadeListedAndRemoved) {
  pb::CreateTokenRequest request;
  request.set_name("mcq");
  request.set_role("system");
  const auto made = require_ok(ask<pb::CreatedToken>("AdminService.CreateToken", request));
  EXPECT_EQ(require_ok(service_.services().tokens->find(made.secret())).name, "mcq");
  request.set_role("root");
  EXPECT_THAT(ask<pb::CreatedToken>("AdminService.CreateToken", request),
              failed_with(Code::kInvalidArgument));
  const auto list =
      require_ok(ask<pb::ListTokensReply>("AdminService.ListTokens", pb::ListTokensRequest()));
  ASSERT_EQ(list.tokens_size(), 1);
  EXPECT_EQ(list.tokens(0).role(), "system");
  pb::DeleteTokenRequest remove;
  remove.set_name("mcq");
  EXPECT_THAT(ask<pb::DeleteTokenReply>("AdminService.DeleteToken", remove), ok());
  EXPECT_THAT(ask<pb::DeleteTokenReply>("AdminService.DeleteToken", remove),
              failed_with(Code::kNotFound));
}

TEST_F(Admin, GrantsAreCheckedBeforeTheyAreMade) {
  pb::CreateGrantRequest request;
  request.set_account("ca");
  request.set_zone("*");
  request.set_name_pattern("_acme-challenge.*");
  request.add_types("TXT");
  request.add_verbs("add");
  const auto made = require_ok(ask<pb::Grant>("AdminService.CreateGrant", request));
  EXPECT_EQ(made.zone(), "*");
  EXPECT_EQ(made.created_by(), "uid:0(root)");
  EXPECT_THAT(made.types(), ElementsAre("TXT"));

  request.set_name_pattern("www*");
  EXPECT_THAT(ask<pb::Grant>("AdminService.CreateGrant", request),
              failed_saying(Code::kInvalidArgument, "name_pattern"));
  request.set_name_pattern("www");
  request.add_types("NOPE");
  EXPECT_THAT(ask<pb::Grant>("AdminService.CreateGrant", request),
              failed_saying(Code::kInvalidArgument, "types[1]"));
  request.clear_types();
  request.add_types("*");
  request.set_expires_ms(1);
  EXPECT_THAT(ask<pb::Grant>("AdminService.CreateGrant", request),
              failed_saying(Code::kInvalidArgument, "expires_ms"));
  const auto list =
      require_ok(ask<pb::ListGrantsReply>("AdminService.ListGrants", pb::ListGrantsRequest()));
  EXPECT_EQ(list.grants_size(), 1);
}

// --- forwards ---

pb::SetForwardRequest forward(const std::string& zone, const std::string& upstream) {
  pb::SetForwardRequest request;
  request.set_zone(zone);
  request.add_upstreams(upstream);
  return request;
}

TEST_F(Admin, AForwardIsUsedAtOnceAndGivenBack) {
  const auto set = require_ok(
      ask<pb::Forward>("ForwardService.SetForward", forward("corp.example", "192.0.2.1")));
  EXPECT_EQ(set.upstreams(0), "udp://192.0.2.1:53");
  EXPECT_EQ(set.policy(), "ordered");
  EXPECT_EQ(set.from(), "api");
  EXPECT_EQ(service_.services().resolver.forwarder->group_of(
                require_ok(Name::parse("www.corp.example."))),
            "corp.example.");
  const auto list = require_ok(
      ask<pb::ListForwardsReply>("ForwardService.ListForwards", pb::ListForwardsRequest()));
  ASSERT_EQ(list.forwards_size(), 1);

  pb::DeleteForwardRequest remove;
  remove.set_zone("corp.example");
  EXPECT_THAT(ask<pb::DeleteForwardReply>("ForwardService.DeleteForward", remove), ok());
  EXPECT_THAT(ask<pb::DeleteForwardReply>("ForwardService.DeleteForward", remove),
              failed_with(Code::kNotFound));
}

TEST_F(Admin, AForwardHasSettingsOfItsOwnOrThoseOfTheFile) {
  require_ok(service_.services().forwards.configure({}, {.random_case = true, .ca_cert = ""}));
  auto own = forward("own.example", "192.0.2.1");
  own.set_random_case(false);
  auto shown = require_ok(ask<pb::Forward>("ForwardService.SetForward", own));
  EXPECT_FALSE(shown.random_case());
  shown = require_ok(
      ask<pb::Forward>("ForwardService.SetForward", forward("plain.example", "192.0.2.1")));
  EXPECT_TRUE(shown.random_case());

  auto trusting = forward("tls.example", "tls://192.0.2.1#dns.example");
  trusting.set_ca_cert("relative.pem");
  EXPECT_THAT(ask<pb::Forward>("ForwardService.SetForward", trusting),
              failed_with(Code::kInvalidArgument));
  trusting.set_ca_cert("/nowhere/ca.pem");
  EXPECT_FALSE(ask<pb::Forward>("ForwardService.SetForward", trusting)) << "it cannot be read";
  trusting.set_ca_cert(service_.folder().file("ca.pem"));
  service_.folder().write("ca.pem", dsl::test::TestCa().pem());
  shown = require_ok(ask<pb::Forward>("ForwardService.SetForward", trusting));
  EXPECT_EQ(shown.ca_cert(), trusting.ca_cert());

  // Of the file they are those that say nothing; what is stored stays.
  require_ok(service_.services().forwards.configure({}, {}));
  const auto listed = require_ok(
      ask<pb::ListForwardsReply>("ForwardService.ListForwards", pb::ListForwardsRequest()));
  ASSERT_EQ(listed.forwards_size(), 3);
  for (const pb::Forward& each : listed.forwards()) {
    EXPECT_FALSE(each.random_case()) << each.zone();
    EXPECT_EQ(each.ca_cert(), each.zone().starts_with("tls") ? trusting.ca_cert() : "");
  }
}

TEST_F(Admin, AForwardToOurselvesOrToNobodyIsRefusedAndNothingIsKept) {
  EXPECT_THAT(ask<pb::Forward>("ForwardService.SetForward", forward("default", "192.0.2.53")),
              failed_with(Code::kInvalidArgument));
  EXPECT_THAT(ask<pb::Forward>("ForwardService.SetForward", forward("x.example", "resolver.lan")),
              failed_saying(Code::kInvalidArgument, "upstreams[0]"));
  EXPECT_EQ(require_ok(ask<pb::ListForwardsReply>("ForwardService.ListForwards",
                                                  pb::ListForwardsRequest()))
                .forwards_size(),
            0);
}

TEST_F(Admin, AForwardOfTheFileIsReplacedByOneOfTheApiAndComesBack) {
  ForwardGroup group;
  group.zone = require_ok(Name::parse("corp.example."));
  group.upstreams = {require_ok(Upstream::parse("192.0.2.7"))};
  require_ok(service_.services().forwards.configure({group}));
  pb::DeleteForwardRequest remove;
  remove.set_zone("corp.example");
  EXPECT_THAT(ask<pb::DeleteForwardReply>("ForwardService.DeleteForward", remove),
              failed_saying(Code::kFailedPrecondition, "then send SIGHUP"));
  require_ok(ask<pb::Forward>("ForwardService.SetForward", forward("CORP.example", "192.0.2.8")));
  const auto upstream = [&] {
    return require_ok(
               ask<pb::ListForwardsReply>("ForwardService.ListForwards", pb::ListForwardsRequest()))
        .forwards(0)
        .upstreams(0);
  };
  EXPECT_EQ(upstream(), "udp://192.0.2.8:53");

  require_ok(ask<pb::DeleteForwardReply>("ForwardService.DeleteForward", remove));

  EXPECT_EQ(upstream(), "udp://192.0.2.7:53");
}

// --- watch ---

TEST_F(Admin, AWatcherSeesChangesAndQuestionsAsTheyHappen) {
  std::vector<pb::WatchEvent> events;
  std::atomic<int> queries = -1;  // until the stream has begun
  pb::WatchRequest request;
  request.set_name("*.svc.test");
  std::thread watcher([&] {
    const Result<void> done = service_.run(
        "root", "WatchService.Watch", request, [&](const Message& message) -> Result<void> {
          events.push_back(static_cast<const pb::WatchEvent&>(message));
          queries += events.back().began() || events.back().has_query() ? 1 : 0;
          return events.back().has_change() ? dsl::fail(Code::kCancelled, "enough")
                                            : Result<void>();
        });
    EXPECT_THAT(done, failed_with(Code::kCancelled));
  });
  while (queries < 0) {
    std::this_thread::yield();
  }

  // Workers do not wait, so a question may be missed; not every one.
  EventSource worker(service_.services().queries);
  while (queries == 0) {
    mcns::test::tell(worker, {.name = "other.test.", .client = "192.0.2.1:1"});
    mcns::test::tell(worker,
                     {.name = "www.svc.test.", .rcode = Rcode::kNxDomain, .client = "192.0.2.7:1"});
    std::this_thread::yield();
  }
  service_.add(kZone, "www", "A", "192.0.2.1", "mcp-agent");
  watcher.join();

  EXPECT_TRUE(events.front().began());
  for (const pb::WatchEvent& event : events) {
    if (event.has_query()) {
      EXPECT_EQ(event.query().client(), "192.0.2.7");
      EXPECT_EQ(event.query().rcode(), "NXDOMAIN");
    }
  }
  const pb::ZoneChange& change = events.back().change();
  EXPECT_EQ(change.zone(), kZone);
  EXPECT_EQ(change.entry().difference().value(), "192.0.2.1");
  EXPECT_EQ(change.entry().actor(), "mcp-agent");
  EXPECT_FALSE(service_.services().queries.wanted());
}

// What a watcher of changes is sent while `act` runs; the service ends then, and with it the
// stream.
std::vector<pb::WatchEvent> watched(TestService& service, const std::function<void()>& act) {
  std::vector<pb::WatchEvent> events;
  std::atomic<bool> began = false;
  pb::WatchRequest request;
  request.set_changes(true);
  std::thread watcher([&] {
    EXPECT_THAT(service.run("root", "WatchService.Watch", request,
                            [&](const Message& message) -> Result<void> {
                              const auto& event = static_cast<const pb::WatchEvent&>(message);
                              if (event.began()) {
                                began = true;
                              } else {
                                events.push_back(event);
                              }
                              return {};
                            }),
                ok());
  });
  while (!began) {
    std::this_thread::yield();
  }
  act();
  service.services().stopping = true;
  watcher.join();
  return events;
}

// So many hosts and the SOA of the file of `TestService::import`.
std::string hosts(int count) {
  std::string text =
      "$ORIGIN many.test.\n$TTL 300\n@ SOA ns1 hostmaster 2026040300 3600 600 604800 300\n"
      "@ NS ns1\n";
  for (int i = 0; i < count; ++i) {
    text += dsl::text("h{} A 192.0.2.1\n", i);
  }
  return text;
}

TEST_F(Admin, AWatcherMissesNoneOfManyChangesAtOnce) {
  constexpr int kHosts = 2500;

  const auto events = watched(service_, [&] { service_.import("many.test", hosts(kHosts)); });

  ASSERT_EQ(events.size(), kHosts + 1u) << "and the NS";
  std::set<std::string> names;
  for (const pb::WatchEvent& event : events) {
    ASSERT_TRUE(event.has_change());
    names.insert(event.change().entry().difference().name());
  }
  EXPECT_EQ(names.size(), events.size());
}

TEST(Watch, AWatcherIsToldOfChangesThatTheJournalDidNotTake) {
  TestService service({.journal_rows_max = 10});
  service.import("many.test", hosts(1));

  const auto events = watched(service, [&] {
    service.import("many.test", hosts(30));
    service.add("many.test", "after", "A", "192.0.2.1");
  });

  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].missed(), 1u);
  EXPECT_EQ(events[1].change().entry().difference().name(), "after");
}

TEST_F(Admin, AWatchEndsWithTheService) {
  service_.services().stopping = true;
  EXPECT_EQ(
      require_ok(service_.stream<pb::WatchEvent>("root", "WatchService.Watch", pb::WatchRequest()))
          .size(),
      1u);
  pb::WatchRequest request;
  request.set_client("192.0.2");
  EXPECT_THAT(service_.stream<pb::WatchEvent>("root", "WatchService.Watch", request),
              failed_saying(Code::kInvalidArgument, "client"));
  request.set_client("");
  request.set_rcode("NOPE");
  EXPECT_THAT(service_.stream<pb::WatchEvent>("root", "WatchService.Watch", request),
              failed_saying(Code::kInvalidArgument, "rcode"));
}

// --- cache ---

TEST_F(Admin, TheCacheIsFlushedByName) {
  pb::FlushCacheRequest request;
  request.set_name("@");
  request.set_subtree(true);
  EXPECT_EQ(require_ok(ask<pb::FlushCacheReply>("AdminService.FlushCache", request)).entries(), 0u);
  const auto stats =
      require_ok(ask<pb::CacheReport>("AdminService.GetCacheStats", pb::GetCacheStatsRequest()));
  EXPECT_EQ(stats.entries(), 0u);
}

}  // namespace
}  // namespace mcns::api::test
