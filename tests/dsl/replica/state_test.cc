#include "dsl/replica/state.h"

#include "support/result_matchers.h"
#include "support/test_env.h"

namespace dsl::replica {
namespace {

using test::require_ok;

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

  std::optional<std::string> doubt(const State& state) {
    return require_ok(doubt_about(files(), "/srv/x.db", state));
  }

  test::TestEnv env_{1};
};

TEST_F(StateTest, IsReadAsWritten) {
  require_ok(save_state(files(), "/srv/state", full()));
  EXPECT_EQ(require_ok(load_state(files(), "/srv/state")), full());
}

TEST_F(StateTest, MissingOrDamagedIsNone) {
  EXPECT_FALSE(require_ok(load_state(files(), "/srv/state")));
  require_ok(save_state(files(), "/srv/state", full()));
  const std::string whole = require_ok(files().read_file("/srv/state", 1u << 20));
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    require_ok(files().write_file("/srv/state", whole.substr(0, size), 0600));
    EXPECT_FALSE(require_ok(load_state(files(), "/srv/state"))) << size;
  }
  for (const char* wrong : {"{}", "[]", "{\"format\":1}", "\xff"}) {
    require_ok(files().write_file("/srv/state", wrong, 0600));
    EXPECT_FALSE(require_ok(load_state(files(), "/srv/state"))) << wrong;
  }
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
