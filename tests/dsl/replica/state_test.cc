#include "dsl/replica/state.h"

#include "support/result_matchers.h"
#include "support/test_env.h"

namespace dsl::replica {
namespace {

using test::require_ok;

constexpr const char* kPath = "/srv/state";

class StateTest : public ::testing::Test {
 protected:
  StateTest() {
    require_ok(files().make_directories("/srv", 0700));
    require_ok(files().write_file("/srv/x.db", "content", 0600));
  }
  env::FileSystem& files() { return env_.memory_files(); }

  State full() {
    return {.epoch = {.number = 0xffffffff, .random = "0123abcd"},
            .open = true,
            .generation = 7,
            .point = {.offset = 4152,
                      .header = {.sums_big_endian = true,
                                 .page_bytes = 4096,
                                 .salts = 0xffffffffffffffff,
                                 .sum = {0xffffffff, 1}},
                      .sum = {2, 0xfffffffe}},
            .previous = std::string(64, 'a'),
            .log_before = 99,
            .last_commit = env::WallTime(std::chrono::milliseconds(1767225600123)),
            .opened = env::WallTime(std::chrono::milliseconds(1767225600000)),
            .base_bytes = 1u << 30,
            .log_bytes = 77,
            .segments = 5,
            .recipients = std::string(64, 'b'),
            .database = require_ok(fingerprint_of(files(), "/srv/x.db"))};
  }

  void start_machine(const std::string& boot) {
    require_ok(files().make_directories("/proc/sys/kernel/random", 0755));
    require_ok(files().write_file("/proc/sys/kernel/random/boot_id", boot + "\n"));
  }

  std::optional<std::string> doubt(const State& state) {
    return require_ok(doubt_about(files(), "/srv/x.db", state));
  }

  test::TestEnv env_{1};
};

TEST_F(StateTest, SavedStateIsReadAsWritten) {
  require_ok(StateFile(files(), kPath).save(full()));
  StateFile file(files(), kPath);
  EXPECT_EQ(require_ok(file.load()), full());
  EXPECT_FALSE(file.is_behind());
}

TEST_F(StateTest, MissingOrDamagedIsNone) {
  EXPECT_FALSE(require_ok(StateFile(files(), kPath).load()));
  require_ok(StateFile(files(), kPath).save(full()));
  const std::string whole = require_ok(files().read_file(kPath, 1u << 20));
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    require_ok(files().write_file(kPath, whole.substr(0, size), 0600));
    EXPECT_FALSE(require_ok(StateFile(files(), kPath).load())) << size;
  }
  for (const char* wrong : {"{}", "[]", "{\"format\":1}", "\xff"}) {
    require_ok(files().write_file(kPath, wrong, 0600));
    EXPECT_FALSE(require_ok(StateFile(files(), kPath).load())) << wrong;
  }
}

TEST_F(StateTest, WhatWasNotedIsGoodUntilTheMachineIsStartedAgain) {
  start_machine("one");
  StateFile file(files(), kPath);
  EXPECT_FALSE(file.may_follow(full().last_commit));
  require_ok(file.save(full(), full().last_commit + std::chrono::seconds(10)));
  State next = full();
  next.last_commit += std::chrono::seconds(3);
  next.segments = 6;
  ASSERT_TRUE(file.may_follow(next.last_commit));
  require_ok(file.note(next));

  StateFile same_boot(files(), kPath);
  EXPECT_EQ(require_ok(same_boot.load()), next);
  EXPECT_FALSE(same_boot.is_behind());

  start_machine("two");
  StateFile other_boot(files(), kPath);
  State behind = full();
  behind.last_commit += std::chrono::seconds(10);  // none can have been later
  EXPECT_EQ(require_ok(other_boot.load()), behind);
  EXPECT_TRUE(other_boot.is_behind());
}

TEST_F(StateTest, WhatWasSavedLaterReplacesWhatWasNoted) {
  start_machine("one");
  StateFile file(files(), kPath);
  require_ok(file.save(full(), full().last_commit + std::chrono::seconds(10)));
  require_ok(file.note(full()));
  State last = full();
  last.open = false;
  require_ok(file.save(last));

  for (const char* boot : {"one", "two"}) {
    start_machine(boot);
    StateFile again(files(), kPath);
    EXPECT_EQ(require_ok(again.load()), last);
    EXPECT_FALSE(again.is_behind());
  }
}

TEST_F(StateTest, WithoutABootIdOnlyWhatWasSavedIsTrusted) {
  StateFile file(files(), kPath);
  require_ok(file.save(full(), full().last_commit + std::chrono::seconds(10)));
  require_ok(file.note(full()));
  StateFile again(files(), kPath);
  EXPECT_TRUE(require_ok(again.load()));
  EXPECT_TRUE(again.is_behind());
}

TEST_F(StateTest, DamagedNoteIsIgnored) {
  start_machine("one");
  StateFile file(files(), kPath);
  require_ok(file.save(full(), full().last_commit + std::chrono::seconds(10)));
  require_ok(files().write_file(std::string(kPath) + ".now", "{", 0600));
  StateFile again(files(), kPath);
  EXPECT_TRUE(require_ok(again.load()));
  EXPECT_TRUE(again.is_behind());
}

TEST_F(StateTest, DatabaseThatWasTouchedIsADoubt) {
  State state = full();
  state.point = {};
  EXPECT_FALSE(doubt(state));

  const auto file = require_ok(files().open("/srv/x.db", env::OpenMode::kReadWrite));
  const std::string same = "content";
  require_ok(file->write_at(0, std::as_bytes(std::span(same))));
  EXPECT_TRUE(doubt(state)) << "with the same content";

  state.database = require_ok(fingerprint_of(files(), "/srv/x.db"));
  EXPECT_FALSE(doubt(state));
  require_ok(files().write_file("/srv/x.db", same, 0600));
  EXPECT_TRUE(doubt(state)) << "another file";
}

TEST_F(StateTest, LogThatIsShorterOrOtherIsADoubt) {
  const State state = full();
  EXPECT_EQ(doubt(state), "the log was emptied");
  require_ok(files().write_file("/srv/x.db-wal", std::string(4152, 'x'), 0600));
  EXPECT_TRUE(doubt(state));
}

}  // namespace
}  // namespace dsl::replica
