#include "dsl/archive/minisign.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "dsl/archive/age_fixture.h"
#include "dsl/env/env.h"
#include "support/result_matchers.h"
#include "support/seeded_random.h"
#include "support/temp_dir.h"

namespace dsl::archive {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::SeededRandom;
using dsl::test::TempDir;

// Made by the tool, version 0.11: `minisign -G -W`, then `minisign -S -t "trusted words"` of the
// five bytes "hello".
constexpr std::string_view kSecretFile =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA9ekIM6iO6S+"
    "NGltReu7SyDF5VTUo"
    "2Qi0YU9V20A2u0nw8tNPSQvJJo2yCIktikYJoE5WM/Q1/Bu/"
    "ezPHBh5SWNrxgnpAMvOMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAA=\n";
constexpr std::string_view kPublicLine = "RWT16QgzqI7pL42yCIktikYJoE5WM/Q1/Bu/ezPHBh5SWNrxgnpAMvOM";
constexpr std::string_view kSignature =
    "untrusted comment: unt\n"
    "RUT16QgzqI7pL195WUK/TOvgr4krY5GpVyu7P4B1itNukZVCUIsRcq/"
    "kvKKO+TZMKQfzhQ2Z2gkwhZ0BxaQ19kS0LB6mwWjD"
    "Nwo=\n"
    "trusted comment: trusted words\n"
    "ZKitlj8WwX2kgrDhm5qyRTSRBi+PpHuYfwauwdtRpEI9yGRSilYcbn0Zqn0uPXtU8LAGGVK0C2GESz89jMdzBw==\n";

std::string shown(const Secret& secret) {
  return {reinterpret_cast<const char*>(secret.expose().data()), secret.size()};
}

MinisignHash digest_of(std::string_view content) {
  MinisignDigest digest;
  digest.add(bytes_of(content));
  return digest.finish();
}

MinisignSecretKey new_key(std::uint64_t seed) {
  SeededRandom random(seed);
  return require_ok(MinisignSecretKey::generate(random));
}

Result<void> verify(const MinisignPublicKey& key, std::string_view content,
                    std::string_view signature_file) {
  MC_ASSIGN(const MinisignSignature signature, MinisignSignature::parse(signature_file));
  return minisign_verify(key, digest_of(content), signature);
}

TEST(MinisignKeys, WhatIsNoPublicKeyIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("RWT16Q"), std::string(kPublicLine) + "x",
        "RWX" + std::string(kPublicLine.substr(3)), "untrusted comment: only\n" + std::string(),
        std::string(kPublicLine) + "\nmore", "comment: x\n" + std::string(kPublicLine),
        " " + std::string(kPublicLine), std::string(kSignature), std::string(kSecretFile),
        std::string(10'000, 'A')}) {
    EXPECT_THAT(MinisignPublicKey::parse(text), failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(MinisignKeys, WhatIsNoSecretKeyIsRefusedAndNotQuoted) {
  const std::string file(kSecretFile);
  const std::size_t line = file.find('\n') + 1;
  for (const std::string& text :
       {std::string(), file.substr(line), file.substr(0, line), file.substr(0, file.size() - 9),
        file + "more", "untrusted comment: x\n" + std::string(kPublicLine),
        file.substr(0, line) + "x" + file.substr(line + 1)}) {
    const auto key = MinisignSecretKey::parse(Secret::from(text));
    ASSERT_THAT(key, failed_with(Code::kInvalidArgument)) << text;
    EXPECT_EQ(key.error().render().find("GltReu7SyDF5VT"), std::string::npos);
  }
}

TEST(MinisignKeys, EveryFlippedBitOfTheSecretHalvesIsFound) {
  const MinisignSecretKey key = new_key(1);
  const std::string file = shown(key.to_file());
  // Base64 of the two halves alone; what stands before them is id and zeroes, after them zeroes.
  const std::size_t line = file.find('\n') + 1;
  for (std::size_t at = line + 62 * 4 / 3 + 2; at < line + 126 * 4 / 3 - 2; ++at) {
    std::string changed = file;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    if (changed != file) {
      EXPECT_THAT(MinisignSecretKey::parse(Secret::from(changed)),
                  failed_saying(Code::kInvalidArgument, "damaged"))
          << at;
    }
  }
}

TEST(MinisignKeys, PasswordsAreNamedAsSuch) {
  std::string file(kSecretFile);
  file.replace(file.find("RWQAAEIy"), 8, "RWRTY0Iy");  // "Sc" for scrypt

  EXPECT_THAT(MinisignSecretKey::parse(Secret::from(file)),
              failed_saying(Code::kUnimplemented, "minisign -C -W"));
}

TEST(MinisignKeys, FilesOfTheToolAreRead) {
  const MinisignSecretKey secret = require_ok(MinisignSecretKey::parse(Secret::from(kSecretFile)));
  const MinisignPublicKey key = require_ok(MinisignPublicKey::parse(kPublicLine));

  EXPECT_EQ(secret.public_key(), key);
  EXPECT_EQ(key.id_text(), "2FE98EA83308E9F5");
  EXPECT_EQ(key.to_file(),
            text("untrusted comment: minisign public key 2FE98EA83308E9F5\n{}\n", kPublicLine));
  for (const std::string& file :
       {key.to_file(), text("untrusted comment: \r\n{}\r\n", kPublicLine),
        text("untrusted comment: mine\n{}", kPublicLine), text("{}\n", kPublicLine)}) {
    EXPECT_EQ(require_ok(MinisignPublicKey::parse(file)), key) << file;
  }
}

TEST(MinisignKeys, AreReadAsWritten) {
  const MinisignSecretKey key = new_key(2);

  const MinisignSecretKey read = require_ok(MinisignSecretKey::parse(key.to_file()));

  EXPECT_EQ(read.public_key(), key.public_key());
  EXPECT_EQ(shown(read.to_file()), shown(key.to_file()));
  EXPECT_EQ(require_ok(read.sign(digest_of("x"), "y")), require_ok(key.sign(digest_of("x"), "y")));
  EXPECT_NE(new_key(3).public_key(), key.public_key());
}

TEST(MinisignDigest, DoesNotDependOnThePieces) {
  // RFC 7693 appendix A.
  const MinisignHash abc = digest_of("abc");
  EXPECT_EQ(std::to_integer<int>(abc[0]), 0xba);
  EXPECT_EQ(std::to_integer<int>(abc[63]), 0x23);

  MinisignDigest digest;
  digest.add(bytes_of("a"));
  digest.add({});
  digest.add(bytes_of("bc"));
  EXPECT_EQ(digest.finish(), abc);
}

TEST(MinisignSignature, WhatIsNoneIsRefused) {
  const std::string file(kSignature);
  std::vector<std::string> bad{"\n\n\n\n", std::string(kPublicLine), file + "more", file + "\n",
                               file.substr(1)};
  // The end of the last line is no part of it.
  for (std::size_t size = 0; size + 1 < file.size(); ++size) {
    bad.push_back(file.substr(0, size));
  }
  for (const std::string& text : bad) {
    EXPECT_THAT(MinisignSignature::parse(text), failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(MinisignSignature, LegacyKindIsNamedAsSuch) {
  std::string file(kSignature);
  file.replace(file.find("RUT1"), 4, "RWT1");

  EXPECT_THAT(MinisignSignature::parse(file), failed_saying(Code::kUnimplemented, "-l"));
}

TEST(MinisignSignature, CommentsOfMoreThanALineAreRefused) {
  const MinisignSecretKey key = new_key(4);
  const MinisignHash digest = digest_of("content");
  for (const std::string& comment :
       {std::string("two\nlines"), std::string("a\rb"), std::string("a\0b", 3),
        std::string("\x1b[2J"), std::string(kMinisignCommentMax + 1, 'x')}) {
    EXPECT_THAT(key.sign(digest, comment), failed_with(Code::kInvalidArgument)) << comment;
    EXPECT_THAT(key.sign(digest, "fine", comment), failed_with(Code::kInvalidArgument)) << comment;
  }
  EXPECT_THAT(key.sign(digest, std::string(kMinisignCommentMax, 'x')), ok());
  EXPECT_THAT(key.sign(digest, "", ""), ok());
  EXPECT_THAT(key.sign(digest, "tab\tand \xc3\xbc"), ok());
}

TEST(MinisignSignature, OfAnotherKeyIsNoDamage) {
  const std::string file = require_ok(new_key(5).sign(digest_of("content"), "comment"));

  EXPECT_THAT(verify(new_key(6).public_key(), "content", file), failed_with(Code::kWrongKey));

  // The id alone is not what is trusted.
  MinisignPublicKey forged = new_key(6).public_key();
  forged.id = new_key(5).public_key().id;
  EXPECT_THAT(verify(forged, "content", file), failed_with(Code::kDataLoss));
}

TEST(MinisignSignature, ChangedContentIsFound) {
  const MinisignSecretKey key = new_key(7);
  const std::string content = noise(300);
  const std::string file = require_ok(key.sign(digest_of(content), "comment"));
  for (std::size_t at = 0; at < content.size(); ++at) {
    std::string changed = content;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_THAT(verify(key.public_key(), changed, file), failed_with(Code::kDataLoss)) << at;
  }
  EXPECT_THAT(verify(key.public_key(), content + "x", file), failed_with(Code::kDataLoss));
  EXPECT_THAT(verify(key.public_key(), content, file), ok());
}

TEST(MinisignSignature, EveryFlippedBitOfItIsFound) {
  const MinisignSecretKey key = new_key(8);
  const std::string file = require_ok(key.sign(digest_of("content"), "the comment", "x"));
  const std::size_t signed_from = file.find('\n');
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const bool free = at >= std::string_view("untrusted comment: ").size() && at < signed_from;
      // The end of the last line is no part of it.
      if (!free && at + 1 < file.size()) {
        EXPECT_FALSE(verify(key.public_key(), "content", changed)) << at << " bit " << bit;
      }
    }
  }
  EXPECT_THAT(verify(key.public_key(), "content", file), ok());
}

TEST(MinisignSignature, OfTheToolIsVerifiedAndMadeTheSame) {
  const MinisignSecretKey key = require_ok(MinisignSecretKey::parse(Secret::from(kSecretFile)));

  EXPECT_THAT(verify(key.public_key(), "hello", kSignature), ok());
  EXPECT_EQ(require_ok(MinisignSignature::parse(kSignature)).trusted_comment, "trusted words");
  EXPECT_EQ(require_ok(key.sign(digest_of("hello"), "trusted words", "unt")), kSignature);
}

RC_GTEST_PROP(MinisignSignature, IsReadAsWritten, ()) {
  const auto comment = *rc::gen::container<std::string>(rc::gen::inRange<char>(32, 127));
  const MinisignSecretKey key = new_key(*rc::gen::arbitrary<std::uint64_t>());
  const std::string content = *rc::gen::arbitrary<std::string>();

  const std::string file = require_ok(key.sign(digest_of(content), comment));

  RC_ASSERT(require_ok(MinisignSignature::parse(file)).trusted_comment == comment);
  RC_ASSERT(verify(key.public_key(), content, file).has_value());
}

// Both ways with the tool of the distribution.
class MinisignTool : public testing::Test {
 protected:
  env::Output run(std::vector<std::string> argv, int expected = 0) {
    env::Command command;
    command.argv = std::move(argv);
    command.directory = dir_.path();
    env::Output output =
        require_ok(env::system_env().processes().run(command, std::chrono::seconds(60)));
    EXPECT_EQ(output.exit_code, expected) << output.out << output.err;
    return output;
  }

  TempDir dir_;
};

TEST_F(MinisignTool, VerifiesAndUsesWhatWeWrite) {
  const MinisignSecretKey key = new_key(9);
  const std::string content = noise(100'000);
  dir_.write("key.pub", key.public_key().to_file());
  dir_.write("key", shown(key.to_file()));
  dir_.write("file", content);
  dir_.write("file.minisig",
             require_ok(key.sign(digest_of(content), "id:1\tsha256:\xc3\xbc", "ours")));

  EXPECT_EQ(run({"minisign", "-V", "-Q", "-m", "file", "-p", "key.pub"}).out,
            "id:1\tsha256:\xc3\xbc\n");
  EXPECT_EQ(run({"minisign", "-V", "-q", "-H", "-m", "file", "-p", "key.pub"}).out, "");
  // Our secret key signs there.
  run({"minisign", "-S", "-s", "key", "-m", "file", "-x", "theirs.minisig", "-t", "theirs"});
  EXPECT_THAT(verify(key.public_key(), content, dir_.read("theirs.minisig")), ok());
  run({"minisign", "-R", "-f", "-s", "key", "-p", "again.pub"});
  EXPECT_EQ(require_ok(MinisignPublicKey::parse(dir_.read("again.pub"))), key.public_key());
  // The longest comments that we write.
  dir_.write("file.minisig",
             require_ok(key.sign(digest_of(content), std::string(kMinisignCommentMax, 't'),
                                 std::string(kMinisignUntrustedCommentMax, 'u'))));
  run({"minisign", "-V", "-Q", "-m", "file", "-p", "key.pub"});
  dir_.write("file", content + "x");
  run({"minisign", "-V", "-m", "file", "-p", "key.pub"}, 1);
}

TEST_F(MinisignTool, WritesWhatWeReadAndVerify) {
  dir_.write("file", "words");
  run({"minisign", "-G", "-W", "-p", "key.pub", "-s", "key"});
  run({"minisign", "-S", "-s", "key", "-m", "file"});  // with the comment that it makes itself
  const MinisignPublicKey key = require_ok(MinisignPublicKey::parse(dir_.read("key.pub")));

  const MinisignSecretKey secret =
      require_ok(MinisignSecretKey::parse(Secret::from(dir_.read("key"))));

  EXPECT_EQ(secret.public_key(), key);
  EXPECT_THAT(verify(key, "words", dir_.read("file.minisig")), ok());
  EXPECT_THAT(verify(key, "other", dir_.read("file.minisig")), failed_with(Code::kDataLoss));
  run({"minisign", "-S", "-l", "-s", "key", "-m", "file", "-x", "legacy.minisig"});
  EXPECT_THAT(MinisignSignature::parse(dir_.read("legacy.minisig")),
              failed_with(Code::kUnimplemented));
}

}  // namespace
}  // namespace dsl::archive
