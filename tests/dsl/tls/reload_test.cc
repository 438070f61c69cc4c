// Certificates replaced while connections live.
#include <filesystem>

#include "dsl/tls/tls_fixture.h"

namespace dsl::tls::test {
namespace {

namespace fs = std::filesystem;

using dsl::test::failed_saying;
using dsl::test::IssuedPair;
using dsl::test::require_ok;

class Reload : public TlsTest {
 protected:
  IssuedPair issue() { return ca_.issue({.names = {"rift"}}); }
  std::unique_ptr<ServerCredentials> watched(const PairFiles& pair) {
    auto server = open({.pairs = {pair}});
    server->on_change([this] { changed_.give(); });
    return server;
  }
  std::string shown(const ServerCredentials& server) {
    return Connection(server.current(), client_).shown_serial();
  }

  Context client_ = client();
  Signal changed_;
};

TEST_F(Reload, ABadPairIsRefusedReportedAndTheOldOneGoesOn) {
  const IssuedPair old = issue();
  const auto server = watched(store("rift", old));
  const IssuedPair expired = ca_.issue({.not_after = env_.clock().now() - std::chrono::hours(1)});
  const auto refuse = [&](const IssuedPair& bad, const std::string& words) {
    store("rift", bad);
    EXPECT_THAT(server->reload(), failed_saying(Code::kInvalidArgument, words));
    EXPECT_NE(server->status().error.find(words), std::string::npos) << server->status().error;
    EXPECT_EQ(shown(*server), old.serial);
  };

  refuse({"", "", {}}, "there is no certificate");
  refuse({issue().cert_pem, old.key_pem, {}}, "does not belong");
  refuse(expired, "expired");
  store("rift", old);
  EXPECT_EQ(require_ok(server->reload()), false);
  EXPECT_EQ(server->status().error, "");
}

TEST_F(Reload, SaysWhetherAnotherPairIsInUse) {
  const auto server = watched(store("rift", issue()));
  const auto material = server->material();
  const IssuedPair fresh = issue();

  EXPECT_EQ(require_ok(server->reload()), false);
  EXPECT_EQ(server->material(), material);
  store("rift", fresh);
  (void)server->reload();  // or the watch was there first

  EXPECT_TRUE(changed_.wait(1));
  EXPECT_EQ(server->status().leaves.front().serial, fresh.serial);
  EXPECT_EQ(server->material()->pairs.front().cert_pem, fresh.cert_pem);
  EXPECT_EQ(shown(*server), fresh.serial);
}

TEST_F(Reload, OldConnectionsGoOnAndOldTicketsDoNotHideTheNewCertificate) {
  const auto server = watched(store("rift", issue()));
  Connection old(server->current(), client_);
  SSL_SESSION* ticket = old.ticket();
  const IssuedPair fresh = issue();

  store("rift", fresh);
  ASSERT_TRUE(changed_.wait(1));
  const Connection next(server->current(), client_, {.session = ticket});

  EXPECT_TRUE(old.echoes());
  EXPECT_FALSE(next.resumed());
  EXPECT_EQ(next.shown_serial(), fresh.serial);
  SSL_SESSION_free(ticket);
}

TEST_F(Reload, SeesFilesWrittenInPlace) {
  const auto server = watched(store("rift", issue()));
  const IssuedPair fresh = issue();

  store("rift", fresh);

  EXPECT_TRUE(changed_.wait(1));
  EXPECT_EQ(shown(*server), fresh.serial);
}

TEST_F(Reload, SeesFilesRenamedIntoPlace) {
  const auto server = watched(store("rift", issue()));
  for (int i = 1; i <= 3; ++i) {
    const IssuedPair fresh = issue();
    store("next", fresh);

    fs::rename(files("next").key, files("rift").key);
    fs::rename(files("next").cert, files("rift").cert);

    ASSERT_TRUE(changed_.wait(i));
    EXPECT_EQ(shown(*server), fresh.serial);
  }
}

// As certbot does it: live/rift/cert -> ../../archive/rift/cert1, then cert2.
TEST_F(Reload, SeesLinksSwappedToAnArchive) {
  fs::create_directories(dir_.file("live/rift"));
  fs::create_directories(dir_.file("archive/rift"));
  const auto renew = [&](int number) {
    const IssuedPair fresh = issue();
    store(text("archive/rift/pair{}", number), fresh);
    for (const char* kind : {"crt", "key"}) {
      const std::string link = dir_.file(text("live/rift/pair.{}", kind));
      fs::remove(link);
      fs::create_symlink(text("../../archive/rift/pair{}.{}", number, kind), link);
    }
    return fresh.serial;
  };
  renew(1);
  const auto server = watched(files("live/rift/pair"));

  const std::string serial = renew(2);

  EXPECT_TRUE(changed_.wait(1));
  EXPECT_EQ(shown(*server), serial);
}

// As a secret mounted into a container: cert -> data/cert, data -> version1, then version2.
TEST_F(Reload, SeesALinkToAFolderSwapped) {
  const auto renew = [&](const std::string& version) {
    fs::create_directories(dir_.file(version));
    const IssuedPair fresh = issue();
    store(version + "/pair", fresh);
    fs::create_directory_symlink(version, dir_.file("data.new"));
    fs::rename(dir_.file("data.new"), dir_.file("data"));
    return fresh.serial;
  };
  renew("version1");
  for (const char* kind : {"crt", "key"}) {
    fs::create_symlink(text("data/pair.{}", kind), dir_.file(text("mounted.{}", kind)));
  }
  const auto server = watched(files("mounted"));
  for (int i = 1; i <= 2; ++i) {
    const std::string serial = renew(text("version{}", i + 1));

    ASSERT_TRUE(changed_.wait(i));
    EXPECT_EQ(shown(*server), serial);
  }
}

TEST_F(Reload, SeesAFolderExchangedForAnother) {
  fs::create_directory(dir_.file("pairs"));
  store("pairs/rift", issue());
  const auto server = watched(files("pairs/rift"));
  for (int i = 1; i <= 2; ++i) {
    fs::create_directory(dir_.file("pairs.new"));
    const IssuedPair fresh = issue();
    store("pairs.new/rift", fresh);

    fs::rename(dir_.file("pairs"), dir_.file(text("pairs.{}", i)));
    fs::rename(dir_.file("pairs.new"), dir_.file("pairs"));

    ASSERT_TRUE(changed_.wait(i));
    EXPECT_EQ(shown(*server), fresh.serial);
  }
}

}  // namespace
}  // namespace dsl::tls::test
