// What became of a replica that lay somewhere for long.
#include <map>

#include "replica_test_base.h"
#include "support/seeded_random.h"

namespace dsl::replica {
namespace {

using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DamageTest : public ReplicaTest {
 protected:
  // Rows "0", "1", ..., each in a segment of its own, in three generations.
  void fill(const db::Options& options, int rows = 9) {
    const auto db = open(options);
    expect_replicated(*db);
    for (int i = 0; i < rows; ++i) {
      EXPECT_THAT(add(*db, std::to_string(i)), ok());
      expect_replicated(*db);
      if (i % 3 == 2) {
        EXPECT_TRUE(becomes([&] { return db->checkpoint().has_value(); }));
      }
    }
  }

  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> found;
    const auto store = mirror();
    for (const StoredObject& object : require_ok(store->list())) {
      found[object.name] = require_ok(read_object(*store, object.name, 16u << 20));
    }
    return found;
  }

  Result<Chain> read() {
    const auto store = mirror();
    return read_chain(*store, require_ok(list_epochs(*store)).back(), identities_);
  }

  void put(const std::string& name, const std::string& content) {
    require_ok(env_.files().write_file(mirror_ + "/test.db/" + name, content, 0600));
  }
  void remove(const std::string& name) { require_ok(mirror()->remove(name)); }

  // Each of 1,000 flipped bits is an error, or a break at that very object.
  void expect_every_flip_reported() {
    const auto whole = contents();
    std::vector<std::pair<std::string, std::size_t>> bytes;
    for (const auto& [name, content] : whole) {
      for (std::size_t at = 0; at < content.size(); ++at) {
        bytes.emplace_back(name, at);
      }
    }
    ASSERT_THAT(read(), ok());
    ASSERT_FALSE(read()->broken);
    test::SeededRandom random;
    for (int tries = 0; tries < 1000; ++tries) {
      const auto& [name, at] = bytes[random.below(bytes.size())];
      std::string content = whole.at(name);
      content[at] = static_cast<char>(content[at] ^ (1 << random.below(8)));
      put(name, content);
      const auto chain = read();
      const bool in_base = name.ends_with("/base");
      EXPECT_EQ(chain.has_value(), !in_base) << name << " byte " << at;
      if (chain && !in_base) {
        EXPECT_TRUE(chain->broken) << name << " byte " << at;
        EXPECT_TRUE(!chain->broken || chain->broken->object == name);
      }
      put(name, whole.at(name));
    }
    EXPECT_FALSE(read()->broken);
  }
};

// HOUSE-A21: Every single flipped bit in a base or segment is reported (1,000 random tries).
TEST_F(DamageTest, EveryFlippedBitIsReported) {
  fill(options());
  expect_every_flip_reported();
}

// HOUSE-A21: Also without encryption, which would find it by itself.
TEST_F(DamageTest, EveryFlippedBitIsReportedInTheClear) {
  db::Options clear = options();
  clear.replica.recipients.clear();
  fill(clear);
  identities_.clear();
  expect_every_flip_reported();
}

// Plain SQLite would stop there, and say nothing.
TEST_F(DamageTest, FlippedBitInAMiddleSegmentNamesTheCommitsLostAndGivesThoseBefore) {
  fill(options());
  const Chain whole = chain();
  const ObjectName damaged = whole.pieces[4].object;
  std::string content = contents().at(damaged.name());
  content[content.size() / 2] ^= 1;
  put(damaged.name(), content);

  const Chain found = require_ok(read());

  ASSERT_TRUE(found.broken);
  EXPECT_EQ(found.broken->object, damaged.name());
  EXPECT_EQ(found.broken->after, whole.pieces[3].header.commits.back().time);
  EXPECT_EQ(found.broken->before, whole.pieces[5].header.commits.front().time);
  EXPECT_EQ(found.broken->objects_behind, whole.pieces.size() - 5);
  EXPECT_THAT(found.broken->to_text(), HasSubstr("commits after"));
  const std::string copy = dir_.file("restored.db");
  require_ok(rebuild(*mirror(), found, *found.newest({}), identities_, env_.files(), copy));
  const auto names = names_in(copy);
  EXPECT_LT(names.size(), 9u);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(names[i], std::to_string(i));
  }
}

// HOUSE-A21: A gap is named with the commits lost: each segment missing in turn.
TEST_F(DamageTest, EveryMissingSegmentIsNamedWithTheCommitsLost) {
  fill(options());
  const auto all = contents();
  const Chain whole = chain();
  for (std::size_t i = 0; i + 1 < whole.pieces.size(); ++i) {
    const std::string name = whole.pieces[i].object.name();
    remove(name);

    const Chain found = require_ok(read());

    ASSERT_TRUE(found.broken) << name;
    EXPECT_EQ(found.broken->object, whole.pieces[i + 1].object.name());
    EXPECT_THAT(found.pieces, SizeIs(i));
    const env::WallTime after =
        i == 0 ? whole.base.time : whole.pieces[i - 1].header.commits.back().time;
    EXPECT_EQ(found.broken->after, after);
    put(name, all.at(name));
  }
}

TEST_F(DamageTest, MissingEndOfAClosedEpochIsNamed) {
  std::string epoch;
  {
    const auto db = open(options());
    expect_replicated(*db);
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_THAT(add(*db, name), ok());
      expect_replicated(*db);
    }
    epoch = db->replica_status()->epoch;
  }
  {
    identities_.insert(identities_.begin(), archive::AgeIdentity::generate(env_.random()));
    const auto db = open(options());  // for another recipient
    expect_next_epoch(*db, epoch);
  }
  const auto store = mirror();
  ASSERT_THAT(epochs(), SizeIs(2));
  EXPECT_THAT(*epochs().front().closed, HasSubstr("other recipients"));
  EXPECT_FALSE(require_ok(read_chain(*store, epochs().front(), identities_)).broken);
  remove(epochs().front().objects.back().name());

  const Chain found = require_ok(read_chain(*store, epochs().front(), identities_));

  ASSERT_TRUE(found.broken);
  EXPECT_THAT(found.broken->to_text(), HasSubstr("is missing"));
}

TEST_F(DamageTest, MissingBaseIsTold) {
  fill(options(), 3);
  remove(epochs().back().epoch.name() + "/base");

  EXPECT_FALSE(epochs().back().has_base);
  EXPECT_THAT(read(), failed_with(Code::kNotFound));
}

TEST_F(DamageTest, ObjectUnderAnotherNameIsTold) {
  fill(options());
  const auto all = contents();
  const Chain whole = chain();
  const std::string third = whole.pieces[2].object.name();
  const std::string fourth = whole.pieces[3].object.name();
  put(third, all.at(fourth));

  const Chain found = require_ok(read());

  ASSERT_TRUE(found.broken);
  EXPECT_EQ(found.broken->object, third);
  EXPECT_THAT(found.broken->why, HasSubstr("another object"));
}

TEST_F(DamageTest, WrongKeyIsToldAsSuch) {
  fill(options(), 1);
  identities_.clear();
  EXPECT_THAT(read(), failed_with(Code::kFailedPrecondition));
  identities_.push_back(archive::AgeIdentity::generate(env_.random()));
  EXPECT_THAT(read(), failed_with(Code::kWrongKey));
}

TEST_F(DamageTest, NewRecipientCanOpenWhatIsWrittenFromNowOn) {
  fill(options(), 2);
  const std::string epoch = epochs().back().epoch.name();
  identities_.clear();
  identities_.push_back(archive::AgeIdentity::generate(env_.random()));
  const auto db = open(options());
  expect_next_epoch(*db, epoch);

  const Chain found = require_ok(read());
  EXPECT_FALSE(found.broken);
}

// The tails of a mirror with sync, of which nothing is sealed yet.
class TailDamageTest : public DamageTest {
 protected:
  // Ends in a tail of the last `rows` rows; the mirror is as a killed process leaves it.
  void fill_tail(int rows) {
    db::Options slow = options(true);
    slow.replica.seal_every = std::chrono::hours(1);
    const auto db = open(slow);
    // The thread that seals has done with the new epoch, and sleeps.
    EXPECT_TRUE(db->wait_until_replicated(std::chrono::seconds(20)));
    for (int i = 0; i < rows; ++i) {
      EXPECT_THAT(add(*db, std::to_string(i)), ok());
    }
    kept_ = contents();
  }
  void restore_kept() {
    for (const auto& [name, content] : kept_) {
      put(name, content);
    }
    for (const auto& [name, content] : contents()) {
      if (!kept_.contains(name)) {
        remove(name);
      }
    }
  }
  std::string tail() const {
    for (const auto& [name, content] : kept_) {
      if (name.ends_with(".tail")) {
        return name;
      }
    }
    return {};
  }
  std::vector<std::string> rebuilt(const Chain& found) {
    const std::string copy = dir_.file("restored-" + env_.random().hex(4) + ".db");
    require_ok(rebuild(*mirror(), found, *found.newest({}), identities_, env_.files(), copy));
    return names_in(copy);
  }

  std::map<std::string, std::string> kept_;
};

// HOUSE-A21: A torn tail gives the previous commit, wherever it is torn.
TEST_F(TailDamageTest, TornTailGivesThePreviousCommit) {
  fill_tail(4);
  restore_kept();
  const std::string content = kept_.at(tail());
  std::vector<std::size_t> ends;  // of records
  for (std::size_t at = 0; at < content.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      length = length << 8 | static_cast<unsigned char>(content[at + i]);
    }
    at += 8 + length;
    ends.push_back(at);
  }
  ASSERT_EQ(ends.back(), content.size());
  ASSERT_EQ(ends.size(), 4u);
  test::SeededRandom random;
  std::vector<std::size_t> cuts = {0, 1, 3, 4, 5, content.size() - 1, content.size()};
  cuts.insert(cuts.end(), ends.begin(), ends.end());
  for (int i = 0; i < 40; ++i) {
    cuts.push_back(random.below(content.size()));
  }
  for (const std::size_t cut : cuts) {
    SCOPED_TRACE(cut);
    put(tail(), content.substr(0, cut));
    const auto whole = static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= cut; }));

    const Chain found = require_ok(read());

    EXPECT_FALSE(found.broken);
    EXPECT_THAT(rebuilt(found), SizeIs(whole));
  }
}

TEST_F(TailDamageTest, LastRecordThatIsHalfWrittenInPlaceGivesThePreviousCommit) {
  fill_tail(3);
  restore_kept();
  std::string content = kept_.at(tail());
  std::fill(content.end() - 20, content.end(), '\0');
  put(tail(), content);

  const Chain found = require_ok(read());

  EXPECT_FALSE(found.broken);
  EXPECT_TRUE(found.torn);
  EXPECT_THAT(rebuilt(found), ElementsAre("0", "1"));
}

TEST_F(TailDamageTest, DamageToAnEarlierRecordIsABreak) {
  fill_tail(4);
  restore_kept();
  std::string content = kept_.at(tail());
  content[100] ^= 1;
  put(tail(), content);

  const Chain found = require_ok(read());

  ASSERT_TRUE(found.broken);
  EXPECT_EQ(found.broken->object, tail());
}

}  // namespace
}  // namespace dsl::replica
