// The rules of authz.h, cell by cell.
#include "mcns/api/authz.h"

#include <set>

#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace mcns::api {
namespace {

using dsl::env::WallTime;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

const std::vector<std::string> kAgents = {"mcp-agent"};
const WallTime kNow{std::chrono::milliseconds(1'775'205'900'000)};

Name name(const std::string& text) { return require_ok(Name::parse(text)); }

dsl::rpc::Caller caller(const std::string& subject, const std::string& role,
                        const std::string& account_type) {
  return {subject, {role}, account_type, "token"};
}

TEST(Authz, StandingComesFromRoleTypeAndNameTogether) {
  struct Row {
    dsl::rpc::Caller caller;
    Standing standing;
  };
  for (const Row& row : std::vector<Row>{
           {caller("uid:0(root)", "admin", "local"), Standing::kAdmin},
           {caller("kyle", "admin", "user"), Standing::kAdmin},
           {caller("mcp-agent", "system", "system"), Standing::kAgent},
           {caller("mcq", "system", "system"), Standing::kSystem},
           {caller("mcp-agent", "read", "user"), Standing::kPerson},  // the name alone is nothing
           {caller("mcp-agent", "guest", "guest"), Standing::kGuest},
           {caller("kyle", "operate", "user"), Standing::kPerson},
           {caller("eve", "guest", "guest"), Standing::kGuest},
           {caller("mcp-agent", "system", "robot"), Standing::kGuest},  // a type nobody knows
           {caller("somebody", "", ""), Standing::kGuest},
           {caller("uid:1000(eve)", "", "local"), Standing::kGuest},
       }) {
    EXPECT_EQ(standing_of(row.caller, kAgents), row.standing)
        << row.caller.subject << " " << row.caller.account_type;
  }
}

// Every cell of standing x name x type x verb, against the rule as the contract words it.
TEST(Authz, ASystemAccountOwnsItsNameAndUnderscoreNamesBelowItAndNothingElse) {
  struct Place {
    const char* text;
    bool own;  // of the account mcq
  };
  const std::vector<Place> places = {
      {"mcq.svc.test.", true},
      {"MCQ.svc.test.", true},
      {"_acme-challenge.mcq.svc.test.", true},
      {"_https._tcp.mcq.svc.test.", true},
      {"_a._b._c.mcq.svc.test.", true},
      {"svc.test.", false},
      {"www.svc.test.", false},
      {"mcq2.svc.test.", false},
      {"xmcq.svc.test.", false},
      {"_mcq.svc.test.", false},
      {"www.mcq.svc.test.", false},
      {"_https.www.mcq.svc.test.", false},
      {"www._tcp.mcq.svc.test.", false},
      {"*.mcq.svc.test.", false},
      {"*._tcp.mcq.svc.test.", false},
      {"*.svc.test.", false},
      {"_acme-challenge.www.svc.test.", false},
      {"_acme-challenge.svc.test.", false},
      {"mcq.www.svc.test.", false},
      {"mcq\\.svc.test.", false},  // one label with a dot in it
      {"mcq.test.", false},        // not in the zone at all
      {"mcq.other.", false},
  };
  const std::vector<Type> types = {
      Type::kA,    Type::kNs,    Type::kCname, Type::kPtr,   Type::kHinfo, Type::kMx,
      Type::kTxt,  Type::kRp,    Type::kAaaa,  Type::kLoc,   Type::kSrv,   Type::kNaptr,
      Type::kCert, Type::kDname, Type::kDs,    Type::kSshfp, Type::kTlsa,  Type::kSmimea,
      Type::kCds,  Type::kUri,   Type::kCaa,   Type::kSvcb,  Type::kHttps, Type{65280}};
  const std::set<Type> structural = {Type::kNs, Type::kDs, Type::kDname};
  int cells = 0;
  for (const Standing standing : {Standing::kAdmin, Standing::kAgent, Standing::kSystem,
                                  Standing::kPerson, Standing::kGuest}) {
    for (const Place& place : places) {
      for (const Verb verb : {Verb::kAdd, Verb::kSet, Verb::kDelete}) {
        std::vector<std::optional<Type>> wanted(types.begin(), types.end());
        wanted.emplace_back();  // everything of the name
        for (const std::optional<Type>& type : wanted) {
          const bool all = standing == Standing::kAdmin || standing == Standing::kAgent;
          const bool own =
              standing == Standing::kSystem && place.own && !(type && structural.contains(*type));

          EXPECT_EQ(owns(standing, "mcq", {name("svc.test."), name(place.text), type, verb}),
                    all || own)
              << static_cast<int>(standing) << " " << place.text << " "
              << (type ? mcns::text(*type) : "everything") << " " << text(verb);
          ++cells;
        }
      }
    }
  }
  EXPECT_EQ(cells, 5 * 22 * 3 * 25);
}

TEST(Authz, ItOwnsItsNameInEveryZone) {
  for (const char* zone : {"svc.test.", "test.", ".", "2.0.192.in-addr.arpa."}) {
    const Name own = require_ok(name(zone).child("mcq"));
    EXPECT_TRUE(owns(Standing::kSystem, "mcq", {name(zone), own, Type::kA, Verb::kAdd})) << zone;
  }
}

TEST(Authz, AnAccountThatIsNoLabelOwnsNothing) {
  for (const char* account : {"", "mcq.x", "mcq_x", "-mcq", "mcq-", "*", "_mcq", "@", "mcq\n"}) {
    const Result<Name> own = name("svc.test.").child(account[0] == '\0' ? "x" : account);
    EXPECT_FALSE(owns(Standing::kSystem, account,
                      {name("svc.test."), require_ok(own), Type::kA, Verb::kAdd}))
        << account;
  }
  // Nor names that its text would be, with dots in it.
  EXPECT_FALSE(owns(Standing::kSystem, "mcq.x",
                    {name("svc.test."), name("mcq.x.svc.test."), Type::kA, Verb::kAdd}));
}

TEST(Authz, PatternsAreMatchedLabelByLabel) {
  struct Row {
    const char* pattern;
    const char* name;
    bool matches;
  };
  for (const Row& row : std::vector<Row>{
           {"@", "svc.test.", true},
           {"@", "www.svc.test.", false},
           {"www", "www.svc.test.", true},
           {"WWW", "www.svc.test.", true},
           {"www", "x.www.svc.test.", false},
           {"*", "www.svc.test.", true},
           {"*", "a.b.svc.test.", false},
           {"*", "svc.test.", false},
           {"*", "*.svc.test.", false},  // a wildcard has to be named
           {"\\*", "*.svc.test.", true},
           {"\\*", "www.svc.test.", false},
           {"_acme-challenge.*", "_acme-challenge.mcq.svc.test.", true},
           {"_acme-challenge.*", "_acme-challenge.a.mcq.svc.test.", false},
           {"_acme-challenge.*", "_acme-challenge.svc.test.", false},
           {"_acme-challenge.*", "x.mcq.svc.test.", false},
           {"**", "a.b.c.svc.test.", true},
           {"**", "svc.test.", false},
           {"**", "a.*.c.svc.test.", false},
           {"**.mcq", "a.mcq.svc.test.", true},
           {"**.mcq", "a.b.mcq.svc.test.", true},
           {"**.mcq", "mcq.svc.test.", false},
           {"**.mcq", "*.mcq.svc.test.", false},
           {"www", "www.other.test.", false},
       }) {
    EXPECT_EQ(matches_pattern(row.pattern, name(row.name), name("svc.test.")), row.matches)
        << row.pattern << " " << row.name;
  }
}

TEST(Authz, PatternsThatCannotBeMeantAreRefused) {
  for (const char* pattern : {"", ".", "a..b", "a.", "www*", "a.**", "a b", "\\x", "@.www"}) {
    EXPECT_THAT(check_pattern(pattern), failed_with(dsl::Code::kInvalidArgument)) << pattern;
  }
  for (const char* pattern : {"@", "www", "*", "**", "**.mcq", "\\*.mcq", "_acme-challenge.*"}) {
    EXPECT_THAT(check_pattern(pattern), ok()) << pattern;
  }
}

// Every way in which a claim can differ from what a grant says.
TEST(Authz, AGrantAllowsWhatItNamesAndOnlyThat) {
  const Grant grant{.account = "ca",
                    .zone = name("svc.test."),
                    .name_pattern = "_acme-challenge.*",
                    .types = {Type::kTxt},
                    .verbs = {Verb::kAdd, Verb::kDelete},
                    .expires_at = kNow + std::chrono::seconds(1)};
  const Claim claim{name("svc.test."), name("_acme-challenge.mcq.svc.test."), Type::kTxt,
                    Verb::kAdd};
  EXPECT_TRUE(allows(grant, "ca", claim, kNow));

  EXPECT_FALSE(allows(grant, "mcq", claim, kNow));
  EXPECT_FALSE(allows(grant, "ca", claim, kNow + std::chrono::seconds(1)));
  Claim other = claim;
  other.type = Type::kA;
  EXPECT_FALSE(allows(grant, "ca", other, kNow));
  other.type.reset();
  EXPECT_FALSE(allows(grant, "ca", other, kNow)) << "all types are more than one";
  other = claim;
  other.verb = Verb::kSet;
  EXPECT_FALSE(allows(grant, "ca", other, kNow));
  other = claim;
  other.name = name("mcq.svc.test.");
  EXPECT_FALSE(allows(grant, "ca", other, kNow));
  other = claim;
  other.zone = name("other.test.");
  EXPECT_FALSE(allows(grant, "ca", other, kNow));
}

TEST(Authz, AGrantOfAllTypesHasToNameThoseThatHandTheZoneOn) {
  Grant grant{.account = "ca", .name_pattern = "*"};
  const auto allowed = [&](std::optional<Type> type) {
    return allows(grant, "ca", {name("svc.test."), name("www.svc.test."), type, Verb::kSet}, kNow);
  };
  EXPECT_TRUE(allowed(Type::kA));
  EXPECT_TRUE(allowed(std::nullopt));
  EXPECT_FALSE(allowed(Type::kNs));
  EXPECT_FALSE(allowed(Type::kDs));
  EXPECT_FALSE(allowed(Type::kDname));

  grant.types = {Type::kNs};
  EXPECT_TRUE(allowed(Type::kNs));
  EXPECT_FALSE(allowed(Type::kA));
}

TEST(Authz, TheRefusalNamesWhatWasWantedAndTheRule) {
  const dsl::Error error = denied(Standing::kSystem, "mcq",
                                  {name("svc.test."), name("www.svc.test."), Type::kA, Verb::kAdd});

  EXPECT_EQ(error.code(), dsl::Code::kPermissionDenied);
  EXPECT_EQ(error.message(), "mcq may not add A at www.svc.test.");
  EXPECT_NE(error.hint().find("ACCOUNT.ZONE"), std::string::npos);
}

}  // namespace
}  // namespace mcns::api
