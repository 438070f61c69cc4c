// Every file of age_vectors: lines "key: value", an empty line, and an age file, perhaps
// compressed.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "dsl/archive/age.h"
#include "dsl/archive/age_fixture.h"
#include "dsl/env/env.h"
#include "dsl/hash/sha256.h"
#include "support/result_matchers.h"

namespace dsl::archive {
namespace {

using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

const std::string kFolder = std::string(MC_TEST_DATA) + "/age_vectors";

struct Vector {
  std::multimap<std::string, std::string> fields;
  std::string rest;  // the file, or what it is compressed to

  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

// The largest has 258 chunks.
constexpr std::size_t kFileMax = std::size_t{20} << 20;

std::string file_of(const Vector& vector) {
  if (vector.field("compressed") != "zlib") {
    return vector.rest;
  }
  std::string out(kFileMax, '\0');
  uLongf size = out.size();
  EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                       reinterpret_cast<const Bytef*>(vector.rest.data()), vector.rest.size()),
            Z_OK);
  out.resize(size);
  return out;
}

Vector load(const std::string& name) {
  Vector vector;
  const std::string content = require_ok(env::system_env().files().read_file(kFolder + "/" + name));
  std::size_t at = 0;
  while (content.at(at) != '\n') {
    const std::size_t colon = content.find(": ", at), end = content.find('\n', at);
    vector.fields.emplace(content.substr(at, colon - at),
                          content.substr(colon + 2, end - colon - 2));
    at = end + 1;
  }
  vector.rest = content.substr(at + 1);
  return vector;
}

constexpr std::string_view kHybridPrefix = "AGE-SECRET-KEY-PQ-";

// Those that we have; hybrid ones are refused as another kind.
std::vector<AgeIdentity> identities_of(const Vector& vector) {
  std::vector<AgeIdentity> identities;
  for (const auto& [name, value] : vector.fields) {
    if (name == "passphrase") {
      identities.push_back(AgeIdentity::from_passphrase(Secret::from(value)));
    } else if (name == "identity" && value.starts_with(kHybridPrefix)) {
      EXPECT_THAT(AgeIdentity::parse(value), failed_with(Code::kUnimplemented));
    } else if (name == "identity") {
      identities.push_back(require_ok(AgeIdentity::parse(value)));
    }
  }
  return identities;
}

// How our errors tell apart what a vector's "expect" does.
std::string kind_of(const Result<void>& outcome) {
  if (outcome) {
    return "success";
  }
  const Error& error = outcome.error();
  const std::string& message = error.message();
  if (error.code() == Code::kWrongKey) {
    return "no match";
  }
  if (message.find("its MAC is another") != std::string::npos) {
    return "HMAC failure";
  }
  for (const char* part : {"header", "payload", "armor"}) {
    if (message.starts_with(text("age {}: ", part))) {
      return text("{} failure", part);
    }
  }
  return error.render();
}

class AgeVectors : public testing::TestWithParam<std::string> {};

TEST_P(AgeVectors, EndsAsItExpects) {
  const Vector vector = load(GetParam());
  const std::string file = file_of(vector);
  const std::vector<AgeIdentity> identities = identities_of(vector);
  AgeReadOptions options;
  options.form = vector.field("armored") == "yes" ? AgeReadOptions::Form::kArmored
                                                  : AgeReadOptions::Form::kBinary;

  for (const std::size_t step : {std::size_t{1} << 20, std::size_t{61}}) {
    const Reading reading = read_all(in_steps(file, step), identities, options);

    EXPECT_EQ(kind_of(reading.outcome), vector.field("expect")) << vector.field("comment");
    // What was given out before an error counts too.
    const std::string hash = vector.field("payload");
    EXPECT_EQ(sha256_hex(reading.plain), hash.empty() ? sha256_hex("") : hash);
  }
}

TEST_P(AgeVectors, ArmorIsFoundWithoutBeingTold) {
  const Vector vector = load(GetParam());
  const std::string file = file_of(vector);

  const Reading reading = read_all(source_of(file), identities_of(vector));

  EXPECT_EQ(reading.outcome.has_value(), vector.field("expect") == "success");
}

// Vectors for a hybrid identity alone, a kind that we do not have. Such a file is no damage: its
// stanzas are passed over. What breaks the rules that all stanzas share is found all the same.
class HybridVectors : public testing::TestWithParam<std::string> {};

TEST_P(HybridVectors, StanzasArePassedOver) {
  const Vector vector = load(GetParam());
  const std::string file = file_of(vector);
  EXPECT_THAT(identities_of(vector), testing::IsEmpty());

  const Reading reading = read_all(source_of(file), Keys(1).identities);

  const bool text_is_broken = GetParam() == "hybrid_not_canonical_body";
  EXPECT_EQ(kind_of(reading.outcome), text_is_broken ? "header failure" : "no match");
  EXPECT_EQ(reading.plain, "");
}

std::vector<std::string> all_names() { return require_ok(env::system_env().files().list(kFolder)); }

std::vector<std::string> names(bool hybrid) {
  std::vector<std::string> chosen;
  for (const std::string& name : all_names()) {
    const Vector vector = load(name);
    const auto [first, last] = vector.fields.equal_range("identity");
    const bool only_hybrid = first != last && std::all_of(first, last, [](const auto& field) {
                               return field.second.starts_with(kHybridPrefix);
                             });
    if (only_hybrid == hybrid) {
      chosen.push_back(name);
    }
  }
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Published, AgeVectors, testing::ValuesIn(names(false)),
                         [](const auto& vector) { return vector.param; });
INSTANTIATE_TEST_SUITE_P(Published, HybridVectors, testing::ValuesIn(names(true)),
                         [](const auto& vector) { return vector.param; });

TEST(AgeVectorFiles, AreAllThere) {
  EXPECT_EQ(all_names().size(), 143U);
  EXPECT_EQ(names(true).size(), 18U);
}

}  // namespace
}  // namespace dsl::archive
