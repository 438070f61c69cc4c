#include "dsl/hash/sha256.h"

#include <span>

#include <gtest/gtest.h>

namespace dsl {
namespace {

// FIPS 180-4 examples.
TEST(Sha256, AnswersTheKnownDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesHashAsTheWhole) {
  const std::string_view text = "the whole of it";
  Sha256 hash;
  hash.add(std::as_bytes(std::span(text.substr(0, 4))));
  hash.add({});
  hash.add(std::as_bytes(std::span(text.substr(4))));

  EXPECT_EQ(hash.finish(), sha256_hex(text));
}

}  // namespace
}  // namespace dsl
