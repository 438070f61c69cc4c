#include "dsl/archive/zstd_stream.h"

#include <algorithm>
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
using dsl::test::SeededRandom;
using dsl::test::TempDir;

std::string packed(std::string_view plain, int level = 3) {
  std::string out;
  ZstdWriter writer = require_ok(ZstdWriter::begin(append_to(out), {.level = level}));
  require_ok(writer.write(bytes_of(plain)));
  require_ok(writer.finish());
  return out;
}

Result<std::string> unpacked(Source source, const ZstdReadOptions& options = {},
                             std::size_t room_size = 100'000) {
  ZstdReader reader(std::move(source), options);
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

Result<std::string> unpacked(std::string_view file, const ZstdReadOptions& options = {}) {
  return unpacked(source_of(file), options);
}

std::string words(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) {
    out += text("record {} of {}\n", i * i, size);
  }
  out.resize(size);
  return out;
}

TEST(Zstd, WhatIsNoneIsRefused) {
  for (const std::string& bytes :
       {std::string("no zstd at all"), std::string(100, '\0'), packed("words") + "more",
        packed("words") + std::string(9, '\0')}) {
    EXPECT_THAT(unpacked(bytes), failed_with(Code::kDataLoss)) << bytes;
  }
}

TEST(Zstd, EveryCutIsFound) {
  const std::string file = packed(words(5000));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(unpacked(std::string_view(file).substr(0, size)), failed_with(Code::kDataLoss))
        << size;
  }
  // Between frames it cannot be told: that is for what lies around them.
  EXPECT_THAT(unpacked(file), ok());
}

TEST(Zstd, ChangedContentIsFound) {
  const std::string plain = words(2000);
  const std::string file = packed(plain);
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 1);

    const auto read = unpacked(changed);

    // A bit that means nothing, as padding does, may change; the content may not.
    EXPECT_TRUE(!read || *read == plain) << at;
  }
}

TEST(Zstd, MoreThanTheLimitIsRefused) {
  const std::string file = packed(words(100'000));

  EXPECT_THAT(unpacked(file, {.bytes_max = 99'999}), failed_with(Code::kTooLarge));
  EXPECT_THAT(unpacked(file, {.bytes_max = 100'000}), ok());
}

TEST(Zstd, BombIsRefused) {
  std::string bomb;
  ZstdWriter writer = require_ok(ZstdWriter::begin(append_to(bomb), {.level = 1}));
  const std::string zeros(16 << 20, '\0');
  for (std::uint64_t size = 0; size < kZstdRatioFromBytes + zeros.size(); size += zeros.size()) {
    require_ok(writer.write(bytes_of(zeros)));
  }
  require_ok(writer.finish());
  ZstdReader reader(source_of(bomb));
  std::string room(1 << 20, '\0');

  std::uint64_t given = 0;
  Result<std::size_t> size = std::size_t{1};
  while (size && *size > 0) {
    size = reader.read(std::as_writable_bytes(std::span(room.data(), room.size())));
    given += size.value_or(0);
  }

  EXPECT_THAT(size, failed_saying(Code::kTooLarge, "unpack to"));
  EXPECT_LE(given, kZstdRatioFromBytes);
}

TEST(Zstd, LargeWindowIsRefused) {
  // A frame's header alone: no checksum, no size, a window of 2^28 (RFC 8878 section 3.1.1.1.2).
  const std::string header("\x28\xb5\x2f\xfd\x00\x90", 6);

  EXPECT_THAT(unpacked(header + std::string(20, '\0')), failed_saying(Code::kTooLarge, "128 MiB"));
}

TEST(Zstd, ErrorsRepeatAndThoseOfTheSourceComeAsTheyAre) {
  const Source broken = [](std::span<std::byte>) -> Result<std::size_t> {
    return fail(Code::kUnavailable, "the line is dead");
  };
  std::string room(10, '\0');
  ZstdReader reader(broken);

  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(reader.read(std::as_writable_bytes(std::span(room.data(), room.size()))),
                failed_saying(Code::kUnavailable, "the line is dead"));
  }
}

TEST(Zstd, ErrorsOfTheSinkEndTheWriter) {
  const Sink full = [](std::span<const std::byte>) -> Result<void> {
    return fail(Code::kNoSpace, "full");
  };
  ZstdWriter writer = require_ok(ZstdWriter::begin(full));

  EXPECT_THAT(writer.write(bytes_of(noise(1 << 20))), failed_with(Code::kNoSpace));
  EXPECT_THAT(writer.write(bytes_of("x")), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(writer.finish(), failed_with(Code::kFailedPrecondition));
}

TEST(Zstd, LevelsThatThereAreNotAreRefused) {
  std::string out;
  for (const int level : {-1, 0, 20}) {
    EXPECT_THAT(ZstdWriter::begin(append_to(out), {.level = level}),
                failed_with(Code::kInvalidArgument));
  }
}

TEST(Zstd, EveryLevelSurvives) {
  const std::string plain = words(300'000);
  for (int level = 1; level <= 19; ++level) {
    EXPECT_TRUE(require_ok(unpacked(packed(plain, level))) == plain) << level;
  }
}

TEST(Zstd, NothingIsAFrameToo) {
  std::string out;
  ZstdWriter writer = require_ok(ZstdWriter::begin(append_to(out)));
  require_ok(writer.end_frame());
  require_ok(writer.finish());

  EXPECT_FALSE(out.empty());
  EXPECT_EQ(require_ok(unpacked(out)), "");
}

TEST(Zstd, FramesAreReadTogetherOrAlone) {
  std::string out;
  ZstdWriter writer = require_ok(ZstdWriter::begin(append_to(out)));
  require_ok(writer.write(bytes_of("one, ")));
  require_ok(writer.end_frame());
  const std::size_t second = out.size();
  require_ok(writer.end_frame());
  require_ok(writer.write(bytes_of("two")));
  require_ok(writer.finish());

  EXPECT_EQ(require_ok(unpacked(out)), "one, two");
  EXPECT_EQ(require_ok(unpacked(std::string_view(out).substr(0, second))), "one, ");
  EXPECT_EQ(require_ok(unpacked(std::string_view(out).substr(second))), "two");
}

RC_GTEST_PROP(Zstd, IsReadAsWrittenHoweverItIsCutIntoPieces, ()) {
  const auto piece = rc::gen::inRange<std::size_t>(1, 150'000);
  const std::size_t size = *rc::gen::inRange<std::size_t>(0, 400'000);
  const std::string plain = *rc::gen::arbitrary<bool>() ? noise(size) : words(size);
  std::string file;
  ZstdWriter writer = require_ok(ZstdWriter::begin(append_to(file)));
  for (std::string_view rest = plain; !rest.empty();) {
    const std::string_view part = rest.substr(0, *piece);
    require_ok(writer.write(bytes_of(part)));
    if (*rc::gen::inRange(0, 4) == 0) {
      require_ok(writer.end_frame());
    }
    rest.remove_prefix(part.size());
  }
  require_ok(writer.finish());

  RC_ASSERT(require_ok(unpacked(in_steps(file, *piece), {}, *piece)) == plain);
}

TEST(Zstd, BothWaysWithTheTool) {
  const TempDir dir;
  const std::string plain = words(1'000'000);
  dir.write("ours.zst", packed(plain));
  dir.write("plain", plain);
  env::Command command;
  command.argv = {"sh", "-c", "zstd -q -d ours.zst && zstd -q plain -o theirs.zst"};
  command.directory = dir.path();

  const env::Output output =
      require_ok(env::system_env().processes().run(command, std::chrono::seconds(30)));

  ASSERT_EQ(output.exit_code, 0) << output.err;
  EXPECT_TRUE(dir.read("ours") == plain);
  EXPECT_TRUE(require_ok(unpacked(dir.read("theirs.zst"))) == plain);
}

TEST(Zstd, ChainsWithAge) {
  SeededRandom random(4);
  const Keys keys(1);
  const std::string plain = words(1'000'000);
  std::string file;
  AgeWriter age = require_ok(AgeWriter::begin(random, keys.recipients, append_to(file)));
  ZstdWriter zstd = require_ok(
      ZstdWriter::begin([&](std::span<const std::byte> bytes) { return age.write(bytes); }));
  require_ok(zstd.write(bytes_of(plain)));
  require_ok(zstd.finish());
  require_ok(age.finish());

  AgeReader reader = require_ok(AgeReader::open(source_of(file), keys.identities));
  const auto read = unpacked([&](std::span<std::byte> out) { return reader.read(out); });

  EXPECT_TRUE(require_ok(read) == plain);
  EXPECT_LT(file.size(), plain.size() / 2);
}

}  // namespace
}  // namespace dsl::archive
