#include "dsl/archive/gzip.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include "dsl/archive/age_fixture.h"
#include "dsl/archive/openpgp.h"
#include "dsl/archive/tar.h"
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

std::string packed(std::string_view plain) {
  z_stream stream{};
  MC_ASSERT(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
            "zlib works");
  std::string out(deflateBound(&stream, plain.size()) + 32, '\0');
  std::string in(plain);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  MC_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END, "there is room");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> read_all_of(Source source, std::size_t room_size = 100'000) {
  std::string plain, room(room_size, '\0');
  while (true) {
    MC_ASSIGN(const std::size_t size,
              source(std::as_writable_bytes(std::span(room.data(), room.size()))));
    if (size == 0) {
      return plain;
    }
    plain.append(room, 0, size);
  }
}

Result<std::string> unpacked(Source source, const GzipReadOptions& options = {},
                             std::size_t room_size = 100'000) {
  GzipReader reader(std::move(source), options);
  return read_all_of([&](std::span<std::byte> out) { return reader.read(out); }, room_size);
}

Result<std::string> unpacked(std::string_view file, const GzipReadOptions& options = {}) {
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

TEST(Gzip, WhatIsNoneIsRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("no gzip at all"), std::string(100, '\0'),
        packed("words") + "more", packed("words") + std::string(9, '\0')}) {
    EXPECT_THAT(unpacked(bytes), failed_with(Code::kDataLoss)) << bytes;
  }
}

TEST(Gzip, EveryCutIsFound) {
  const std::string file = packed(words(5000));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(unpacked(std::string_view(file).substr(0, size)), failed_with(Code::kDataLoss))
        << size;
  }
  EXPECT_THAT(unpacked(file), ok());
}

TEST(Gzip, ChangedContentIsFound) {
  const std::string plain = words(2000);
  const std::string file = packed(plain);
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 1);

    const auto read = unpacked(changed);

    // Of the head a date may change, and the like; the content may not.
    EXPECT_TRUE(!read || *read == plain) << at;
  }
}

TEST(Gzip, MoreThanTheLimitIsRefused) {
  const std::string file = packed(words(100'000));

  EXPECT_THAT(unpacked(file, {.bytes_max = 99'999}), failed_with(Code::kTooLarge));
  EXPECT_THAT(unpacked(file, {.bytes_max = 100'000}), ok());
}

TEST(Gzip, ErrorsRepeatAndThoseOfTheSourceComeAsTheyAre) {
  GzipReader reader([](std::span<std::byte>) -> Result<std::size_t> {
    return fail(Code::kUnavailable, "the line is dead");
  });
  std::string room(10, '\0');
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(reader.read(std::as_writable_bytes(std::span(room.data(), room.size()))),
                failed_saying(Code::kUnavailable, "the line is dead"));
  }

  GzipReader limited(source_of(room), {.bytes_max = 1});
  const std::string large = packed(words(1000));
  limited = GzipReader(source_of(large), {.bytes_max = 1});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(limited.read(std::as_writable_bytes(std::span(room.data(), room.size()))),
                failed_with(Code::kTooLarge));
  }
}

TEST(Gzip, MembersAreReadTogether) {
  EXPECT_EQ(require_ok(unpacked(packed("one, ") + packed("") + packed("two"))), "one, two");
  EXPECT_EQ(require_ok(unpacked(packed(""))), "");
}

RC_GTEST_PROP(Gzip, IsReadAsWrittenHoweverItIsCutIntoPieces, ()) {
  const auto piece = rc::gen::inRange<std::size_t>(1, 100'000);
  const std::size_t size = *rc::gen::inRange<std::size_t>(0, 300'000);
  const std::string plain = *rc::gen::arbitrary<bool>() ? noise(size) : words(size);

  RC_ASSERT(require_ok(unpacked(in_steps(packed(plain), *piece), {}, *piece)) == plain);
}

TEST(Gzip, ReadsWhatToolsWrite) {
  const TempDir dir;
  const std::string plain = words(1'000'000);
  dir.write("plain", plain);
  dir.write("passphrase", "horse battery");
  env::Command command;
  command.argv = {"sh", "-euc",
                  "gzip -9 --keep plain\nexport GNUPGHOME=$PWD/home\nmkdir -m 700 home\n"
                  "tar --create --gzip plain | gpg --batch --quiet --no-options --pinentry-mode "
                  "loopback --passphrase-file passphrase --symmetric --cipher-algo AES256 "
                  ">theirs.tar.gz.gpg\n"
                  "gpgconf --kill all || true"};
  command.directory = dir.path();

  const env::Output output =
      require_ok(env::system_env().processes().run(command, std::chrono::seconds(60)));

  ASSERT_EQ(output.exit_code, 0) << output.err;
  EXPECT_TRUE(require_ok(unpacked(dir.read("plain.gz"))) == plain);
  // What people make by hand, layer by layer.
  const std::string file = dir.read("theirs.tar.gz.gpg");
  OpenPgpReader opened =
      require_ok(OpenPgpReader::open(source_of(file), Secret::from("horse battery")));
  GzipReader gzip([&](std::span<std::byte> out) { return opened.read(out); });
  TarReader tar([&](std::span<std::byte> out) { return gzip.read(out); });
  EXPECT_EQ(require_ok(tar.next())->path, "plain");
  EXPECT_TRUE(require_ok(read_all_of([&](std::span<std::byte> out) { return tar.read(out); })) ==
              plain);
  EXPECT_EQ(require_ok(tar.next()), std::nullopt);
}

}  // namespace
}  // namespace dsl::archive
