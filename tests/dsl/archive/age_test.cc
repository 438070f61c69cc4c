#include "dsl/archive/age.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "dsl/archive/age_fixture.h"
#include "support/result_matchers.h"
#include "support/seeded_random.h"

namespace dsl::archive {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::SeededRandom;

// Quick to stretch.
constexpr AgeWriteOptions kQuick{.scrypt_log_n = 4};

std::string sealed(std::string_view plain, const Keys& keys, const AgeWriteOptions& options = {}) {
  SeededRandom random(7);
  return require_ok(age_encrypt(random, keys.recipients, plain, options));
}

std::string sealed_under(std::string_view text, std::string_view plain) {
  SeededRandom random(8);
  std::string file;
  AgeWriter writer = require_ok(
      AgeWriter::begin_with_passphrase(random, Secret::from(text), append_to(file), kQuick));
  require_ok(writer.write(bytes_of(plain)));
  require_ok(writer.finish());
  return file;
}

TEST(Age, WrongKeyIsNotDamage) {
  const Keys ours(1), theirs(2);
  const std::string file = sealed("words", ours);

  const auto opened = age_decrypt(file, theirs.identities);

  ASSERT_THAT(opened, failed_with(Code::kWrongKey));
  EXPECT_EQ(opened.error().exit_code(), kExitWrongKey);
  EXPECT_THAT(age_decrypt(file, {}), failed_with(Code::kWrongKey));
  EXPECT_THAT(age_decrypt(file, passphrase("words")), failed_with(Code::kWrongKey));
}

TEST(Age, WrongPassphraseIsNotDamage) {
  const std::string file = sealed_under("horse", "words");

  EXPECT_THAT(age_decrypt(file, passphrase("house")),
              failed_saying(Code::kWrongKey, "does not open"));
  EXPECT_THAT(age_decrypt(file, Keys(1).identities),
              failed_saying(Code::kWrongKey, "none is given"));
  EXPECT_EQ(require_ok(age_decrypt(file, passphrase("horse"))), "words");
}

TEST(Age, RecipientsAreNeededAndHaveALimit) {
  SeededRandom random(1);
  const std::vector<AgeRecipient> many(kAgeKeysMax + 1, Keys(1).recipients[0]);
  const std::vector<AgeRecipient> low_order{AgeRecipient(AgePublicKey{})};

  EXPECT_THAT(age_encrypt(random, {}, "words"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(age_encrypt(random, many, "words"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(age_encrypt(random, low_order, "words"), failed_with(Code::kInvalidArgument));
}

TEST(Age, AsManyRecipientsAsAreWrittenAreRead) {
  std::vector<AgeRecipient> recipients;
  for (std::uint64_t i = 0; i < kAgeKeysMax; ++i) {
    recipients.push_back(Keys(i).recipients[0]);
  }
  SeededRandom random(1);

  const std::string file = require_ok(age_encrypt(random, recipients, "words"));

  EXPECT_EQ(require_ok(age_decrypt(file, Keys(0).identities)), "words");
  EXPECT_EQ(require_ok(age_decrypt(file, Keys(kAgeKeysMax - 1).identities)), "words");
}

TEST(Age, WorkThatAFileAsksForHasALimit) {
  const std::string file = sealed_under("horse", "words");
  const AgeReadOptions options{.scrypt_log_n_max = kQuick.scrypt_log_n - 1};

  EXPECT_THAT(age_decrypt(file, passphrase("horse"), options), failed_with(Code::kTooLarge));
}

TEST(Age, WorkFactorsThatThereAreNotAreRefused) {
  SeededRandom random(1);
  std::string file;
  for (const int log_n : {-1, 0, kAgeScryptLogNMax + 1}) {
    EXPECT_THAT(AgeWriter::begin_with_passphrase(random, Secret::from("horse"), append_to(file),
                                                 {.scrypt_log_n = log_n}),
                failed_with(Code::kInvalidArgument));
  }
}

// A file of three chunks, the last of which is short.
TEST(Age, EveryCutIsFound) {
  const Keys keys(1);
  const std::string plain = noise(2 * kAgeChunkBytes + 100);
  const std::string file = sealed(plain, keys);
  const std::size_t header = file.find("\n---") + 1;

  std::vector<std::size_t> sizes{0, 1, file.size() - 1};
  for (std::size_t at = 0; at < header + 64 + 16 + 20; ++at) {
    sizes.push_back(at);
  }
  for (std::size_t at = header; at < file.size(); at += 4099) {
    sizes.push_back(at);
  }
  for (const std::size_t size : sizes) {
    const Reading reading =
        read_all(source_of(std::string_view(file).substr(0, size)), keys.identities);

    EXPECT_THAT(reading.outcome, failed_with(Code::kDataLoss)) << size;
    EXPECT_TRUE(plain.starts_with(reading.plain) && reading.plain.size() < plain.size()) << size;
  }
}

TEST(Age, EveryChangedByteIsFound) {
  const Keys keys(1);
  const std::string file = sealed("a few words", keys);
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const int bit : {1, 0x20, 0x80}) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ bit);

      const Reading reading = read_all(source_of(changed), keys.identities);

      EXPECT_FALSE(reading.outcome) << at;
      EXPECT_EQ(reading.plain, "") << at;
    }
  }
}

TEST(Age, EveryChangedLetterOfArmorIsFound) {
  const Keys keys(1);
  const std::string file = sealed("a few words", keys, {.armor = true});
  for (std::size_t at = 0; at + 1 < file.size(); ++at) {
    std::string changed = file;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';

    const Reading reading = read_all(source_of(changed), keys.identities);

    EXPECT_FALSE(reading.outcome) << at;
    EXPECT_EQ(reading.plain, "") << at;
  }
}

TEST(Age, WhatFollowsTheEndIsFound) {
  const Keys keys(1);
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, kAgeChunkBytes}) {
    const std::string file = sealed(noise(size), keys);
    for (const std::string& tail : {std::string("x"), noise(100), file}) {
      const Reading reading = read_all(source_of(file + tail), keys.identities);

      EXPECT_THAT(reading.outcome, failed_with(Code::kDataLoss)) << size;
    }
  }
}

TEST(Age, ChunksThatSwapPlacesAreFound) {
  const Keys keys(1);
  std::string file = sealed(noise(3 * kAgeChunkBytes), keys);
  constexpr std::size_t kSealed = kAgeChunkBytes + 16;
  const auto first = file.end() - 3 * kSealed;
  std::swap_ranges(first, first + kSealed, first + kSealed);

  const Reading reading = read_all(source_of(file), keys.identities);

  EXPECT_THAT(reading.outcome, failed_saying(Code::kDataLoss, "chunk 0"));
  EXPECT_EQ(reading.plain, "");
}

TEST(Age, ErrorsRepeat) {
  const Keys keys(1);
  std::string file = sealed(noise(kAgeChunkBytes + 1), keys);
  file.back() = static_cast<char>(file.back() ^ 1);
  AgeReader reader = require_ok(AgeReader::open(source_of(file), keys.identities));

  EXPECT_THAT(reader.next(), ok());
  EXPECT_THAT(reader.next(), failed_saying(Code::kDataLoss, "chunk 1, from byte 65536"));
  EXPECT_THAT(reader.next(), failed_saying(Code::kDataLoss, "chunk 1, from byte 65536"));
}

TEST(Age, ErrorsOfTheSourceComeAsTheyAre) {
  const Keys keys(1);
  const std::string file = sealed(noise(3 * kAgeChunkBytes), keys);
  for (const std::size_t size : {std::size_t{10}, std::size_t{190}, file.size() - 10}) {
    const Source broken = [rest = source_of(std::string_view(file).substr(0, size))](
                              std::span<std::byte> out) -> Result<std::size_t> {
      const auto got = rest(out);
      return *got > 0 ? got : fail(Code::kUnavailable, "the line is dead");
    };

    EXPECT_THAT(read_all(broken, keys.identities).outcome,
                failed_saying(Code::kUnavailable, "the line is dead"));
  }
}

TEST(Age, ErrorsOfTheSinkEndTheWriter) {
  SeededRandom random(1);
  int calls = 0;
  const Sink sink = [&](std::span<const std::byte>) -> Result<void> {
    if (++calls == 2) {
      return fail(Code::kNoSpace, "full");
    }
    return {};
  };
  const std::string plain = noise(2 * kAgeChunkBytes);
  AgeWriter writer = require_ok(AgeWriter::begin(random, Keys(1).recipients, sink));

  EXPECT_THAT(writer.write(bytes_of(plain)), failed_with(Code::kNoSpace));
  EXPECT_THAT(writer.write(bytes_of(plain)), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(writer.finish(), failed_with(Code::kFailedPrecondition));
  EXPECT_EQ(calls, 2);
}

TEST(Age, UnfinishedFileIsRefused) {
  SeededRandom random(1);
  const Keys keys(1);
  std::string file;
  {
    AgeWriter writer = require_ok(AgeWriter::begin(random, keys.recipients, append_to(file)));
    require_ok(writer.write(bytes_of(noise(3 * kAgeChunkBytes))));
  }

  EXPECT_THAT(age_decrypt(file, keys.identities), failed_with(Code::kDataLoss));
}

TEST(Age, SizesAroundAChunkSurvive) {
  const Keys keys(1);
  for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 131071U, 131072U, 131073U}) {
    const std::string plain = noise(size);
    const std::string file = sealed(plain, keys);

    EXPECT_TRUE(require_ok(age_decrypt(file, keys.identities)) == plain) << size;
    // Never an empty chunk but in an empty file.
    const std::size_t chunks =
        std::max<std::size_t>(1, (size + kAgeChunkBytes - 1) / kAgeChunkBytes);
    const std::size_t header = file.find('\n', file.find("\n---") + 1) + 1;
    EXPECT_EQ(file.size(), header + 16 + size + 16 * chunks) << size;
  }
}

RC_GTEST_PROP(Age, IsReadAsWrittenHoweverItIsCutIntoPieces, ()) {
  const Keys keys(1);
  const auto piece = rc::gen::inRange<std::size_t>(1, 150'000);
  const std::string plain = noise(*rc::gen::inRange<std::size_t>(0, 300'000));
  const bool armor = *rc::gen::arbitrary<bool>();
  SeededRandom random(3);
  std::string file;
  AgeWriter writer =
      require_ok(AgeWriter::begin(random, keys.recipients, append_to(file), {.armor = armor}));
  for (std::string_view rest = plain; !rest.empty();) {
    const std::string_view part = rest.substr(0, *piece);
    require_ok(writer.write(bytes_of(part)));
    rest.remove_prefix(part.size());
  }
  require_ok(writer.finish());

  std::string read;
  AgeReader reader = require_ok(AgeReader::open(in_steps(file, *piece), keys.identities));
  std::string room(*piece, '\0');
  while (true) {
    const std::size_t size =
        require_ok(reader.read(std::as_writable_bytes(std::span(room.data(), room.size()))));
    if (size == 0) {
      break;
    }
    read.append(room, 0, size);
  }

  RC_ASSERT(read == plain);
  RC_ASSERT(file.starts_with("-----BEGIN") == armor);
}

TEST(Age, MemoryDoesNotGrowWithTheFile) {
  SeededRandom random(1);
  const Keys keys(1);
  const std::string plain = noise(1 << 20);
  std::size_t largest = 0;
  const Sink sink = [&](std::span<const std::byte> bytes) -> Result<void> {
    largest = std::max(largest, bytes.size());
    return {};
  };
  AgeWriter writer = require_ok(AgeWriter::begin(random, keys.recipients, sink));
  for (int i = 0; i < 32; ++i) {
    require_ok(writer.write(bytes_of(plain)));
  }
  require_ok(writer.finish());

  EXPECT_EQ(largest, kAgeChunkBytes + 16);
}

TEST(Age, AnyOfSeveralIdentitiesOpensForAnyOfSeveralRecipients) {
  std::vector<AgeRecipient> recipients;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    recipients.push_back(Keys(seed).recipients[0]);
  }
  SeededRandom random(1);
  const std::string file = require_ok(age_encrypt(random, recipients, "words"));

  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    std::vector<AgeIdentity> identities = passphrase("horse");
    identities.push_back(std::move(Keys(9).identities[0]));
    identities.push_back(std::move(Keys(seed).identities[0]));

    EXPECT_EQ(require_ok(age_decrypt(file, identities)), "words") << seed;
  }
}

TEST(Age, SameSeedGivesTheSameFile) {
  const Keys keys(1);
  SeededRandom once(5), again(5), other(6);

  const std::string file = require_ok(age_encrypt(once, keys.recipients, "words"));

  EXPECT_EQ(require_ok(age_encrypt(again, keys.recipients, "words")), file);
  EXPECT_NE(require_ok(age_encrypt(other, keys.recipients, "words")), file);
}

TEST(Age, ArmorIsLinesOf64) {
  const Keys keys(1);
  for (std::size_t size = 0; size < 100; ++size) {
    const std::string file = sealed(noise(size), keys, {.armor = true});

    std::size_t longest = 0, shorter = 0, start = 0;
    for (std::size_t lf = file.find('\n'); lf != std::string::npos; lf = file.find('\n', start)) {
      const std::string line = file.substr(start, lf - start);
      start = lf + 1;
      if (!line.starts_with("-----")) {
        longest = std::max(longest, line.size());
        shorter += line.size() < 64 ? 1U : 0U;
      }
    }
    EXPECT_EQ(longest, 64U);
    EXPECT_LE(shorter, 1U);
    EXPECT_TRUE(file.ends_with("-----END AGE ENCRYPTED FILE-----\n"));
    EXPECT_EQ(require_ok(age_decrypt(file, keys.identities)), noise(size));
  }
}

TEST(Age, KeysAreReadIntoASecret) {
  const Keys keys(1);
  const Secret text = keys.identities[0].to_text();
  const std::string file =
      sealed_under("horse", {reinterpret_cast<const char*>(text.expose().data()), text.size()});

  EXPECT_TRUE(require_ok(age_decrypt_secret(file, passphrase("horse"))).equals(text));
  EXPECT_THAT(age_decrypt_secret(file, passphrase("house")), failed_with(Code::kWrongKey));
  EXPECT_THAT(age_decrypt_secret(sealed(noise(kAgeSecretMax + 1), keys), keys.identities),
              failed_with(Code::kTooLarge));
  EXPECT_EQ(
      require_ok(age_decrypt_secret(sealed(noise(kAgeSecretMax), keys), keys.identities)).size(),
      kAgeSecretMax);
}

}  // namespace
}  // namespace dsl::archive
