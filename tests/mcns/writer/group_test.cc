// Many at once: one commit for all, and nobody sees anything half.
#include <atomic>
#include <thread>

#include "mcns/writer/writer_test_base.h"
#include "support/seeded_random.h"

namespace mcns::writer {
namespace {

class GroupTest : public WriterTest {
 protected:
  GroupTest() { require_ok(create()); }

  template <class Fn>
  static void in_threads(int count, const Fn& fn) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&fn, i] { fn(i); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }

  // A name of the newest version that has a CNAME beside others; empty when there is none.
  static std::string broken_name(const zone::Zone& zone) {
    std::string broken;
    zone.each([&](zone::Node node) {
      std::size_t records = 0;
      node.each([&](const zone::RrsetView& rrset) { records += rrset.count; });
      if (node.find(Type::kCname) && records > 1) {
        broken = std::string(node.name());
      }
    });
    return broken;
  }
};

TEST_F(GroupTest, AcknowledgedWriteIsInTheNextVersionThatAnybodyPins) {
  std::atomic<int> missing = 0;
  in_threads(16, [&](int thread) {
    zone::Reader reader(*zones_);
    for (int i = 0; i < 30; ++i) {
      const Outcome done = require_ok(add(dsl::text("t{}-{} A 192.0.2.1", thread, i)));
      const zone::Pin version(reader);
      const Name owner = name(dsl::text("t{}-{}.example.test.", thread, i));
      QueryName query;
      read_query_name(owner.wire(), query);
      const zone::Zone* zone = version->find_zone(query);
      const bool is_there = zone != nullptr && zone->find(query, query.labels).find(Type::kA);
      missing += !is_there || zone->serial() < done.serial ? 1 : 0;
    }
  });
  EXPECT_EQ(missing, 0);
  EXPECT_EQ(serial(), 2026010101u + 16 * 30) << "one for each transaction";
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(GroupTest, CnameStandsAloneWhatever64ThreadsWrite) {
  std::atomic<bool> done = false;
  std::string broken;
  std::thread watcher([&] {
    zone::Reader reader(*zones_);
    while (!done && broken.empty()) {
      const zone::Pin version(reader);
      broken = broken_name(*version->zone(origin_));
    }
  });
  std::atomic<int> conflicts = 0;
  std::atomic<int> transactions = 0;
  in_threads(64, [&](int thread) {
    dsl::test::SeededRandom random(static_cast<std::uint64_t>(thread));
    const auto pick = [&](std::uint64_t count) {
      std::array<std::byte, 1> byte{};
      random.fill(byte);
      return static_cast<std::uint64_t>(byte[0]) % count;
    };
    for (int i = 0; i < 20; ++i) {
      const std::string owner = dsl::text("n{}", pick(4));
      const std::string text = pick(2) == 0 ? dsl::text("{} 60 CNAME c{}", owner, pick(2))
                                            : dsl::text("{} 60 A 192.0.2.{}", owner, pick(3));
      dsl::Result<Outcome> result;
      switch (pick(5)) {
        case 0:
          result = add(text);
          break;
        case 1:
          result = apply(setting(text));
          break;
        case 2:
          result = apply(deleting(text));
          break;
        case 3:
          result = writer_->apply(author_, {.zone = origin_,
                                            .operations = {{.kind = Operation::Kind::kDeleteName,
                                                            .name = name(owner + ".example.test.")},
                                                           adding(text)}});
          break;
        default: {
          Writer::Import import = import_of({"@ 300 NS ns1", text});
          import.merge = pick(2) == 0;
          import.force = true;
          result = writer_->import(author_, std::move(import));
        }
      }
      conflicts += !result && result.error().code() == Code::kConflict ? 1 : 0;
      transactions += result && result->changed ? 1 : 0;
    }
  });
  done = true;
  watcher.join();

  EXPECT_EQ(broken, "");
  EXPECT_GT(conflicts, 0);
  EXPECT_EQ(serial(), 2026010101u + static_cast<std::uint32_t>(transactions))
      << "one for each transaction that changed something";
  EXPECT_EQ(content(), rebuilt(origin_));
  open();
  zone::Reader reader(*zones_);
  EXPECT_EQ(broken_name(*zone::Pin(reader)->zone(origin_)), "");
}

TEST_F(GroupTest, FailedWriteOfAGroupTakesBackNoOther) {
  std::atomic<int> refused = 0;
  in_threads(16, [&](int thread) {
    for (int i = 0; i < 20; ++i) {
      const auto result =
          thread % 2 == 0 ? add(dsl::text("t{}-{} A 192.0.2.1", thread, i)) : add("@ CNAME x");
      refused += result ? 0 : 1;
    }
  });
  EXPECT_EQ(refused, 8 * 20);
  EXPECT_EQ(content().size(), 1u + 8 * 20);
  EXPECT_EQ(serial(), 2026010101u + 8 * 20);
}

TEST_F(GroupTest, QueueIsBounded) {
  open({.queue_max = 0});
  EXPECT_THAT(add("a A 192.0.2.1"), failed_saying(Code::kUnavailable, "waiting already"));
}

TEST_F(GroupTest, PauseReturnsWhenAllThatWasTakenIsDone) {
  std::atomic<int> done = 0;
  std::atomic<int> refused = 0;
  std::thread writers([&] {
    in_threads(8, [&](int thread) {
      for (int i = 0; i < 50; ++i) {
        (add(dsl::text("t{}-{} A 192.0.2.1", thread, i)) ? done : refused) += 1;
      }
    });
  });
  while (done < 8) {
    std::this_thread::yield();
  }
  writer_->pause();
  const std::uint32_t paused_at = serial();
  writers.join();
  EXPECT_EQ(serial(), paused_at);
  EXPECT_EQ(done, static_cast<int>(paused_at - 2026010101));
  EXPECT_EQ(done + refused, 8 * 50);
  writer_->resume();
  EXPECT_THAT(add("after A 192.0.2.1"), ok());
}

}  // namespace
}  // namespace mcns::writer
