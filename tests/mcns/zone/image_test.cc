#include "mcns/zone/image.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/rdata/rdata.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcns::zone {
namespace {

using dsl::Code;
using dsl::env::OpenMode;
using dsl::test::failed_with;
using dsl::test::require_ok;

Name name(std::string_view text) { return Name::parse(text).value(); }

Rrset soa(const Name& origin, std::uint32_t serial) {
  Soa data;
  data.primary_ns = name("ns.example.test.");
  data.admin_email = name("admin.example.test.");
  data.serial = serial;
  return {origin, Type::kSoa, 600, {data.rdata()}};
}

const Name kOrigin = name("example.test.");
const Name kOther = name("other.test.");

// Names of every kind, with holes between them: what is gone leaves blocks that are free.
void fill(Store& store, int names) {
  Edit edit(store);
  edit.create(7, kOrigin);
  edit.put(kOrigin, soa(kOrigin, 5));
  edit.create(9, kOther);
  edit.put(kOther, soa(kOther, 6));
  std::mt19937 random(1);
  for (int i = 0; i < names; ++i) {
    const Name owner =
        name("h" + std::to_string(i) + (i % 3 == 0 ? ".a.b" : "") + ".example.test.");
    edit.put(kOrigin, {owner, Type::kA, 300, {Bytes("\xc0\x00\x02", 3) + static_cast<char>(i)}});
    if (i % 5 == 0) {
      edit.put(kOrigin, {owner, Type::kTxt, 60, {Bytes("\x01x", 2)}});
    }
    if (i % 7 == 0) {
      edit.erase(kOrigin, owner, Type::kA);
    }
  }
  edit.put(kOrigin, {name("*.w.example.test."), Type::kA, 300, {Bytes(4, '\1')}});
  edit.put(kOrigin, {name("cut.example.test."), Type::kNs, 300, {name("ns.test.").wire()}});
  edit.put(kOther, {name("d.other.test."), Type::kDname, 300, {name("example.test.").wire()}});
  edit.publish();
}

// Everything that a zone says of itself and of its names.
std::map<std::string, std::string> content(Store& store) {
  std::map<std::string, std::string> out;
  Reader reader(store);
  const Pin version(reader);
  for (const auto& zone : version->zones()) {
    out[zone->origin().text()] =
        std::to_string(zone->id()) + " " + std::to_string(zone->serial()) + " " +
        std::to_string(zone->names()) + " " + std::to_string(zone->records()) + " " +
        std::to_string(zone->deepest_cut()) +
        std::string(zone->negative_soa().wire.data(), zone->negative_soa().size);
    zone->each([&](Node node) {
      const Bytes wire = Bytes(node.name()) + zone->origin().wire();
      out[wire] = std::string(node.block());
      QueryName asked;
      EXPECT_GT(read_query_name(wire, asked), 0U);
      EXPECT_TRUE(zone->find(asked, asked.labels)) << "not found by its name";
    });
  }
  return out;
}

class ImageTest : public ::testing::Test {
 protected:
  std::unique_ptr<dsl::env::File> written(Store& store, std::string_view build = "1.0") {
    auto file = require_ok(env_.files().open("/image", OpenMode::kTruncate));
    Reader reader(store);
    const Pin version(reader);
    EXPECT_THAT(write_image(*version, build, *file), dsl::test::ok());
    return file;
  }

  dsl::test::TestEnv env_;
};

TEST_F(ImageTest, OfAnyZonesIsReadAsTheyWere) {
  for (const int names : {0, 1, 10, 5000}) {
    Store store;
    fill(store, names);
    const auto file = written(store);
    Store other;

    const auto zones = require_ok(read_image(*file, "1.0", other));

    ASSERT_EQ(zones.size(), 2U);
    EXPECT_EQ(zones[0].id, 7);
    EXPECT_EQ(zones[0].origin, kOrigin);
    EXPECT_EQ(zones[0].serial, 5U);
    EXPECT_FALSE(zones[0].has_dname);
    EXPECT_TRUE(zones[1].has_dname);
    EXPECT_EQ(content(other), content(store));
  }
}

TEST_F(ImageTest, HasNoRoomForWhatIsGone) {
  Store store;
  fill(store, 5000);
  Store other;
  require_ok(read_image(*written(store), "1.0", other));

  EXPECT_LE(other.memory().used_bytes, store.memory().used_bytes);
  EXPECT_LT(other.memory().resident_bytes, store.memory().resident_bytes);
}

TEST_F(ImageTest, WhatWasReadCanBeChangedAsWhatWasMade) {
  Store store;
  fill(store, 500);
  Store other;
  require_ok(read_image(*written(store), "1.0", other));

  for (Store* each : {&store, &other}) {
    Edit edit(*each);
    for (int i = 0; i < 500; ++i) {
      const Name owner = name("h" + std::to_string(i) + ".example.test.");
      edit.erase(kOrigin, owner, Type::kA);
      edit.put(kOrigin, {owner, Type::kAaaa, 300, {Bytes(16, static_cast<char>(i))}});
    }
    edit.remove(kOther);
    edit.publish();
  }

  EXPECT_EQ(content(other), content(store));
}

TEST_F(ImageTest, OfNoZoneIsReadToo) {
  Store store;
  Store other;
  EXPECT_TRUE(require_ok(read_image(*written(store), "1.0", other)).empty());
}

TEST_F(ImageTest, OfAnotherBuildIsNotTaken) {
  Store store;
  fill(store, 10);
  Store other;

  EXPECT_THAT(read_image(*written(store), "1.1", other), failed_with(Code::kFailedPrecondition));
  EXPECT_TRUE(other.is_empty());
}

TEST_F(ImageTest, WithOneOctetChangedOrMissingIsNotTaken) {
  Store store;
  fill(store, 40);
  const auto file = written(store);
  const std::uint64_t size = require_ok(file->size());
  std::string whole(size, '\0');
  require_ok(file->read_at(0, std::as_writable_bytes(std::span(whole))));

  Store other;
  for (std::uint64_t at = 0; at < size; ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    ASSERT_THAT(file->write_at(0, std::as_bytes(std::span(bad))), dsl::test::ok());
    EXPECT_FALSE(read_image(*file, "1.0", other).has_value()) << at;
    EXPECT_TRUE(other.is_empty());
  }
  ASSERT_THAT(file->write_at(0, std::as_bytes(std::span(whole))), dsl::test::ok());
  for (const std::uint64_t cut : {std::uint64_t{0}, std::uint64_t{20}, size / 2, size - 1}) {
    ASSERT_THAT(file->truncate(cut), dsl::test::ok());
    EXPECT_THAT(read_image(*file, "1.0", other), failed_with(Code::kDataLoss)) << cut;
    EXPECT_TRUE(other.is_empty());
  }
}

}  // namespace
}  // namespace mcns::zone
