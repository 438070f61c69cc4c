// Any bytes as an age file, as text or binary, read with keys that open the seeds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/age.h"

namespace {

using namespace dsl::archive;

// Of the published vectors, which are among the seeds. Their work factor is 10: more is refused, so
// that an input stays quick.
constexpr std::string_view kIdentity =
    "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
constexpr std::string_view kPassphrase = "password";
constexpr int kWorkMax = 10;

const std::vector<AgeIdentity>& identities() {
  static const std::vector<AgeIdentity> kIdentities = [] {
    std::vector<AgeIdentity> made;
    auto key = AgeIdentity::parse(kIdentity);
    MC_ASSERT(key, "it is in order");
    made.push_back(std::move(*key));
    made.push_back(AgeIdentity::from_passphrase(dsl::Secret::from(kPassphrase)));
    return made;
  }();
  return kIdentities;
}

struct Reading {
  std::string plain;
  bool opened = false;
  bool complete = false;
  bool operator==(const Reading&) const = default;
};

// With `step` bytes a call of the source.
Reading read(std::string_view file, std::size_t step, AgeReadOptions::Form form) {
  Reading reading;
  const Source steps = [source = source_of(file), step](std::span<std::byte> out) {
    return source(out.first(std::min(out.size(), step)));
  };
  auto reader = AgeReader::open(steps, identities(), {.form = form, .scrypt_log_n_max = kWorkMax});
  reading.opened = reader.has_value();
  while (reader) {
    const auto chunk = reader->next();
    if (!chunk || chunk->empty()) {
      reading.complete = chunk.has_value();
      break;
    }
    MC_ASSERT(chunk->size() <= kAgeChunkBytes, "chunks have a limit");
    reading.plain.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);

  const Reading either = read(file, size + 1, AgeReadOptions::Form::kEither);

  MC_ASSERT(!either.complete || either.opened, "only what was opened is complete");
  MC_ASSERT(either.plain.size() <= size, "what is sealed is longer");
  // How the bytes come changes nothing, and one of the two forms it is.
  MC_ASSERT(read(file, 1, AgeReadOptions::Form::kEither) == either, "pieces do not matter");
  if (either.opened) {
    MC_ASSERT(read(file, size + 1, AgeReadOptions::Form::kBinary) == either ||
                  read(file, size + 1, AgeReadOptions::Form::kArmored) == either,
              "it has a form");
  }
  return 0;
}
