#include "mcns/zone/store.h"

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/rdata/rdata.h"

namespace mcns::zone {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Name name(std::string_view text) { return Name::parse(text).value(); }

// A question's name; the wire form has to live as long.
struct Asked {
  explicit Asked(std::string_view text) : wire(name(text).wire()) { read_query_name(wire, query); }
  Bytes wire;
  QueryName query;
};

Rrset soa(const Name& origin, std::uint32_t serial = 1) {
  Soa data;
  data.primary_ns = name("ns.example.test.");
  data.admin_email = name("admin.example.test.");
  data.serial = serial;
  return {origin, Type::kSoa, 600, {data.rdata()}};
}

Rrset address(std::string_view owner, char last = 1) {
  return {name(owner), Type::kA, 300, {Bytes("\xc0\x00\x02", 3) + last}};
}

const Name kOrigin = name("example.test.");

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    Edit edit(store_);
    edit.create(7, kOrigin);
    edit.put(kOrigin, soa(kOrigin));
    edit.publish();
  }

  void put(const Rrset& rrset) {
    Edit edit(store_);
    edit.put(kOrigin, rrset);
    edit.publish();
  }
  void erase(std::string_view owner, Type type) {
    Edit edit(store_);
    edit.erase(kOrigin, name(owner), type);
    edit.publish();
  }

  // What the newest version says of a name: "none", "empty", or its types.
  std::string at(std::string_view text) {
    Reader reader(store_);
    const Pin version(reader);
    const Asked asked(text);
    const Zone* zone = version->find_zone(asked.query);
    const Node node = zone == nullptr ? Node() : zone->find(asked.query, asked.query.labels);
    if (!node) {
      return "none";
    }
    std::string types;
    node.each([&](const RrsetView& rrset) {
      types += (types.empty() ? "" : " ") + mcns::text(rrset.type);
    });
    return types.empty() ? "empty" : types;
  }
  // How the newest version writes a name that is there, below the apex.
  std::string spelling(std::string_view text) {
    Reader reader(store_);
    const Pin version(reader);
    const Asked asked(text);
    const Node node = version->find_zone(asked.query)->find(asked.query, asked.query.labels);
    return Name::from_wire(Bytes(node.name()) + kOrigin.wire()).value().text_below(kOrigin);
  }
  std::uint64_t names() {
    Reader reader(store_);
    const Pin version(reader);
    return version->zone(kOrigin)->names();
  }

  Store store_;
};

TEST_F(StoreTest, WhatWasPutIsFoundInAnyCase) {
  put(address("WWW.example.test."));

  EXPECT_EQ(at("www.EXAMPLE.test."), "A");
  EXPECT_EQ(at("ww.example.test."), "none");
  EXPECT_EQ(at("www.example."), "none");
}

TEST_F(StoreTest, ThePinnedVersionStaysAsItWas) {
  Reader reader(store_);
  const Asked asked("www.example.test.");
  {
    const Pin before(reader);
    put(address("www.example.test."));

    EXPECT_FALSE(before->find_zone(asked.query)->find(asked.query, 3));
  }
  const Pin after(reader);
  EXPECT_TRUE(after->find_zone(asked.query)->find(asked.query, 3));
}

TEST_F(StoreTest, NamesAboveExistAsLongAsSomethingIsBelow) {
  put(address("a.b.c.example.test."));
  put(address("x.b.c.example.test."));

  EXPECT_EQ(at("b.c.example.test."), "empty");
  EXPECT_EQ(at("c.example.test."), "empty");
  EXPECT_EQ(names(), 5U);
  erase("a.b.c.example.test.", Type::kA);
  EXPECT_EQ(at("b.c.example.test."), "empty");
  erase("x.b.c.example.test.", Type::kA);
  EXPECT_EQ(at("b.c.example.test."), "none");
  EXPECT_EQ(at("c.example.test."), "none");
  EXPECT_EQ(names(), 1U);
}

TEST_F(StoreTest, ANameWithDataStaysWhenWhatIsBelowGoes) {
  put(address("b.example.test."));
  put(address("a.b.example.test."));
  erase("a.b.example.test.", Type::kA);

  EXPECT_EQ(at("b.example.test."), "A");
  erase("b.example.test.", Type::kA);
  EXPECT_EQ(at("b.example.test."), "none");
}

TEST_F(StoreTest, CaseIsThatInWhichANameItselfWasFirstWritten) {
  put(address("X.A.example.test."));
  EXPECT_EQ(spelling("x.a.example.test."), "X.A");
  EXPECT_EQ(spelling("a.example.test."), "a") << "nobody has written it";

  put(address("A.example.test."));
  put({name("a.example.test."), Type::kTxt, 300, {Bytes("\x01x")}});
  put(address("y.a.example.test."));
  EXPECT_EQ(spelling("a.example.test."), "A");

  erase("a.example.test.", Type::kA);
  EXPECT_EQ(spelling("a.example.test."), "A") << "it has others";
  erase("a.example.test.", Type::kTxt);
  EXPECT_EQ(at("a.example.test."), "empty");
  put({name("a.Example.TEST."), Type::kTxt, 300, {Bytes("\x01x")}});
  EXPECT_EQ(spelling("a.example.test."), "a") << "it was gone, and is written anew";
}

TEST_F(StoreTest, AWildcardIsKnownToTheNameAboveIt) {
  const auto has_wildcard = [this](std::string_view text) {
    Reader reader(store_);
    const Pin version(reader);
    const Asked asked(text);
    return version->find_zone(asked.query)
        ->find(asked.query, asked.query.labels)
        .has(Node::kWildcardChild);
  };
  put(address("*.example.test."));
  put(address("*.sub.example.test."));

  EXPECT_TRUE(has_wildcard("example.test."));
  EXPECT_TRUE(has_wildcard("sub.example.test."));
  erase("*.example.test.", Type::kA);
  EXPECT_FALSE(has_wildcard("example.test."));
}

TEST_F(StoreTest, CutsAreCountedByDepth) {
  const auto cut_at = [this](std::size_t depth) {
    Reader reader(store_);
    const Pin version(reader);
    return version->zone(kOrigin)->has_cut_at(depth);
  };
  const Name child = name("child.example.test.");
  put({child, Type::kNs, 300, {name("ns.child.example.test.").wire()}});

  EXPECT_TRUE(cut_at(1));
  EXPECT_FALSE(cut_at(0));
  EXPECT_FALSE(cut_at(2));
  erase("child.example.test.", Type::kNs);
  EXPECT_FALSE(cut_at(1));
}

TEST_F(StoreTest, TheLongestOriginIsTheZone) {
  const Name child = name("child.example.test.");
  Edit edit(store_);
  edit.create(8, child);
  edit.put(child, soa(child));
  edit.publish();
  Reader reader(store_);
  const Pin version(reader);
  const Asked inside("a.child.example.test.");
  const Asked apex("child.example.test.");
  const Asked beside("other.example.test.");
  const Asked outside("test.");

  EXPECT_EQ(version->find_zone(inside.query)->id(), 8);
  EXPECT_EQ(version->find_zone(apex.query)->id(), 8);
  EXPECT_EQ(version->find_zone(apex.query, 2)->id(), 7);
  EXPECT_EQ(version->find_zone(beside.query)->id(), 7);
  EXPECT_EQ(version->find_zone(outside.query), nullptr);
}

TEST_F(StoreTest, AZoneThatIsMadeAnewHasNothingOfTheOldOne) {
  put(address("www.example.test."));
  Edit edit(store_);
  edit.create(7, kOrigin);
  edit.put(kOrigin, soa(kOrigin, 2));
  edit.publish();

  EXPECT_EQ(at("www.example.test."), "none");
  EXPECT_EQ(names(), 1U);
}

TEST_F(StoreTest, ARemovedZoneIsGoneAndItsMemoryIsUsedAgain) {
  const auto fill = [this] {
    Edit edit(store_);
    edit.create(7, kOrigin);
    edit.put(kOrigin, soa(kOrigin));
    for (int i = 0; i < 5000; ++i) {
      edit.put(kOrigin, address("host" + std::to_string(i) + ".example.test."));
    }
    edit.publish();
  };
  const auto remove = [this] {
    Edit edit(store_);
    edit.remove(kOrigin);
    edit.publish();
    store_.collect();
  };
  fill();
  remove();

  EXPECT_EQ(at("host1.example.test."), "none");
  const std::size_t resident = store_.memory().resident_bytes;
  EXPECT_LT(store_.memory().used_bytes, 1024U);
  for (int round = 0; round < 4; ++round) {
    fill();
    remove();
  }
  EXPECT_LT(store_.memory().resident_bytes, 2 * resident);
}

TEST_F(StoreTest, BlocksAreNotUsedAgainWhileAReaderHasThem) {
  put(address("www.example.test.", 1));
  Reader reader(store_);
  const Pin old(reader);
  const Asked asked("www.example.test.");
  const RrsetView before = *old->find_zone(asked.query)->find(asked.query, 3).find(Type::kA);
  const std::string copy(before.wire);

  for (char i = 2; i < 100; ++i) {
    put(address("www.example.test.", i));
  }

  EXPECT_EQ(before.wire, copy);
  EXPECT_EQ(store_.lag(), 98U);
}

TEST_F(StoreTest, TheSoaOfNegativeAnswersHasTheSmallerTtl) {
  Reader reader(store_);
  const Pin version(reader);
  const Zone::NegativeSoa& found = version->zone(kOrigin)->negative_soa();
  const RrsetView view{Type::kSoa, 1, {found.wire.data(), found.size}};

  EXPECT_EQ(view.ttl(), 300U);  // the minimum; the SOA's own is 600
  EXPECT_EQ(found.patches, 3);  // owner, primary_ns, admin_email
}

// What a version holds, by name and type.
using Contents = std::map<std::string, std::string>;

Contents contents_of(const Version& version) {
  Contents out;
  for (const auto& zone : version.zones()) {
    zone->each([&](Node node) {
      const Bytes wire = Bytes(node.name()) + zone->origin().wire();
      const std::string owner = Name::from_wire(wire).value().text();
      out[owner + " flags"] = std::to_string(node.flags()) + "/" +
                              (node.name().empty() ? "-" : std::to_string(node.children()));
      node.each([&](const RrsetView& rrset) {
        out[owner + " " + mcns::text(rrset.type)] = std::string(rrset.wire);
      });
    });
    out[zone->origin().text() + " counts"] =
        std::to_string(zone->names()) + " names " + std::to_string(zone->records()) + " records";
  }
  return out;
}

// Any sequence of edits gives the version that the same content gives when it is loaded at once.
TEST_F(StoreTest, AnEditedVersionIsTheOneMadeFromScratch) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
    const std::vector<std::string> labels = {"a", "b", "*", "c", "deep"};
    std::map<std::pair<Bytes, Type>, Rrset> expected;
    Store edited;
    {
      Edit edit(edited);
      edit.create(7, kOrigin);
      edit.put(kOrigin, soa(kOrigin));
      edit.publish();
    }
    for (int round = 0; round < 60; ++round) {
      Edit edit(edited);
      for (unsigned change = pick(12) + 1; change > 0; --change) {
        std::string owner;
        for (unsigned depth = pick(3) + 1; depth > 0; --depth) {
          owner += labels[pick(5)] + std::to_string(pick(round < 30 ? 40 : 8)) + ".";
        }
        if (pick(2) == 0) {
          owner[0] = static_cast<char>(std::toupper(owner[0]));
        }
        const Name full = name(owner + "example.test.");
        const std::vector<Type> types = {Type::kA, Type::kTxt, Type::kNs, Type::kDname};
        const Type type = types[pick(4)];
        if (pick(3) != 0) {
          const Bytes rdata = type == Type::kA     ? Bytes("\x0a\x00\x00\x01", 4)
                              : type == Type::kTxt ? Bytes("\x01x")
                                                   : name("t.test.").wire();
          Rrset rrset{full, type, 60 + pick(2), {rdata}};
          edit.put(kOrigin, rrset);
          // The rows of a name are all written as the first of them.
          const auto there = expected.lower_bound({full.lower(), Type{}});
          if (there != expected.end() && there->first.first == full.lower()) {
            rrset.name = there->second.name;
          }
          expected[{full.lower(), type}] = rrset;
        } else {
          edit.erase(kOrigin, full, type);
          expected.erase({full.lower(), type});
        }
      }
      edit.publish();
    }
    Store fresh;
    {
      Edit edit(fresh);
      edit.create(7, kOrigin);
      edit.put(kOrigin, soa(kOrigin));
      for (const auto& [key, rrset] : expected) {
        edit.put(kOrigin, rrset);
      }
      edit.publish();
    }
    Reader edited_reader(edited);
    Reader fresh_reader(fresh);

    ASSERT_EQ(contents_of(*Pin(edited_reader)), contents_of(*Pin(fresh_reader)));
  }
}

TEST_F(StoreTest, ManyNamesAreAllFoundWhileTheTableGrowsAndShrinks) {
  constexpr int kNames = 20000;
  const auto host = [](int i) { return "host" + std::to_string(i) + ".example.test."; };
  {
    Edit edit(store_);
    for (int i = 0; i < kNames; ++i) {
      edit.put(kOrigin, address(host(i)));
    }
    edit.publish();
  }
  Edit edit(store_);
  for (int i = 0; i < kNames; i += 2) {
    edit.erase(kOrigin, name(host(i)), Type::kA);
  }
  edit.publish();
  Reader reader(store_);
  const Pin version(reader);
  const Zone& zone = *version->zone(kOrigin);

  int wrong = 0;
  for (int i = 0; i < kNames; ++i) {
    const Asked asked(host(i));
    wrong += static_cast<bool>(zone.find(asked.query, 3)) == (i % 2 == 1) ? 0 : 1;
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(zone.names(), 1U + kNames / 2);
}

TEST_F(StoreTest, LittleIsLeftFreeHoweverFarTheTableHasGrown) {
  Edit edit(store_);
  for (int i = 0; i < 150000; ++i) {
    edit.put(kOrigin, address("host" + std::to_string(i) + ".example.test."));
    if (i > 20000 && i % 10000 == 0) {
      const Store::Memory memory = store_.memory();
      EXPECT_LT(double(memory.resident_bytes), 1.15 * double(memory.used_bytes)) << i << " names";
    }
  }
  edit.publish();
}

// Readers during writes see committed versions only: both names of a version carry its number.
TEST_F(StoreTest, ReadersSeeWholeVersionsOnly) {
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  const auto both = [this](char number) {
    Edit edit(store_);
    edit.put(kOrigin, address("a.example.test.", number));
    edit.put(kOrigin, address("b.example.test.", number));
    edit.publish();
  };
  both(0);
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Reader reader(store_);
      const Asked a("a.example.test.");
      const Asked b("b.example.test.");
      while (!done) {
        const Pin version(reader);
        const Zone* zone = version->find_zone(a.query);
        const auto first = zone->find(a.query, 3).find(Type::kA)->first_rdata();
        const auto second = zone->find(b.query, 3).find(Type::kA)->first_rdata();
        torn += first == second ? 0 : 1;
      }
    });
  }
  for (int i = 0; i < 3000; ++i) {
    both(static_cast<char>(i));
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }

  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace mcns::zone
