// Who serves what is below a delegation, as our own zones have it.
#include "mcns/resolve/own_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/cache/messages.h"
#include "mcns/rdata/rdata.h"

namespace mcns {
namespace {

using test::name_of;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = OwnZones::Found::Kind;

class OwnNamesTest : public ::testing::Test {
 protected:
  OwnNamesTest() {
    zone::Edit edit(zones_);
    add_zone(edit, 1, "example.test.");
    add_zone(edit, 2, "served.example.test.");
    const Name origin = name_of("example.test.");
    const auto put = [&](std::string_view name, Type type, std::vector<Bytes> rdata) {
      edit.put(origin, {name_of(name), type, 300, std::move(rdata)});
    };
    put("child.example.test.", Type::kNs,
        {name_of("ns.child.example.test.").wire(), name_of("dry.child.example.test.").wire(),
         name_of("ns.example.test.").wire(), name_of("ns.sister.example.test.").wire(),
         name_of("ns.elsewhere.net.").wire()});
    put("sister.example.test.", Type::kNs, {name_of("ns.sister.example.test.").wire()});
    put("served.example.test.", Type::kNs, {name_of("ns.example.test.").wire()});
    put("ns.child.example.test.", Type::kA, {Bytes("\xc0\0\2\1", 4), Bytes("\xc0\0\2\2", 4)});
    put("ns.example.test.", Type::kAaaa, {Bytes("\x20\x01\x0d\xb8", 4) + Bytes(11, '\0') + '\1'});
    put("ns.sister.example.test.", Type::kA, {Bytes("\xc0\0\2\3", 4)});
    put("www.example.test.", Type::kA, {Bytes("\xc0\0\2\x0a", 4)});
    put("in.example.test.", Type::kCname, {name_of("www.child.example.test.").wire()});
    put("out.example.test.", Type::kCname, {name_of("www.elsewhere.net.").wire()});
    put("alias.example.test.", Type::kAlias, {name_of("www.child.example.test.").wire()});
    edit.publish();
  }
  static void add_zone(zone::Edit& edit, std::int64_t id, std::string_view text) {
    const Name origin = name_of(text);
    Soa soa;
    soa.primary_ns = name_of("ns.example.test.");
    soa.admin_email = name_of("admin.example.test.");
    edit.create(id, origin);
    edit.put(origin, {origin, Type::kSoa, 300, {soa.rdata()}});
  }

  OwnZones::Found find(std::string_view name, Type type = Type::kA) {
    return names_.find({.name = name_of(name), .type = type});
  }

  zone::Store zones_;
  OwnNames names_{zones_};
};

TEST_F(OwnNamesTest, ServersOfACutWithTheAddressesThatWeHave) {
  const auto found = find("a.b.child.example.test.");

  ASSERT_EQ(found.kind, Kind::kDelegated);
  EXPECT_EQ(found.delegation.zone, name_of("child.example.test."));
  const auto& hosts = found.delegation.hosts;
  ASSERT_EQ(hosts.size(), 4U) << "without the one in there that has no glue";
  EXPECT_EQ(hosts[0].name, name_of("ns.child.example.test."));
  EXPECT_THAT(hosts[0].addresses, ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_THAT(hosts[1].addresses, ElementsAre("2001:db8::1"));
  EXPECT_THAT(hosts[2].addresses, ElementsAre("192.0.2.3")) << "glue of a sister will do";
  EXPECT_EQ(hosts[3].name, name_of("ns.elsewhere.net."));
  EXPECT_THAT(hosts[3].addresses, IsEmpty());
}

TEST_F(OwnNamesTest, TheDsOfACutIsOurs) {
  EXPECT_EQ(find("child.example.test.", Type::kDs).kind, Kind::kOurs);
  EXPECT_EQ(find("child.example.test.", Type::kNs).kind, Kind::kDelegated);
  EXPECT_EQ(find("a.child.example.test.", Type::kDs).kind, Kind::kDelegated);
}

TEST_F(OwnNamesTest, AChildThatWeServeIsOurs) {
  EXPECT_EQ(find("www.served.example.test.").kind, Kind::kOurs);
}

TEST_F(OwnNamesTest, OurAnswersAreWhole) {
  const auto found = find("www.example.test.");
  ASSERT_EQ(found.kind, Kind::kOurs);
  EXPECT_EQ(found.message.answers.size(), 1U);
  EXPECT_FALSE(found.target);
  EXPECT_EQ(find("gone.example.test.").message.rcode, Rcode::kNxDomain);
}

TEST_F(OwnNamesTest, ChainsLeadOn) {
  for (const auto& [name, target] : {std::pair("in.example.test.", "www.child.example.test."),
                                     std::pair("out.example.test.", "www.elsewhere.net.")}) {
    const auto found = find(name);
    ASSERT_EQ(found.kind, Kind::kOurs);
    EXPECT_EQ(found.message.answers.size(), 1U);
    EXPECT_EQ(found.target, name_of(target));
    EXPECT_FALSE(found.alias);
  }
  const auto alias = find("alias.example.test.");
  EXPECT_EQ(alias.target, name_of("www.child.example.test."));
  ASSERT_TRUE(alias.alias);
  EXPECT_EQ(alias.alias->owner, name_of("alias.example.test."));
}

TEST_F(OwnNamesTest, TheRestIsNotOursOrSpecial) {
  EXPECT_EQ(find("www.elsewhere.net.").kind, Kind::kNotOurs);
  EXPECT_EQ(find("localhost.").kind, Kind::kSpecial);
  EXPECT_EQ(find("1.1.168.192.in-addr.arpa.", Type::kPtr).kind, Kind::kSpecial);
}

TEST_F(OwnNamesTest, WhatIsPublishedIsSeen) {
  const Name origin = name_of("example.test.");
  zone::Edit edit(zones_);
  edit.erase(origin, name_of("sister.example.test."), Type::kNs);
  edit.publish();

  EXPECT_EQ(find("ns.sister.example.test.").kind, Kind::kOurs);
}

}  // namespace
}  // namespace mcns
