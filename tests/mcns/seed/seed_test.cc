// Seed files, applied at most once.
#include "mcns/seed/seed.h"

#include "mcns/writer/writer_test_base.h"

namespace mcns::seed {
namespace {

using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kToml = R"(
[[zone]]
name = "example.test"
primary_ns = "ns1"
admin_email = "host.master@example.test"
default_ttl = 60
auto_ptr = true

[[zone.record]]
name = "www"
type = "A"
values = ["192.0.2.1", "192.0.2.2"]

[[zone.record]]
name = "@"
type = "MX"
ttl = 600
value = "10 mail"
)";

class SeedTest : public writer::WriterTest {
 protected:
  Report apply_files(const std::vector<std::string>& paths) {
    return require_ok(seed::apply(env_, paths, *database_, *writer_));
  }
  Report apply_toml(std::string_view content) {
    return apply_files({dir_.write("seed.toml", content)});
  }
  Report apply_zone(std::string_view content) {
    return apply_files({dir_.write("example.test.zone", content)});
  }
  std::vector<std::string> previewed(const std::vector<std::string>& paths) {
    return require_ok(preview(env_, paths, *database_));
  }
  std::vector<std::string> mistakes(std::string_view toml) {
    const Report report = apply_toml(toml);
    std::vector<std::string> out;
    for (const dsl::Error& problem : report.problems) {
      for (const dsl::Detail& detail : problem.details()) {
        out.push_back(detail.where.substr(detail.where.rfind('/') + 1) + ": " + detail.message);
      }
    }
    return out;
  }
};

// --- files that are not in order ---

TEST_F(SeedTest, MistakesOfTomlNameTheirPlacesAllAtOnce) {
  EXPECT_THAT(mistakes("[[zone]]\nname = 7\nprimary_n = \"x\"\n[[zone.record]]\nname = \"a\"\n"
                       "typ = \"A\"\n"),
              ElementsAre("seed.toml:3:1: unknown key primary_n; did you mean primary_ns?",
                          "seed.toml:2:8: name is given as integer; write \"www\"",
                          "seed.toml:6:1: unknown key typ; did you mean type?",
                          HasSubstr("seed.toml:4:1: a record has a name and a type")));
  EXPECT_THAT(mistakes("[[zone]]\nname = \"a..b\"\n"), ElementsAre(HasSubstr("seed.toml:2:8: ")));
  EXPECT_THAT(mistakes("[[zone]]\nname = \"a.test\"\nprimary_ns = \"ns\"\nrefresh = -1\n"
                       "serial_policy = \"daily\"\n"),
              ElementsAre("seed.toml:1:1: the zone has no admin_email",
                          "seed.toml:4:11: refresh is out of range: 0 to 2147483647 seconds",
                          HasSubstr("seed.toml:5:17: \"daily\" is none of")));
  EXPECT_THAT(
      mistakes("[[zone]]\nname = \"a.test\"\n[[zone.record]]\nname = \"w\"\ntype = \"A\"\n"
               "value = \"192.0.2\"\n[[zone.record]]\nname = \"w\"\ntype = \"AX\"\n"),
      ElementsAre(HasSubstr("seed.toml:6:9: "), HasSubstr("seed.toml:9:8: there is no type")));
  EXPECT_THAT(mistakes("zone = 1\n"),
              ElementsAre(HasSubstr("seed.toml:1:8: zone is given as integer")));
  EXPECT_THAT(mistakes("[[zone]\n"), ElementsAre(HasSubstr("seed.toml:1:")));
}

TEST_F(SeedTest, MistakeOfAZoneFileNamesItsLineAndNothingOfItIsApplied) {
  const Report report = apply_zone("@ 300 SOA ns1 admin 1 1 1 1 1\n@ 300 NS ns1\nw 300 A 1.2.3\n");
  ASSERT_EQ(report.problems.size(), 1u);
  ASSERT_EQ(report.problems[0].details().size(), 1u);
  EXPECT_THAT(report.problems[0].details()[0].where, HasSubstr("example.test.zone:3:"));
  EXPECT_THAT(content(), ElementsAre("no zone"));
}

TEST_F(SeedTest, OneBadFileKeepsNoOtherFromBeingApplied) {
  const std::string bad = dir_.write("bad.toml", "[[zone]]\n");
  const std::string good = dir_.write("good.toml", kToml);
  const Report report = apply_files({bad, dir_.file("missing.toml"), good});
  EXPECT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.added, 4u);
  EXPECT_EQ(content().size(), 4u);
}

TEST_F(SeedTest, RulesHoldForSeedsToo) {
  const Report report =
      apply_zone("@ 300 SOA ns1 admin 1 1 1 1 1\n@ 300 NS ns1\nw 300 A 192.0.2.1\nw 300 CNAME x\n");
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].code(), dsl::Code::kConflict);
  EXPECT_THAT(content(), ElementsAre("no zone"));
}

// --- files that are ---

TEST_F(SeedTest, FirstStartServesTheToml) {
  const Report report = apply_toml(kToml);

  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.added, 4u);
  EXPECT_THAT(content(), ElementsAre("@ 60 NS ns1.example.test.", "@ 600 MX 10 mail.example.test.",
                                     "www 60 A 192.0.2.1", "www 60 A 192.0.2.2"));
  EXPECT_EQ(stored_zone().soa.admin_email.text(), "host\\.master.example.test.");
  EXPECT_TRUE(stored_zone().auto_ptr);
  EXPECT_EQ(serial(), 2026010101u);
  EXPECT_THAT(history(origin_), Contains("+www 60 A 192.0.2.1 seed seed"));
}

TEST_F(SeedTest, FirstStartServesTheZoneFile) {
  const Report report = apply_zone(
      "$TTL 1h\n@ SOA ns1 admin 0 2h 600 1w 300\n  NS ns1\n"
      "ns1 A 192.0.2.53\n*.w 60 TXT \"a b\"\n");
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(content(), ElementsAre("*.w 60 TXT \"a b\"", "@ 3600 NS ns1.example.test.",
                                     "ns1 3600 A 192.0.2.53"));
  EXPECT_EQ(stored_zone().soa.refresh_s, 7200u);
  EXPECT_EQ(serial(), 2026010101u) << "serial 0 begins by the date";
}

TEST_F(SeedTest, RestartChangesNothingAndADeletedRecordStaysDeleted) {
  apply_toml(kToml);
  require_ok(apply(deleting("www A 192.0.2.1")));
  const auto before = content();
  const std::uint32_t last = serial();
  open();

  EXPECT_EQ(apply_toml(kToml).added, 0u);
  const Report edited = apply_toml(std::string(kToml) + "# edited\n");

  EXPECT_EQ(edited.added, 0u);
  EXPECT_EQ(edited.known, 4u);
  EXPECT_EQ(content(), before);
  EXPECT_EQ(serial(), last);
}

TEST_F(SeedTest, EditedTtlBringsNothingBack) {
  apply_zone("@ 300 SOA ns1 admin 1 1 1 1 1\n@ 300 NS ns1\nw 300 A 192.0.2.1\n");
  require_ok(apply(deleting("w A 192.0.2.1")));
  const Report report =
      apply_zone("@ 300 SOA ns1 admin 9 9 9 9 9\n@ 300 NS ns1\nw 60 A 192.0.2.1\n");
  EXPECT_EQ(report.added, 0u);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test."));
}

TEST_F(SeedTest, NewEntryIsAddedAtTheNextStart) {
  apply_toml(kToml);
  require_ok(apply(deleting("www A 192.0.2.1")));

  const Report report = apply_toml(std::string(kToml) +
                                   "[[zone.record]]\nname = \"new\"\ntype = \"A\"\nvalue = "
                                   "\"192.0.2.9\"\n[[zone.record]]\nname = \"WWW\"\ntype = \"A\"\n"
                                   "ttl = 5\nvalues = [\"192.0.2.3\", \"192.0.2.3\"]\n");

  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.added, 2u);
  EXPECT_THAT(content(),
              ElementsAre("@ 60 NS ns1.example.test.", "@ 600 MX 10 mail.example.test.",
                          "new 60 A 192.0.2.9", "www 60 A 192.0.2.2", "www 60 A 192.0.2.3"))
      << "the TTL of what is there stays";
}

TEST_F(SeedTest, WhatIsThereOrInTheWayIsLeftAsItIs) {
  require_ok(create());
  require_ok(apply({adding("www CNAME other"), adding("@ 30 MX 10 mail")}));

  const Report report = apply_toml(kToml);

  EXPECT_EQ(report.added, 0u);
  EXPECT_EQ(report.ignored, 4u);
  EXPECT_THAT(content(), ElementsAre("@ 30 MX 10 mail.example.test.", "@ 300 NS ns1.example.test.",
                                     "www 300 CNAME other.example.test."));
  require_ok(apply(deleting("www CNAME other")));
  open();
  EXPECT_EQ(apply_toml(std::string(kToml) + "\n").added, 0u) << "its turn is over";
}

TEST_F(SeedTest, AnAliasIsInTheWayOfAddresses) {
  require_ok(create());
  require_ok(apply({adding("www ALIAS other"), adding("@ 30 MX 10 mail")}));

  const Report report = apply_toml(kToml);

  EXPECT_EQ(report.added, 0u);
  EXPECT_THAT(content(), Contains("www 300 ALIAS other.example.test."));
}

TEST_F(SeedTest, DeletedZoneStaysDeleted) {
  apply_toml(kToml);
  require_ok(writer_->delete_zone(author_, origin_, std::nullopt, false));
  open();
  EXPECT_EQ(apply_toml(std::string(kToml) + "\n").added, 0u);
  EXPECT_THAT(content(), ElementsAre("no zone"));
}

TEST_F(SeedTest, RecordsForAZoneThatIsMadeElsewhereWaitForIt) {
  constexpr const char* kSnippet =
      "[[zone]]\nname = \"example.test\"\n[[zone.record]]\nname = \"a\"\ntype = \"A\"\n"
      "value = \"192.0.2.1\"\n";
  EXPECT_EQ(apply_toml(kSnippet).added, 0u);
  EXPECT_THAT(previewed({dir_.file("seed.toml")}),
              ElementsAre("? zone example.test. is not here: its 1 records wait for it"));
  require_ok(create());
  EXPECT_EQ(apply_toml(kSnippet).added, 1u);
  EXPECT_EQ(content().size(), 2u);
}

TEST_F(SeedTest, PatternsMeanFilesByName) {
  require_ok(env_.files().make_directories(dir_.file("seed.d"), 0700));
  for (const char* zone : {"b.test", "a.test"}) {
    dir_.write(dsl::text("seed.d/{}.zone", zone), "@ 300 SOA ns1 admin 1 1 1 1 1\n@ 300 NS ns1\n");
  }
  dir_.write("seed.d/.hidden.zone", "x");
  dir_.write("seed.d/c.txt", "x");

  EXPECT_THAT(previewed({dir_.file("seed.d/*.zone"), dir_.file("nowhere/*.zone")}),
              ElementsAre("+ zone a.test.", "+ a.test. NS ns1.a.test.", "+ zone b.test.",
                          "+ b.test. NS ns1.b.test."));
  EXPECT_EQ(apply_files({dir_.file("seed.d/?.test.zone")}).added, 4u);
}

TEST_F(SeedTest, PreviewTellsAndDoesNothing) {
  const std::string path = dir_.write("seed.toml", kToml);
  EXPECT_THAT(
      previewed({path}),
      ElementsAre("+ zone example.test.", "+ www.example.test. A 192.0.2.1",
                  "+ www.example.test. A 192.0.2.2", "+ example.test. MX 10 mail.example.test."));
  EXPECT_THAT(content(), ElementsAre("no zone"));
  require_ok(create());
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(previewed({path}), ElementsAre("+ www.example.test. A 192.0.2.2",
                                             "+ example.test. MX 10 mail.example.test.",
                                             "= zone example.test. is there already",
                                             "= www.example.test. A 192.0.2.1 is there already"));
  apply_files({path});
  EXPECT_THAT(previewed({path}), IsEmpty());
  dir_.write("seed.toml", "[[zone]]\nnam = \"x\"\n");
  EXPECT_THAT(previewed({path}), Contains(HasSubstr("unknown key nam")));
}

}  // namespace
}  // namespace mcns::seed
