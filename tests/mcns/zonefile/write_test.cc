#include <algorithm>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "zonefile_fixture.h"

namespace mcns {
namespace {

using dsl::test::ok;
using dsl::test::require_ok;
using test::name;

Record record(const char* owner, Type type, std::string_view text, std::uint32_t ttl = 300) {
  return {.name = name(owner),
          .type = type,
          .ttl = ttl,
          .rdata = require_ok(rdata_from_text(type, text, name("example.org.")))};
}

std::vector<Record> records_of(std::string_view text) {
  dsl::test::TestEnv env(1);
  std::vector<Record> records;
  const auto outcome =
      read_zonefile(env, "zone", text, {}, [&](Record read, int) -> dsl::Result<void> {
        records.push_back(std::move(read));
        return {};
      });
  EXPECT_THAT(outcome, ok()) << text;
  return records;
}

// In the order of RFC 4034 section 6.
TEST(WriteZonefile, IsInCanonicalOrderWithTheSoaFirst) {
  const std::vector<Record> records = {
      record("*.z.example.org.", Type::kA, "192.0.2.1"),
      record("www.example.org.", Type::kAaaa, "2001:db8::1"),
      record("www.example.org.", Type::kA, "192.0.2.10"),
      record("www.example.org.", Type::kA, "192.0.2.9", 60),
      record("example.org.", Type::kMx, "10 MAIL"),
      record("example.org.", Type::kNs, "ns2"),
      record("z.example.org.", Type::kTxt, "\"a; b\""),
      record("\\001.z.example.org.", Type::kA, "192.0.2.1"),
      record("Z.a.example.org.", Type::kA, "192.0.2.1"),
      record("yljkjljk.a.example.org.", Type::kA, "192.0.2.1"),
      record("a.example.org.", Type::kNs, "ns.example.net."),
      record("example.org.", Type::kNs, "ns1"),
      record("example.org.", Type::kA, "192.0.2.1"),
      record("example.org.", Type::kSoa, "ns1 hostmaster 1 2 3 4 5"),
  };

  EXPECT_EQ(write_zonefile(name("example.org."), 300, records),
            "$ORIGIN example.org.\n"
            "$TTL 300\n"
            "@ IN SOA ns1 hostmaster 1 2 3 4 5\n"
            "@ IN A 192.0.2.1\n"
            "@ IN NS ns1\n"
            "@ IN NS ns2\n"
            "@ IN MX 10 MAIL\n"
            "a IN NS ns.example.net.\n"
            "yljkjljk.a IN A 192.0.2.1\n"
            "Z.a IN A 192.0.2.1\n"
            "www 60 IN A 192.0.2.9\n"
            "www IN A 192.0.2.10\n"
            "www IN AAAA 2001:db8::1\n"
            "z IN TXT \"a; b\"\n"
            "\\001.z IN A 192.0.2.1\n"
            "*.z IN A 192.0.2.1\n");
}

TEST(WriteZonefile, OfTheRootIsReadAgain) {
  const std::vector<Record> records = {record(".", Type::kSoa, "a. b. 1 2 3 4 5"),
                                       record("test.", Type::kNs, "ns.test.")};

  const std::string text = write_zonefile(Name(), 60, records);

  EXPECT_EQ(text, "$ORIGIN .\n$TTL 60\n@ 300 IN SOA a b 1 2 3 4 5\ntest 300 IN NS ns.test\n");
  EXPECT_EQ(records_of(text), records);
}

Record random_record(const Name& origin) {
  static const std::vector<std::pair<Type, std::string>> kTexts = {
      {Type::kA, "192.0.2.1"},
      {Type::kA, "192.0.2.2"},
      {Type::kAaaa, "2001:db8::1"},
      {Type::kTxt, "\"a;(b\" \"\\\"\\\\\\000\""},
      {Type::kMx, "10 Mail"},
      {Type::kMx, "10 mail"},
      {Type::kCname, "\\$x.\\@"},
      {Type::kAlias, "www"},
      {Type::kSrv, "1 2 3 ."},
      {Type::kHttps, "1 . alpn=\"h2,h3\" key700=\"; (\""},
      {static_cast<Type>(65280), "\\# 2 0a0b"},
  };
  Bytes wire;
  for (auto labels = *rc::gen::inRange(0, 3); labels > 0; --labels) {
    const Bytes label = *rc::gen::nonEmpty(rc::gen::resize(8, rc::gen::arbitrary<std::string>()));
    wire += static_cast<char>(label.size());
    wire += label;
  }
  const auto& [type, text] = *rc::gen::elementOf(kTexts);
  return {.name = require_ok(Name::from_wire(wire + origin.wire())),
          .type = type,
          .ttl = *rc::gen::inRange<std::uint32_t>(0, 3) * 300,
          .rdata = require_ok(rdata_from_text(type, text, origin))};
}

RC_GTEST_PROP(WriteZonefile, IsReadAsItWasAndHidesTheOrder, ()) {
  const Name origin = name("example.org.");
  std::vector<Record> records = {record("example.org.", Type::kSoa, "ns mail 1 2 3 4 5")};
  for (auto count = *rc::gen::inRange(0, 20); count > 0; --count) {
    records.push_back(random_record(origin));
  }

  const std::string text = write_zonefile(origin, 300, records);
  const std::vector<Record> read = records_of(text);

  RC_LOG() << text;
  RC_ASSERT(read.size() == records.size());
  RC_ASSERT(std::is_permutation(read.begin(), read.end(), records.begin()));
  RC_ASSERT(read.at(0).type == Type::kSoa);
  RC_ASSERT(std::is_sorted(read.begin() + 1, read.end(), [](const Record& a, const Record& b) {
    const auto order = a.name <=> b.name;
    return order != 0 ? order < 0 : a.type < b.type;
  }));
  const auto from = *rc::gen::inRange<std::size_t>(0, records.size());
  std::rotate(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(from), records.end());
  RC_ASSERT(write_zonefile(origin, 300, records) == text);
  RC_ASSERT(write_zonefile(origin, 300, read) == text);
}

}  // namespace
}  // namespace mcns
