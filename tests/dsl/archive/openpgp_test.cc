#include "dsl/archive/openpgp.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "dsl/archive/age_fixture.h"
#include "dsl/env/env.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::archive {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::TempDir;

constexpr std::string_view kPassphrase = "horse battery \xc3\xbc staple";
// Little stretching, so that the tests are quick.
constexpr OpenPgpWriteOptions kQuick{.s2k_bytes = 1024};

std::string encrypted(std::string_view plain, const OpenPgpWriteOptions& options = kQuick,
                      std::string_view passphrase = kPassphrase) {
  std::string out;
  OpenPgpWriter writer =
      require_ok(OpenPgpWriter::begin(Secret::from(passphrase), append_to(out), options));
  require_ok(writer.write(bytes_of(plain)));
  require_ok(writer.finish());
  return out;
}

Result<std::string> decrypted(Source source, std::string_view passphrase = kPassphrase,
                              std::size_t room_size = 100'000) {
  MC_ASSIGN(OpenPgpReader reader, OpenPgpReader::open(std::move(source), Secret::from(passphrase)));
  std::string plain, room(room_size, '\0');
  while (true) {
    MC_ASSIGN(const std::size_t size,
              reader.read(std::as_writable_bytes(std::span(room.data(), room.size()))));
    if (size == 0) {
      return plain;
    }
    plain.append(room, 0, size);
  }
}

Result<std::string> decrypted(std::string_view file, std::string_view passphrase = kPassphrase) {
  return decrypted(source_of(file), passphrase);
}

TEST(OpenPgp, WhatIsNoneIsRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("no OpenPGP at all"), noise(1000), std::string(1000, '\0'),
        std::string("-----BEGIN PGP MESSAGE-----\n\nAAAA\n"),
        std::string("-----BEGIN PGP MESSAGE-----\n")}) {
    EXPECT_THAT(decrypted(bytes), failed_with(Code::kDataLoss)) << bytes.size();
  }
}

TEST(OpenPgp, WrongPassphraseIsNoDamage) {
  // With two bytes to tell by, one of 65536 of them passes for damage: none of these does.
  for (const bool armor : {false, true}) {
    const std::string file = encrypted("words", {.armor = armor, .s2k_bytes = 1024});
    for (const char* wrong : {"horse", "horse battery", "x"}) {
      EXPECT_THAT(decrypted(file, wrong), failed_with(Code::kWrongKey)) << armor;
    }
  }
}

TEST(OpenPgp, PassphrasesThatGpgDoesNotTakeAreRefused) {
  std::string out;
  for (const std::string& bad :
       {std::string(), std::string(kOpenPgpPassphraseMax + 1, 'x'), std::string("two\nlines"),
        std::string("a\0b", 3), std::string("line\r")}) {
    EXPECT_THAT(OpenPgpWriter::begin(Secret::from(bad), append_to(out), kQuick),
                failed_with(Code::kInvalidArgument));
    EXPECT_THAT(OpenPgpReader::open(source_of("x"), Secret::from(bad)),
                failed_with(Code::kInvalidArgument));
  }
  const std::string longest(kOpenPgpPassphraseMax, 'x');
  EXPECT_EQ(require_ok(decrypted(encrypted("words", kQuick, longest), longest)), "words");
  for (const std::size_t bytes : {0U, 1023U, 65'011'713U}) {
    EXPECT_THAT(
        OpenPgpWriter::begin(Secret::from(kPassphrase), append_to(out), {.s2k_bytes = bytes}),
        failed_with(Code::kInvalidArgument));
  }
  EXPECT_EQ(out, "");
}

TEST(OpenPgp, EveryCutIsFound) {
  for (const bool armor : {false, true}) {
    const std::string file = encrypted("a few words", {.armor = armor, .s2k_bytes = 1024});
    // Armor's own last line tells nothing that the content does not.
    const std::size_t end = armor ? file.find("\n-----END") - 6 : file.size();
    for (std::size_t size = 0; size < end; ++size) {
      EXPECT_FALSE(decrypted(std::string_view(file).substr(0, size))) << size << " armor " << armor;
    }
    EXPECT_THAT(decrypted(file), ok());
  }
  const std::string large = encrypted(noise(200'000));
  for (const std::size_t size : {40U, 60U, 1000U, 65'536U, 150'000U}) {
    EXPECT_THAT(decrypted(std::string_view(large).substr(0, size)), failed_with(Code::kDataLoss))
        << size;
  }
  EXPECT_THAT(decrypted(std::string_view(large).substr(0, large.size() - 1)),
              failed_with(Code::kDataLoss));
}

TEST(OpenPgp, ChangedContentIsFound) {
  const std::string plain = noise(300);
  const std::string file = encrypted(plain);
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const int bits : {1, 0x80}) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ bits);

      const auto read = decrypted(changed);

      // How the content is cut into packets is not authenticated; the content is.
      EXPECT_TRUE(!read || *read == plain) << at;
    }
  }
}

TEST(OpenPgp, NothingFollowsTheFile) {
  const std::string file = encrypted("words");
  const std::string text = encrypted("words", {.armor = true, .s2k_bytes = 1024});
  for (const std::string& more : {std::string("x"), std::string(200'000, 'x'), file, text}) {
    EXPECT_THAT(decrypted(file + more), failed_with(Code::kDataLoss));
    EXPECT_THAT(decrypted(text + more), failed_with(Code::kDataLoss));
  }
  EXPECT_THAT(decrypted("\n \r\n" + text + "\n  \n"), ok());
}

TEST(OpenPgp, ChangedArmorIsFound) {
  const std::string text = encrypted("some words", {.armor = true, .s2k_bytes = 1024});
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    std::string changed = text;
    changed[at] = changed[at] == 'B' ? 'C' : 'B';

    const auto read = decrypted(changed);

    // What stands between the first line and the body are headers.
    EXPECT_TRUE(!read || *read == "some words") << at;
  }
  std::string checksum = text;
  char& last = checksum[checksum.find("\n-----END") - 1];
  last = last == 'B' ? 'C' : 'B';
  EXPECT_THAT(decrypted(checksum), failed_saying(Code::kDataLoss, "checksum of the armor"));
}

TEST(OpenPgp, TheSameRandomBytesGiveTheSameFile) {
  test::SeededRandom one(1), again(1), other(2);
  const auto with = [](env::Random& random) {
    return encrypted("words", {.s2k_bytes = 1024, .random = &random});
  };
  const std::string file = with(one);

  EXPECT_TRUE(with(again) == file);
  EXPECT_FALSE(with(other) == file);
}

TEST(OpenPgp, ErrorsOfTheSourceComeAsTheyAreAndRepeat) {
  const std::string file = encrypted(noise(300'000));
  const auto broken_after = [&](std::size_t good) -> Source {
    return [inner = source_of(std::string_view(file).substr(0, good))](
               std::span<std::byte> out) -> Result<std::size_t> {
      auto size = inner(out);
      if (*size == 0) {
        return fail(Code::kUnavailable, "the line is dead");
      }
      return size;
    };
  };
  for (const std::size_t good : {0U, 10U, 100U}) {
    EXPECT_THAT(OpenPgpReader::open(broken_after(good), Secret::from(kPassphrase)),
                failed_saying(Code::kUnavailable, "the line is dead"))
        << good;
  }
  OpenPgpReader reader =
      require_ok(OpenPgpReader::open(broken_after(200'000), Secret::from(kPassphrase)));
  std::string room(1000, '\0');
  Result<std::size_t> size = std::size_t{1};
  for (int i = 0; i < 1000 && size; ++i) {
    size = reader.read(std::as_writable_bytes(std::span(room.data(), room.size())));
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(size, failed_saying(Code::kUnavailable, "the line is dead"));
    size = reader.read(std::as_writable_bytes(std::span(room.data(), room.size())));
  }
}

TEST(OpenPgp, ErrorsOfTheSinkEndTheWriter) {
  const Sink none = [](std::span<const std::byte>) -> Result<void> {
    return fail(Code::kNoSpace, "full");
  };
  EXPECT_THAT(OpenPgpWriter::begin(Secret::from(kPassphrase), none, kQuick),
              failed_with(Code::kNoSpace));
  for (const std::size_t room : {100U, 50'000U, 299'000U}) {
    const Sink full = [left = room](std::span<const std::byte> bytes) mutable -> Result<void> {
      if (bytes.size() > left) {
        return fail(Code::kNoSpace, "full");
      }
      left -= bytes.size();
      return {};
    };
    OpenPgpWriter writer =
        require_ok(OpenPgpWriter::begin(Secret::from(kPassphrase), full, kQuick));
    auto done = writer.write(bytes_of(noise(300'000)));
    if (done) {
      done = writer.finish();
    }

    EXPECT_THAT(done, failed_with(Code::kNoSpace)) << room;
    EXPECT_THAT(writer.write(bytes_of("x")), failed_with(Code::kFailedPrecondition));
    EXPECT_THAT(writer.finish(), failed_with(Code::kFailedPrecondition));
  }
}

TEST(OpenPgp, WhatIsNotFinishedIsRefused) {
  std::string out;
  {
    OpenPgpWriter writer =
        require_ok(OpenPgpWriter::begin(Secret::from(kPassphrase), append_to(out), kQuick));
    require_ok(writer.write(bytes_of(noise(100'000))));
    OpenPgpWriter moved = std::move(writer);
    require_ok(moved.write(bytes_of("more")));
  }
  EXPECT_THAT(decrypted(out), failed_with(Code::kDataLoss));
}

TEST(OpenPgp, NothingIsAFileToo) {
  std::string out;
  OpenPgpWriter writer =
      require_ok(OpenPgpWriter::begin(Secret::from(kPassphrase), append_to(out), kQuick));
  require_ok(writer.write({}));
  require_ok(writer.finish());

  EXPECT_EQ(require_ok(decrypted(out)), "");
}

RC_GTEST_PROP(OpenPgp, IsReadAsWrittenHoweverItIsCutIntoPieces, ()) {
  const auto piece = rc::gen::inRange<std::size_t>(1, 90'000);
  const std::string plain = noise(*rc::gen::inRange<std::size_t>(0, 200'000));
  std::string file;
  OpenPgpWriter writer =
      require_ok(OpenPgpWriter::begin(Secret::from(kPassphrase), append_to(file),
                                      {.armor = *rc::gen::arbitrary<bool>(), .s2k_bytes = 1024}));
  for (std::string_view rest = plain; !rest.empty();) {
    const std::string_view part = rest.substr(0, *piece);
    require_ok(writer.write(bytes_of(part)));
    rest.remove_prefix(part.size());
  }
  require_ok(writer.finish());

  RC_ASSERT(require_ok(decrypted(in_steps(file, *piece), kPassphrase, *piece)) == plain);
}

// Both ways with gpg.
class OpenPgpTool : public testing::Test {
 protected:
  void SetUp() override {
    dir_.write("passphrase", std::string(kPassphrase));
    sh("mkdir -m 700 home");
  }

  env::Output run_sh(const std::string& script) {
    env::Command command;
    command.argv = {
        "sh", "-euc",
        "cd \"$1\"\nexport GNUPGHOME=\"$1/home\"\n"
        // With a count of its own it needs no agent to measure one, which takes seconds.
        "gpg_in() { gpg --batch --quiet --no-options --pinentry-mode loopback "
        "--s2k-count 65536 --passphrase-fd 3 \"$@\" 3<passphrase; }\n" +
            script,
        "sh", dir_.path()};
    return require_ok(env::system_env().processes().run(command, std::chrono::seconds(120)));
  }
  // 0 is expected.
  std::string sh(const std::string& script) {
    const env::Output output = run_sh(script);
    EXPECT_EQ(output.exit_code, 0) << script << "\n" << output.out << output.err;
    return output.out;
  }

  TempDir dir_;
};

TEST_F(OpenPgpTool, OpensWhatWeWrite) {
  for (const bool armor : {false, true}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1'000'000}}) {
      const std::string plain = noise(size);
      // As it is by default, too.
      dir_.write("ours.gpg", encrypted(plain, armor ? OpenPgpWriteOptions{.armor = true} : kQuick));

      sh("gpg_in --output plain --decrypt ours.gpg");

      EXPECT_TRUE(dir_.read("plain") == plain) << size << " armor " << armor;
      sh("rm plain");
    }
  }
}

TEST_F(OpenPgpTool, FindsTheFormThatWasAskedFor) {
  dir_.write("ours.gpg", encrypted("words", {}));

  const std::string packets = sh("gpg_in --list-packets ours.gpg 2>&1");

  // AES-256, S2K iterated and salted with SHA-256, MDC of version 1, a literal without compression.
  EXPECT_NE(packets.find("cipher 9"), std::string::npos) << packets;
  EXPECT_NE(packets.find("s2k 3, hash 8"), std::string::npos) << packets;
  EXPECT_NE(packets.find("count 65011712 (255)"), std::string::npos) << packets;
  EXPECT_NE(packets.find("mdc_method: 2"), std::string::npos) << packets;
  EXPECT_NE(packets.find("literal data packet"), std::string::npos) << packets;
  EXPECT_EQ(packets.find("compressed packet"), std::string::npos) << packets;
}

TEST_F(OpenPgpTool, WritesWhatWeOpen) {
  std::string words;
  for (int i = 0; words.size() < 300'000; ++i) {
    words += text("record {} of many\n", i);
  }
  for (const std::string options :
       {"", "--armor", "--compress-algo none", "--compress-algo zip", "--compress-algo zlib",
        "--s2k-digest-algo SHA256", "--s2k-digest-algo SHA512", "--s2k-mode 0", "--cipher-algo AES",
        "--cipher-algo AES192", "--s2k-mode 1", "--textmode"}) {
    dir_.write("plain", words);
    sh("gpg_in --symmetric --cipher-algo AES256 " + options + " --output theirs.gpg plain");
    const std::string file = dir_.read("theirs.gpg");
    sh("rm theirs.gpg");

    const auto plain = decrypted(file);

    ASSERT_THAT(plain, ok()) << options;
    if (options != "--textmode") {  // which has line ends of its own
      EXPECT_TRUE(*plain == words) << options;
    }
    EXPECT_THAT(decrypted(file, "wrong"), failed_with(Code::kWrongKey)) << options;
  }
}

TEST_F(OpenPgpTool, WritesFromAPipeWhatWeOpen) {
  dir_.write("plain", noise(500'000));

  sh("cat plain | gpg_in --symmetric --cipher-algo AES256 >theirs.gpg");

  EXPECT_TRUE(require_ok(decrypted(dir_.read("theirs.gpg"))) == dir_.read("plain"));
}

TEST_F(OpenPgpTool, ChangesOfWhatItWritesAreFound) {
  const std::string plain = "some words and some words and some words";
  dir_.write("plain", plain);
  for (const std::string options : {"--compress-algo zlib", "--compress-algo none"}) {
    sh("gpg_in --symmetric --cipher-algo AES256 --s2k-mode 1 " + options +
       " --output theirs.gpg plain");
    const std::string file = dir_.read("theirs.gpg");
    sh("rm theirs.gpg");
    for (std::size_t at = 0; at < file.size(); ++at) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ 0x10);
      const auto read = decrypted(changed);
      EXPECT_TRUE(!read || *read == plain) << options << " byte " << at;
      EXPECT_FALSE(decrypted(std::string_view(file).substr(0, at))) << options << " cut " << at;
    }
  }
}

TEST_F(OpenPgpTool, FilesWithoutProtectionAreRefused) {
  dir_.write("plain", "words");
  sh("gpg_in --store --output stored.gpg plain\n"
     "gpg_in --symmetric --cipher-algo 3DES --rfc2440 --output old.gpg plain");

  EXPECT_THAT(decrypted(dir_.read("stored.gpg")), failed_saying(Code::kDataLoss, "not encrypted"));
  EXPECT_THAT(decrypted(dir_.read("old.gpg")),
              failed_saying(Code::kDataLoss, "no modification detection"));
}

TEST_F(OpenPgpTool, WritesUnderOneOfTwoPassphrasesWhatWeOpen) {
  // A session key of its own is sealed for a key and for a passphrase.
  dir_.write("plain", "words");
  sh("gpg --batch --quiet --no-options --passphrase '' --quick-gen-key someone default default\n"
     "gpg_in --trust-model always --recipient someone --output both.gpg "
     "--encrypt --symmetric plain\n"
     "gpgconf --kill all || true");

  EXPECT_EQ(require_ok(decrypted(dir_.read("both.gpg"))), "words");
  EXPECT_THAT(decrypted(dir_.read("both.gpg"), "wrong"), failed_with(Code::kWrongKey));
}

TEST_F(OpenPgpTool, WritesWithASignatureWhatWeOpen) {
  dir_.write("plain", "words");
  sh("gpg --batch --quiet --no-options --passphrase '' --quick-gen-key someone default default\n"
     "gpg --batch --quiet --no-options --pinentry-mode loopback --passphrase-file passphrase "
     "--cipher-algo AES256 --output signed.gpg --sign --symmetric plain\n"
     "gpgconf --kill all || true");

  EXPECT_EQ(require_ok(decrypted(dir_.read("signed.gpg"))), "words");
}

TEST_F(OpenPgpTool, WhatIsNotSupportedIsNamedAsSuch) {
  dir_.write("plain", "words");
  sh("gpg_in --symmetric --cipher-algo AES256 --compress-algo bzip2 --output bzip2.gpg plain\n"
     "gpg_in --symmetric --cipher-algo TWOFISH --output twofish.gpg plain");

  EXPECT_THAT(decrypted(dir_.read("bzip2.gpg")),
              failed_saying(Code::kUnimplemented, "compression"));
  EXPECT_THAT(decrypted(dir_.read("twofish.gpg")),
              failed_saying(Code::kUnimplemented, "cipher 10"));
}

TEST_F(OpenPgpTool, FilesForKeysAreNamedAsSuch) {
  dir_.write("plain", "words");
  sh("gpg --batch --quiet --no-options --passphrase '' --quick-gen-key someone default default\n"
     "gpg --batch --quiet --no-options --trust-model always --recipient someone "
     "--output keys.gpg --encrypt plain\n"
     "gpgconf --kill all || true");

  EXPECT_THAT(decrypted(dir_.read("keys.gpg")), failed_saying(Code::kWrongKey, "to keys"));
}

}  // namespace
}  // namespace dsl::archive
