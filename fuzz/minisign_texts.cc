// Any bytes as a public key, a secret key and a signature of minisign: what is read is written the
// same, and no signature fits that was not made.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/archive/minisign.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsl::archive;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto key = MinisignPublicKey::parse(text)) {
    const auto again = MinisignPublicKey::parse(key->to_file());
    MC_ASSERT(again && *again == *key, "a public key is read as it was written");
  }
  if (const auto key = MinisignSecretKey::parse(dsl::Secret::from(text))) {
    const auto again = MinisignSecretKey::parse(key->to_file());
    MC_ASSERT(again && again->public_key() == key->public_key(), "and so is a secret one");
  }
  if (const auto signature = MinisignSignature::parse(text)) {
    MC_ASSERT(signature->trusted_comment.size() <= kMinisignCommentMax, "comments have a limit");
    MC_ASSERT(signature->trusted_comment.find('\n') == std::string_view::npos, "and are one line");
    // All zeroes are no key that anyone has signed with.
    MC_ASSERT(!minisign_verify({.id = signature->key_id}, MinisignDigest().finish(), *signature),
              "nobody has signed this");
  }
  return 0;
}
