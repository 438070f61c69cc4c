#include "mcns/service/secret_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/store/cookie_table.h"
#include "mcns/store/schema.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using std::chrono::hours;
using std::chrono::minutes;

class SecretKeeperTest : public ::testing::Test {
 protected:
  SecretKeeperTest() {
    env_.use_real_files();
    open();
  }
  void open() {
    database_.reset();
    database_ = require_ok(dsl::db::Database::open(env_, folder_.file("mcns.db"),
                                                   {.migrations = store::migrations()}));
  }
  // What a process that starts now publishes, and then ends.
  cookie::Secrets started() {
    cookie::SharedSecrets shared;
    const SecretKeeper keeper(env_, *database_, shared);
    env_.manual_clock().await_waiters(1);  // it has been at the database
    return published(shared);
  }
  static cookie::Secrets published(const cookie::SharedSecrets& shared) {
    std::uint64_t version = 0;
    cookie::Secrets out;
    EXPECT_TRUE(shared.refresh(version, out));
    return out;
  }

  dsl::test::TempDir folder_{dsl::test::TempDir::Where::kMemory};
  dsl::test::TestEnv env_{1};
  std::unique_ptr<dsl::db::Database> database_;
};

bool same(const cookie::SipKey& a, const cookie::SipKey& b) { return a.k0 == b.k0 && a.k1 == b.k1; }

TEST_F(SecretKeeperTest, WhoeverHasTheDatabaseAgrees) {
  const cookie::Secrets first = started();
  env_.manual_clock().advance(hours(23));
  open();
  const cookie::Secrets second = started();

  EXPECT_TRUE(same(first.current, second.current));
  EXPECT_TRUE(same(first.previous, second.previous));
  EXPECT_FALSE(same(first.current, {}));
}

TEST_F(SecretKeeperTest, ADayOldSecretIsReplacedAtTheStartAndHonoured) {
  const cookie::Secrets first = started();
  env_.manual_clock().advance(hours(24));
  const cookie::Secrets second = started();
  env_.manual_clock().advance(hours(24));
  const cookie::Secrets third = started();

  EXPECT_FALSE(same(second.current, first.current));
  EXPECT_TRUE(same(second.previous, first.current));
  EXPECT_TRUE(same(third.previous, second.current));
}

TEST_F(SecretKeeperTest, ASecretOfTheFutureIsReplaced) {
  const cookie::Secrets first = started();
  env_.manual_clock().set_wall(env_.clock().now() - hours(48));
  const cookie::Secrets second = started();

  EXPECT_TRUE(same(second.previous, first.current));
}

TEST_F(SecretKeeperTest, AProcessThatStaysReplacesIt) {
  cookie::SharedSecrets shared;
  const SecretKeeper keeper(env_, *database_, shared);
  env_.manual_clock().await_waiters(1);
  const cookie::Secrets first = published(shared);

  env_.manual_clock().advance(hours(24) + minutes(1));

  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (same(published(shared).current, first.current) &&
         std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(same(published(shared).previous, first.current));
}

TEST_F(SecretKeeperTest, ADatabaseThatFailsCostsNoCookies) {
  require_ok(database_->write(
      [](dsl::db::Transaction& tx) { return tx.run("DROP TABLE cookie_secrets"); }));

  EXPECT_FALSE(same(started().current, {}));
}

}  // namespace
}  // namespace mcns
