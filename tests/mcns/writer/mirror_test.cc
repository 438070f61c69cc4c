// A commit that is there though it failed: a mirror that has to take it was away.
#include <thread>

#include "dsl/log/log.h"
#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

using dsl::db::Database;

class MirrorTest : public WriterTest {
 protected:
  MirrorTest() : mirror_(dir_.file("mirror")) {
    dsl::log::start({.level = dsl::log::Level::kError});
    env_.use_real_clock();
    require_ok(env_.files().make_directories(mirror_, 0700));
    writer_.reset();
    database_.reset();
    dsl::db::Options options{.migrations = store::migrations()};
    options.replica.mirrors = {{.directory = mirror_, .sync = true}};
    options.replica.on_sync_failure = dsl::replica::OnSyncFailure::kBlock;
    options.replica.seal_every = std::chrono::milliseconds(50);
    database_ = require_ok(Database::open(env_, dir_.file("replicated.db"), options));
    zones_ = std::make_unique<zone::Store>();
    writer_ = require_ok(Writer::open(env_, *database_, *zones_, {}));
  }
  ~MirrorTest() override { dsl::log::stop(); }

  const std::string mirror_;
};

TEST_F(MirrorTest, WhatTheDatabaseHoldsIsServedThoughTheWriteFailed) {
  require_ok(create());
  require_ok(env_.files().rename(mirror_, mirror_ + ".away"));
  dsl::Result<Outcome> last;
  int number = 0;
  std::thread writes([&] {
    do {
      last = add(dsl::text("h{} A 192.0.2.1", number++));
    } while (last);
  });
  while (database_->replica_status()->mirrors.at(0).sync_active) {
    std::this_thread::yield();
  }
  database_->stop_waiting();
  writes.join();

  EXPECT_THAT(last, failed_with(Code::kUnavailable));
  EXPECT_EQ(content().size(), 1u + static_cast<unsigned>(number)) << "also the one that failed";
  EXPECT_EQ(content(), rebuilt(origin_));
  EXPECT_EQ(serial(), stored_zone().soa.serial);
}

}  // namespace
}  // namespace mcns::writer
