// A point from a directory and back, with the keys and programs that an operator has.
#include <filesystem>
#include <fstream>
#include <random>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/db/database.h"
#include "mcp/recovery/backup.h"
#include "mcp/recovery/foreign.h"
#include "mcp/recovery/restore.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcp::recovery {
namespace {

namespace fs = std::filesystem;
using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kBigBytes = 20 << 20;

class PointTest : public ::testing::Test {
 protected:
  PointTest() {
    env_.use_real_files();
    fs::create_directories(target());
    recipient_ = std::make_unique<dsl::archive::AgeRecipient>(
        require_ok(make_identity(env_, folder_.file("identity.txt"), nullptr)));
    require_ok(KeyStore(env_, settings().directory).add_recipient(*recipient_, "test"));
  }

  std::string target() const { return folder_.file("target"); }
  std::string root(const std::string& unit) const { return folder_.file("srv/" + unit); }
  Settings settings() const {
    return {.domain = "example.net",
            .node = "rift",
            .tool = "test",
            .directory = folder_.file("recovery"),
            .targets = {target()}};
  }

  void write(const std::string& path, const std::string& content, mode_t mode = 0640) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }

  std::unique_ptr<dsl::db::Database> open_database(const std::string& path) {
    fs::create_directories(fs::path(path).parent_path());
    return require_ok(dsl::db::Database::open(
        env_, path, {.migrations = {{1, "initial", "CREATE TABLE notes(text TEXT)"}}}));
  }

  static void add_note(dsl::db::Database& db, const std::string& note) {
    require_ok(db.write(
        [&](dsl::db::Transaction& tx) { return tx.run("INSERT INTO notes VALUES(?)", note); }));
  }

  // A unit with all that a file system has to offer.
  void make_mcr() {
    write(root("mcr") + "/mcr.toml", "port = 1\n", 0600);
    write(root("mcr") + "/data/with spaces & \xff\xfe", "bytes");
    write(root("mcr") + "/empty", "");
    write(root("mcr") + "/big", std::string(kBigBytes, 'x') + "end");
    fs::create_symlink("../elsewhere", root("mcr") + "/link");
    fs::create_hard_link(root("mcr") + "/mcr.toml", root("mcr") + "/twin.toml");
    fs::create_directories(root("mcr") + "/hollow");
    ASSERT_EQ(::mkfifo((root("mcr") + "/fifo").c_str(), 0600), 0);
    write(root("mcr") + "/backups/old.tar", "left out");
    ASSERT_EQ(::chmod((root("mcr") + "/data").c_str(), 0750), 0);
  }

  Created create(const std::vector<std::string>& units) {
    CreateRequest request;
    for (const std::string& unit : units) {
      request.units.push_back({.name = unit, .root = root(unit), .version = "v1"});
    }
    const auto backup = require_ok(Backup::open(env_, settings()));
    return require_ok(backup->create(request, [](const auto&, const auto&) {}));
  }

  ReadKeys keys() {
    ReadKeys keys;
    keys.identities = require_ok(read_identities(env_, folder_.file("identity.txt"), {}));
    keys.signers = require_ok(KeyStore(env_, settings().directory).public_keys());
    return keys;
  }

  PointSource source(const std::string& id) const {
    return {Seal::kAge, target() + "/" + archive_name(id, Seal::kAge),
            target() + "/" + signature_name(id, Seal::kAge)};
  }
  std::string listing(const std::string& id) const {
    return target() + "/" + manifest_name(id, Seal::kAge);
  }

  Result<void> restore(const std::string& id, const RestoreRequest& request) {
    MC_ASSIGN(Manifest manifest,
              read_manifest(env_, Seal::kAge, listing(id), source(id).signature, keys()));
    MC_ASSIGN(const RestorePlan plan, plan_restore(env_, request, std::move(manifest)));
    return carry_out(env_, plan, source(id), keys(), [](const auto&, auto) {});
  }

  Backup::Verified verify(Backup& backup, const std::string& id, const ReadKeys& keys) {
    const FoundPoint point{.id = id, .has_signature = true, .has_manifest = true};
    return backup.verify(target(), point, keys, false, [](const auto&, const auto&) {});
  }

  static Result<void> ignore(const dsl::archive::TarEntry&, const dsl::archive::Source&) {
    return {};
  }

  std::string run(const std::string& command) {
    const auto output = require_ok(env_.processes().run(
        {.argv = {"bash", "-o", "pipefail", "-c", command}}, std::chrono::seconds(60)));
    EXPECT_EQ(output.exit_code, 0) << command << "\n" << output.err;
    return output.out;
  }

  // Everything that tar, stat and sha256sum can tell of a tree.
  std::string described(const std::string& directory) {
    return run("export LC_ALL=C; cd '" + directory +
               "' && find . -not -path './backups*' -not -name fifo "
               "-printf '%p %y %m %u %g %s %T@ %l\\n' | "
               "sed 's/^\\(.* d [0-7]* [^ ]* [^ ]*\\) [0-9]* /\\1 /' | sort && "
               "find . -type f -not -path './backups*' -print0 | sort -z | xargs -0 sha256sum");
  }

  dsl::test::TempDir folder_;
  dsl::test::TestEnv env_{1};
  std::unique_ptr<dsl::archive::AgeRecipient> recipient_;
};

// REC-A3: What the age, zstd, tar and minisign programs make of a point is what our own restore
// makes of it, byte for byte, with modes, times and links.
TEST_F(PointTest, ProgramsAndWeUnpackTheSame) {
  make_mcr();
  const Created created = create({"mcr"});
  ASSERT_TRUE(created.stored);
  EXPECT_THAT(created.problems, IsEmpty());
  const std::string id = created.point.id;
  const std::string out = folder_.file("by-hand");
  fs::create_directories(out);

  run("minisign -V -q -m '" + source(id).archive + "' -p '" + settings().directory +
      "/backup.pub' && age -d -i '" + folder_.file("identity.txt") + "' '" + source(id).archive +
      "' | zstd -d | tar -x -p -C '" + out + "'");
  ASSERT_THAT(restore(id, {.to = folder_.file("ours")}), ok());

  EXPECT_EQ(described(folder_.file("ours/mcr")), described(out + "/mcr"));
  EXPECT_EQ(described(folder_.file("ours/mcr")), described(root("mcr")));
  EXPECT_TRUE(fs::exists(out + "/MANIFEST.json"));
  EXPECT_FALSE(fs::exists(out + "/mcr/backups"));
  EXPECT_FALSE(fs::exists(out + "/mcr/fifo"));
}

TEST_F(PointTest, DatabaseIsAConsistentCopyUnderItsName) {
  const auto live = open_database(root("mcr") + "/mcr.db");
  add_note(*live, "committed, and in the log only");
  const std::string id = create({"mcr"}).point.id;
  add_note(*live, "later");

  ASSERT_THAT(restore(id, {.to = folder_.file("ours")}), ok());

  EXPECT_FALSE(fs::exists(folder_.file("ours/mcr/mcr.db-wal")));
  const auto restored = open_database(folder_.file("ours/mcr/mcr.db"));
  std::vector<std::string> notes;
  require_ok(restored->read([&](dsl::db::Transaction& tx) {
    return tx.query("SELECT text FROM notes", [&](dsl::db::Row& row) -> Result<void> {
      notes.push_back(row.text(0));
      return {};
    });
  }));
  EXPECT_THAT(notes, ::testing::ElementsAre("committed, and in the log only"));
}

TEST_F(PointTest, DamagedDatabaseIsKeptAsEvidenceAndMakesThePointPartial) {
  write(root("mcr") + "/mcr.db", std::string("SQLite format 3\0", 16) + std::string(5000, 'x'));
  write(root("mcq") + "/mcq.toml", "fine");

  const Created created = create({"mcr", "mcq"});

  EXPECT_EQ(created.point.extent, Extent::kPartial);
  EXPECT_THAT(created.problems, SizeIs(1));
  ASSERT_THAT(restore(created.point.id, {.to = folder_.file("ours")}), ok());
  EXPECT_EQ(folder_.read("ours/mcr/mcr.db"), folder_.read("srv/mcr/mcr.db"));
  EXPECT_EQ(folder_.read("ours/mcq/mcq.toml"), "fine");
}

// REC-A8: Each of 1,000 random changes of a single byte in any file of a point is reported, and
// nothing of it is restored.
TEST_F(PointTest, EveryChangedByteIsFound) {
  write(root("mcr") + "/mcr.toml", "port = 1\n");
  write(root("mcr") + "/blob", std::string(9000, 'b'));
  const auto live = open_database(root("mcr") + "/mcr.db");
  add_note(*live, "a note");
  const std::string id = create({"mcr"}).point.id;
  const std::vector<std::string> files{source(id).archive, source(id).signature, listing(id)};
  const ReadKeys opener = keys();
  const auto check = [&]() -> Result<void> {
    MC_ASSIGN(const Manifest beside,
              read_manifest(env_, Seal::kAge, listing(id), source(id).signature, opener));
    MC_ASSIGN(const RestorePlan plan, plan_restore(env_, {.to = folder_.file("never")}, beside));
    return carry_out(env_, plan, source(id), opener, [](const auto&, auto) {});
  };
  ASSERT_THAT(check(), ok());
  fs::remove_all(folder_.file("never"));
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same each time

  for (int round = 0; round < 1000; ++round) {
    const std::string& file = files[random() % files.size()];
    const auto size = static_cast<std::size_t>(fs::file_size(file));
    const auto at = static_cast<std::streamoff>(random() % size);
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const char before = static_cast<char>(stream.get());
    const char after = static_cast<char>(before ^ static_cast<char>(1 + random() % 255));
    stream.seekp(at);
    stream.put(after);
    stream.flush();

    EXPECT_FALSE(check().has_value()) << file << " at " << at;
    EXPECT_FALSE(fs::exists(folder_.file("never/mcr"))) << file << " at " << at;

    stream.seekp(at);
    stream.put(before);
  }
  EXPECT_THAT(check(), ok());
}

TEST_F(PointTest, CutAtAnyPlaceIsFound) {
  write(root("mcr") + "/mcr.toml", "port = 1\n");
  const std::string id = create({"mcr"}).point.id;
  const std::string whole = folder_.read("target/" + archive_name(id, Seal::kAge));
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 60) {
    write(source(id).archive, whole.substr(0, size));
    EXPECT_FALSE(restore(id, {.to = folder_.file("never")}).has_value()) << size;
    EXPECT_FALSE(fs::exists(folder_.file("never/mcr"))) << size;
  }
}

TEST_F(PointTest, AnotherKeyOpensNothingAndAnotherSignerIsRefused) {
  write(root("mcr") + "/mcr.toml", "port = 1\n");
  const std::string id = create({"mcr"}).point.id;
  ReadKeys foreign = keys();
  foreign.identities.clear();
  foreign.identities.push_back(dsl::archive::AgeIdentity::generate(env_.random()));
  EXPECT_THAT(read_manifest(env_, Seal::kAge, listing(id), source(id).signature, foreign),
              failed_with(Code::kWrongKey));

  ReadKeys distrustful = keys();
  distrustful.signers = {
      require_ok(dsl::archive::MinisignSecretKey::generate(env_.random())).public_key()};
  const auto refused = read_point(env_, source(id), distrustful, ignore);

  EXPECT_THAT(refused, failed_saying(Code::kPermissionDenied, "another key"));
  EXPECT_EQ(refused.error().id(), kNotSigned);
}

TEST_F(PointTest, PointsOfAFormerSigningKeyStayGood) {
  write(root("mcr") + "/mcr.toml", "port = 1\n");
  const std::string before = create({"mcr"}).point.id;
  require_ok(KeyStore(env_, settings().directory).rotate_signing_key());
  env_.manual_clock().advance(std::chrono::hours(24));
  const std::string after = create({"mcr"}).point.id;

  EXPECT_THAT(keys().signers, SizeIs(2));
  EXPECT_THAT(read_point(env_, source(before), keys(), ignore), ok());
  EXPECT_THAT(read_point(env_, source(after), keys(), ignore), ok());
}

TEST_F(PointTest, ChangeOfTheSigningKeyThatWasCutOffIsMended) {
  write(root("mcr") + "/mcr.toml", "port = 1\n");
  create({"mcr"});
  const std::string secret = folder_.read("recovery/backup.key");
  require_ok(KeyStore(env_, settings().directory).rotate_signing_key());
  write(settings().directory + "/backup.key", secret, 0600);  // as if it had not come so far
  env_.manual_clock().advance(std::chrono::hours(24));

  const std::string id = create({"mcr"}).point.id;

  EXPECT_THAT(read_point(env_, source(id), keys(), ignore), ok());
}

TEST_F(PointTest, PointsFormAChain) {
  write(root("mcr") + "/mcr.toml", "port = 1\n");
  const std::string first = create({"mcr"}).point.id;
  env_.manual_clock().advance(std::chrono::hours(24));
  const std::string second = create({"mcr"}).point.id;

  const Manifest manifest = require_ok(
      read_manifest(env_, Seal::kAge, listing(second), source(second).signature, keys()));

  EXPECT_EQ(manifest.sequence, 2);
  EXPECT_EQ(manifest.previous.id, first);
  // The listing of one point beside the archive and signature of another.
  fs::copy_file(listing(first), listing(second), fs::copy_options::overwrite_existing);
  EXPECT_THAT(read_manifest(env_, Seal::kAge, listing(second), source(second).signature, keys()),
              failed_with(Code::kDataLoss));
}

// REC-A4: gpg, zstd and tar open a point of the format gpg, and our restore makes the same of it.
TEST_F(PointTest, GpgOpensAPointUnderAPassphrase) {
  make_mcr();
  write(folder_.file("words"), "correct horse battery staple\n", 0600);
  const dsl::Secret words = dsl::Secret::from(std::string_view("correct horse battery staple"));
  CreateRequest request;
  request.passphrase = &words;
  request.units.push_back({.name = "mcr", .root = root("mcr")});
  const auto backup = require_ok(Backup::open(env_, settings()));
  const std::string id =
      require_ok(backup->create(request, [](const auto&, const auto&) {})).point.id;
  const PointSource source{Seal::kOpenPgp, target() + "/" + archive_name(id, Seal::kOpenPgp),
                           target() + "/" + signature_name(id, Seal::kOpenPgp)};
  const std::string out = folder_.file("by-hand");
  fs::create_directories(out);
  fs::create_directories(folder_.file("gnupg"));
  ASSERT_EQ(::chmod(folder_.file("gnupg").c_str(), 0700), 0);

  run("export GNUPGHOME='" + folder_.file("gnupg") + "'; gpg -q --batch --passphrase-file '" +
      folder_.file("words") + "' --pinentry-mode loopback -d '" + source.archive +
      "' | zstd -d | tar -x -p -C '" + out + "'; gpgconf --kill all");
  ReadKeys keys;
  keys.passphrase = dsl::Secret::from(std::string_view("correct horse battery staple"));
  keys.signers = require_ok(KeyStore(env_, settings().directory).public_keys());
  Manifest manifest = require_ok(read_manifest(env_, Seal::kOpenPgp,
                                               target() + "/" + manifest_name(id, Seal::kOpenPgp),
                                               source.signature, keys));
  const RestorePlan plan =
      require_ok(plan_restore(env_, {.to = folder_.file("ours")}, std::move(manifest)));
  require_ok(carry_out(env_, plan, source, keys, [](const auto&, auto) {}));

  EXPECT_EQ(described(folder_.file("ours/mcr")), described(out + "/mcr"));
  keys.passphrase = dsl::Secret::from(std::string_view("something else"));
  EXPECT_THAT(
      read_point(env_, source, keys, [](const auto&, const auto&) -> Result<void> { return {}; }),
      failed_with(Code::kWrongKey));
}

// REC-A4: An archive made by hand with tar, gzip and gpg, which holds copies of databases as
// <name>.db.snapshot, comes back under the live names.
TEST_F(PointTest, ArchiveMadeByHandComesBack) {
  write(root("mcr") + "/mcr.toml", "port = 1\n");
  open_database(root("mcr") + "/mcr.db.snapshot");
  write(folder_.file("words"), "correct horse\n", 0600);
  fs::create_directories(folder_.file("gnupg"));
  ASSERT_EQ(::chmod(folder_.file("gnupg").c_str(), 0700), 0);
  const std::string archive = folder_.file("old.tar.gz.gpg");
  run("export GNUPGHOME='" + folder_.file("gnupg") + "'; tar czf - -C '" + folder_.file("srv") +
      "' mcr | gpg -q --batch --passphrase-file '" + folder_.file("words") +
      "' --pinentry-mode loopback --symmetric --cipher-algo AES256 -o '" + archive +
      "'; gpgconf --kill all");
  ReadKeys keys;
  keys.passphrase = dsl::Secret::from(std::string_view("correct horse"));

  const Unpacked unpacked = require_ok(unpack_foreign(env_, archive, keys, folder_.file("back")));

  EXPECT_THAT(unpacked.databases, ::testing::ElementsAre(folder_.file("back/mcr/mcr.db")));
  EXPECT_EQ(folder_.read("back/mcr/mcr.toml"), "port = 1\n");
  const std::string content = folder_.read("old.tar.gz.gpg");
  write(archive, content.substr(0, content.size() - 30));
  EXPECT_THAT(unpack_foreign(env_, archive, keys, folder_.file("cut")),
              failed_with(Code::kDataLoss));
  EXPECT_FALSE(fs::exists(folder_.file("cut")));
}

TEST_F(PointTest, RestoreSetsAsideWhatIsLiveAndUndoBringsItBack) {
  write(root("mcr") + "/mcr.toml", "old");
  const std::string id = create({"mcr"}).point.id;
  write(root("mcr") + "/mcr.toml", "new");
  write(root("mcr") + "/only-now", "x");

  ASSERT_THAT(restore(id, {}), ok());

  EXPECT_EQ(folder_.read("srv/mcr/mcr.toml"), "old");
  EXPECT_FALSE(fs::exists(root("mcr") + "/only-now"));
  const std::string record = require_ok(last_record(env_, folder_.file("srv")));
  const auto undone = require_ok(undo_restore(env_, record));
  ASSERT_THAT(undone, SizeIs(1));
  EXPECT_EQ(folder_.read("srv/mcr/mcr.toml"), "new");
  EXPECT_TRUE(fs::exists(root("mcr") + "/only-now"));
  EXPECT_TRUE(fs::exists(undone.front().set_aside + "/mcr.toml"));
  EXPECT_THAT(last_record(env_, folder_.file("srv")), failed_with(Code::kNotFound));
}

TEST_F(PointTest, RestoreIntoNothingMakesTheUnitAnew) {
  make_mcr();
  const std::string before = described(root("mcr"));
  const std::string id = create({"mcr"}).point.id;
  fs::remove_all(root("mcr"));

  ASSERT_THAT(restore(id, {.units = {"mcr"}}), ok());

  EXPECT_EQ(described(root("mcr")), before);
}

TEST_F(PointTest, UnitThatIsNotInThePointIsNamedWithThoseThatAre) {
  write(root("mcr") + "/mcr.toml", "x");
  const std::string id = create({"mcr"}).point.id;

  EXPECT_THAT(restore(id, {.units = {"mcx"}}), failed_saying(Code::kNotFound, "it has mcr"));
}

TEST_F(PointTest, OneWorksAtATime) {
  const auto first = require_ok(Backup::open(env_, settings()));

  EXPECT_THAT(Backup::open(env_, settings()), failed_saying(Code::kConflict, "pid"));
}

TEST_F(PointTest, TargetThatIsAwayKeepsNoOtherFromItsCopy) {
  write(root("mcr") + "/mcr.toml", "x");
  Settings two = settings();
  two.targets = {folder_.file("unmounted"), target()};
  CreateRequest request;
  request.units.push_back({.name = "mcr", .root = root("mcr")});
  const auto backup = require_ok(Backup::open(env_, two));

  const Created created = require_ok(backup->create(request, [](const auto&, const auto&) {}));

  EXPECT_TRUE(created.stored);
  EXPECT_THAT(created.problems, ::testing::ElementsAre(HasSubstr("unmounted")));
  EXPECT_TRUE(fs::exists(source(created.point.id).archive));
}

TEST_F(PointTest, EverySecondTargetHasTheSameBytes) {
  make_mcr();
  Settings two = settings();
  two.targets.push_back(folder_.file("second"));
  fs::create_directories(folder_.file("second"));
  CreateRequest request;
  request.units.push_back({.name = "mcr", .root = root("mcr")});
  const auto backup = require_ok(Backup::open(env_, two));

  const Created created = require_ok(backup->create(request, [](const auto&, const auto&) {}));

  EXPECT_THAT(created.problems, IsEmpty());
  run("diff -r '" + target() + "' '" + folder_.file("second") + "'");
  for (const auto& url : two.targets) {
    const auto place = require_ok(open_target(env_, url, {}));
    const auto points = require_ok(points_of(*place));
    ASSERT_THAT(points, SizeIs(1));
    const auto verified =
        backup->verify(url, points.front(), keys(), true, [](const auto&, const auto&) {});
    EXPECT_FALSE(verified.error) << verified.error->render();
  }
}

TEST_F(PointTest, PruneRemovesFromTheTargetsAndKeepsTheLast) {
  write(root("mcr") + "/mcr.toml", "x");
  Settings strict = settings();
  strict.retention = {.keep_within = {}, .daily = 1, .weekly = 0, .monthly = 0, .min_age = {}};
  const std::string first = create({"mcr"}).point.id;
  env_.manual_clock().advance(std::chrono::hours(24));
  const std::string second = create({"mcr"}).point.id;
  env_.manual_clock().advance(std::chrono::hours(24));
  const auto backup = require_ok(Backup::open(env_, strict));

  EXPECT_THAT(require_ok(backup->prune(true)), SizeIs(1));
  EXPECT_TRUE(fs::exists(source(first).archive));
  EXPECT_THAT(require_ok(backup->prune(false)), SizeIs(1));

  EXPECT_FALSE(fs::exists(source(first).archive));
  EXPECT_FALSE(fs::exists(listing(first)));
  EXPECT_TRUE(fs::exists(source(second).archive));
  EXPECT_THAT(require_ok(backup->records().points()), SizeIs(1));
}

// A wrong key says nothing about a point: what is written down of it stays, and prune lets none go
// for it. Damage is written down, and what was found in order since takes that back.
TEST_F(PointTest, OnlyDamageIsWrittenDown) {
  write(root("mcr") + "/mcr.toml", "x");
  const std::string id = create({"mcr"}).point.id;
  const auto backup = require_ok(Backup::open(env_, settings()));
  ASSERT_FALSE(verify(*backup, id, keys()).error);
  const auto copy = [&] { return require_ok(backup->records().copies()).front(); };
  const std::int64_t verified_ms = copy().verified_ms;
  ASSERT_GT(verified_ms, 0);
  ReadKeys wrong = keys();
  wrong.identities.clear();
  wrong.identities.push_back(dsl::archive::AgeIdentity::generate(env_.random()));

  EXPECT_EQ(verify(*backup, id, wrong).error->code(), Code::kWrongKey);
  EXPECT_EQ(copy().verified_ms, verified_ms);
  EXPECT_EQ(copy().error, "");

  const std::string archive = folder_.read("target/" + archive_name(id, Seal::kAge));
  write(source(id).archive, archive.substr(0, archive.size() - 1));
  EXPECT_EQ(verify(*backup, id, keys()).error->code(), Code::kDataLoss);
  EXPECT_EQ(copy().verified_ms, 0);
  EXPECT_NE(copy().error, "");

  write(source(id).archive, archive);
  EXPECT_FALSE(verify(*backup, id, keys()).error);
  EXPECT_EQ(copy().error, "");
}

TEST_F(PointTest, ChainShowsAPointThatWasRemovedOrExchanged) {
  write(root("mcr") + "/mcr.toml", "x");
  const std::string first = create({"mcr"}).point.id;
  env_.manual_clock().advance(std::chrono::hours(24));
  const std::string second = create({"mcr"}).point.id;
  const auto backup = require_ok(Backup::open(env_, settings()));
  const auto faults = [&] {
    const auto place = require_ok(open_target(env_, target(), {}));
    return require_ok(backup->chain_faults(target(), require_ok(points_of(*place))));
  };
  ASSERT_THAT(faults(), IsEmpty());

  fs::remove(source(first).archive);
  EXPECT_THAT(faults(), ::testing::ElementsAre(HasSubstr(first)));

  // Another point of the same key under the name of one that was made here.
  PointRow forged = require_ok(backup->records().points()).front();
  ASSERT_EQ(forged.id, second);
  forged.manifest_sha256 = std::string(64, '0');
  require_ok(backup->records().put_point(forged));
  EXPECT_EQ(verify(*backup, second, keys()).error->code(), Code::kDataLoss);
}

TEST_F(PointTest, SelectionOfUnitsCountsForNoRule) {
  write(root("mcr") + "/mcr.toml", "x");
  CreateRequest request;
  request.units.push_back({.name = "mcr", .root = root("mcr")});
  Settings strict = settings();
  strict.retention = {.keep_within = {}, .daily = 1, .weekly = 0, .monthly = 0, .min_age = {}};
  const auto backup = require_ok(Backup::open(env_, strict));
  const auto silent = [](const auto&, const auto&) {};
  request.selection = false;
  const std::string whole = require_ok(backup->create(request, silent)).point.id;
  env_.manual_clock().advance(std::chrono::hours(24));
  request.selection = true;
  const Created selected = require_ok(backup->create(request, silent));
  env_.manual_clock().advance(std::chrono::hours(24));

  EXPECT_EQ(selected.point.extent, Extent::kSelection);
  const auto pruned = require_ok(backup->prune(true));
  ASSERT_THAT(pruned, SizeIs(1));
  EXPECT_EQ(pruned.front().point, selected.point.id);
  EXPECT_TRUE(fs::exists(source(whole).archive));
}

TEST_F(PointTest, RescanKeepsWhatIsKnownAndForgetsWhatIsGone) {
  write(root("mcr") + "/mcr.toml", "x");
  const std::string first = create({"mcr"}).point.id;
  env_.manual_clock().advance(std::chrono::hours(24));
  const std::string second = create({"mcr"}).point.id;
  const auto backup = require_ok(Backup::open(env_, settings()));
  ASSERT_FALSE(verify(*backup, second, keys()).error);
  fs::remove(source(first).archive);

  EXPECT_EQ(require_ok(backup->rescan()), 1);

  const auto copies = require_ok(backup->records().copies());
  ASSERT_THAT(copies, SizeIs(1));
  EXPECT_EQ(copies.front().point, second);
  EXPECT_GT(copies.front().verified_ms, 0);
}

TEST_F(PointTest, RecordsThatAreLostAreReadFromTheTargetsAgain) {
  write(root("mcr") + "/mcr.toml", "x");
  const std::string id = create({"mcr"}).point.id;
  fs::remove_all(settings().directory + "/recovery.db");
  fs::remove_all(settings().directory + "/recovery.db-wal");
  fs::remove_all(settings().directory + "/recovery.db-shm");
  const auto backup = require_ok(Backup::open(env_, settings()));
  ASSERT_THAT(require_ok(backup->records().points()), IsEmpty());

  EXPECT_EQ(require_ok(backup->rescan()), 1);

  const auto points = require_ok(backup->records().points());
  ASSERT_THAT(points, SizeIs(1));
  EXPECT_EQ(points.front().id, id);
  EXPECT_EQ(points.front().extent, Extent::kWhole);
  EXPECT_EQ(require_ok(backup->records().next()).sequence, 2);
}

}  // namespace
}  // namespace mcp::recovery
