// What may stand in a zone.
#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

class RulesTest : public WriterTest {
 protected:
  RulesTest() { require_ok(create()); }

  void expect_refused(std::vector<Operation> operations, Code code, std::string_view words) {
    const auto before = content();
    EXPECT_THAT(apply(std::move(operations)), failed_saying(code, std::string(words)));
    EXPECT_EQ(content(), before);
    EXPECT_EQ(rebuilt(origin_), before);
  }
};

TEST_F(RulesTest, CnameBesideOthersNamesThem) {
  require_ok(add("www A 192.0.2.1"));
  expect_refused({adding("www CNAME other")}, Code::kConflict,
                 "www.example.test. CNAME other.example.test. cannot stand beside "
                 "www.example.test. A 192.0.2.1");
  require_ok(add("alias CNAME www"));
  expect_refused({adding("Alias TXT x")}, Code::kConflict,
                 "alias.example.test. TXT \"x\" cannot stand beside alias.example.test. CNAME "
                 "www.example.test.");
  expect_refused({adding("alias CNAME www2")}, Code::kConflict, "cannot stand beside");
  expect_refused({setting("two CNAME a", {"b"})}, Code::kConflict, "cannot stand beside");
  expect_refused({adding("@ CNAME www")}, Code::kConflict, "the SOA and NS records of its zone");
}

TEST_F(RulesTest, RulesHoldAtTheEndOfABatch) {
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(apply({adding("www CNAME other"), deleting("www A 192.0.2.1")}), ok());
  EXPECT_THAT(apply({deleting("www CNAME other"), adding("www A 192.0.2.1")}), ok());
  EXPECT_THAT(apply({deleting("@ NS ns1"), adding("@ NS ns2")}), ok());
}

TEST_F(RulesTest, EveryBrokenRuleIsTold) {
  require_ok(apply({adding("a A 192.0.2.1"), adding("b A 192.0.2.1")}));

  const auto result = apply({adding("a CNAME x"), adding("c A 192.0.2.1"), adding("b CNAME x")});

  ASSERT_THAT(result, failed_with(Code::kConflict));
  ASSERT_EQ(result.error().details().size(), 2u);
  EXPECT_EQ(result.error().details()[0].where, "operations[0]");
  EXPECT_EQ(result.error().details()[1].where, "operations[2]");
}

TEST_F(RulesTest, AliasIsWhereTheAddressesOfItsNameComeFrom) {
  EXPECT_THAT(add("@ ALIAS www.example.net."), ok()) << "beside SOA and NS";
  EXPECT_THAT(apply({adding("@ MX 10 mail"), adding("@ TXT x")}), ok());
  expect_refused({adding("@ A 192.0.2.1")}, Code::kConflict,
                 "example.test. A 192.0.2.1 cannot stand beside example.test. ALIAS "
                 "www.example.net.");
  expect_refused({adding("@ AAAA 2001:db8::1")}, Code::kConflict, "cannot stand beside");
  expect_refused({adding("@ ALIAS other.example.net.")}, Code::kConflict, "cannot stand beside");
  require_ok(add("www A 192.0.2.1"));
  expect_refused({adding("www ALIAS other")}, Code::kConflict, "cannot stand beside");
  expect_refused({adding("one ALIAS a"), adding("one CNAME b")}, Code::kConflict,
                 "cannot stand beside");
  EXPECT_THAT(apply({deleting("www A 192.0.2.1"), adding("www ALIAS other")}), ok());
  EXPECT_THAT(apply({setting("www ALIAS another")}), ok());
}

TEST_F(RulesTest, NothingStandsBelowADname) {
  require_ok(add("old DNAME new.example.test."));
  expect_refused({adding("www.old A 192.0.2.1")}, Code::kConflict,
                 "www.old.example.test. A 192.0.2.1 would lie below old.example.test. DNAME "
                 "new.example.test.");
  expect_refused({adding("a.b.c.old A 192.0.2.1")}, Code::kConflict, "would lie below");
  require_ok(add("x.y A 192.0.2.1"));
  expect_refused({adding("y DNAME z")}, Code::kConflict,
                 "y.example.test. DNAME z.example.test. would have x.y.example.test. A 192.0.2.1 "
                 "below it");
  expect_refused({adding("@ DNAME z.test.")}, Code::kConflict, "below it");
  EXPECT_THAT(add("old A 192.0.2.1"), ok()) << "beside it";
  EXPECT_THAT(add("older A 192.0.2.1"), ok());
  EXPECT_THAT(apply({deleting("x.y A 192.0.2.1"), adding("y DNAME z")}), ok());
  expect_refused({adding("p DNAME z"), adding("q.p A 192.0.2.1")}, Code::kConflict, "below");
}

TEST_F(RulesTest, DnameStandsAlone) {
  require_ok(add("d DNAME x"));
  expect_refused({adding("d DNAME y")}, Code::kConflict, "one DNAME");
  expect_refused({adding("d CNAME y")}, Code::kConflict, "a CNAME stands alone");
  expect_refused({adding("d NS ns1")}, Code::kConflict, "a delegation has no DNAME beside it");
}

TEST_F(RulesTest, WildcardHasNoNsAndNoDname) {
  expect_refused({adding("* NS ns1")}, Code::kInvalidArgument, "*.example.test. cannot have NS");
  expect_refused({adding("*.a DNAME b")}, Code::kInvalidArgument, "cannot have DNAME");
  EXPECT_THAT(apply({adding("* A 192.0.2.1"), adding("*.c CNAME a")}), ok());
  EXPECT_THAT(add("a.* NS ns1"), ok()) << "no wildcard";
}

TEST_F(RulesTest, ApexKeepsAnNs) {
  expect_refused({deleting("@ NS ns1")}, Code::kConflict, "left without an NS");
  expect_refused({{.kind = Operation::Kind::kDeleteName, .name = origin_}}, Code::kConflict,
                 "left without an NS");
  require_ok(add("@ NS ns2"));
  EXPECT_THAT(apply(deleting("@ NS ns1")), ok());
}

TEST_F(RulesTest, TargetsAreHostNames) {
  expect_refused({adding("@ MX 10 my_mail")}, Code::kInvalidArgument,
                 "my_mail.example.test. is not the name of a host");
  expect_refused({adding("sub NS -ns")}, Code::kInvalidArgument, "not the name of a host");
  expect_refused({adding("_sip._tcp SRV 0 0 5060 a.*.b")}, Code::kInvalidArgument,
                 "not the name of a host");
  EXPECT_THAT(add("_sip._tcp SRV 0 0 5060 sip"), ok());
  EXPECT_THAT(add("nomail MX 0 ."), ok()) << "RFC 7505";
  EXPECT_THAT(add("_x CNAME _acme-challenge"), ok());
}

TEST_F(RulesTest, TargetThatIsACnameIsAWarningOrRefused) {
  require_ok(create("other.test."));
  require_ok(writer_->apply(
      author_,
      {.zone = name("other.test."),
       .operations = {operation(Operation::Kind::kAdd, "alias CNAME x", name("other.test."))}}));

  const Outcome done = require_ok(add("@ MX 10 alias.other.test."));
  EXPECT_THAT(done.warnings,
              ElementsAre(HasSubstr("MX 10 alias.other.test. leads to alias.other.test. CNAME")));

  const Batch strict{
      .zone = origin_, .operations = {adding("@ MX 20 ALIAS.other.test.")}, .strict = true};
  EXPECT_THAT(writer_->apply(author_, strict), failed_saying(Code::kConflict, "RFC 2181"));
  EXPECT_THAT(require_ok(add("@ MX 30 mail.other.test.")).warnings, IsEmpty());
}

TEST_F(RulesTest, TypesThatAreNoRecordsAreRefused) {
  for (const Type type : {Type::kAny, Type::kOpt, Type::kAxfr, Type::kTsig, Type::kSoa,
                          Type::kRrsig, Type::kNsec, static_cast<Type>(0)}) {
    EXPECT_THAT(apply({.name = origin_, .type = type, .rdata = {Bytes("x")}}),
                failed_with(Code::kInvalidArgument))
        << text(type);
  }
}

TEST_F(RulesTest, TtlHas31Bits) {
  EXPECT_THAT(add("a 2147483647 A 192.0.2.1"), ok());
  expect_refused({adding("b 2147483648 A 192.0.2.1")}, Code::kInvalidArgument, "ttl");
}

TEST_F(RulesTest, RrsetFitsIntoOneAnswer) {
  std::vector<Operation> operations;
  for (int i = 0; i < 260; ++i) {
    operations.push_back(adding(dsl::text("big TXT {}{}", std::string(245, 'x'), 1000 + i)));
  }
  expect_refused(operations, Code::kTooLarge, "TXT records of big.example.test.");
  operations.resize(240);
  EXPECT_THAT(apply(operations), ok());
}

}  // namespace
}  // namespace mcns::writer
