#include "dsl/hash/sha256.h"

#include <array>

#include <openssl/evp.h>

#include "dsl/result/result.h"

namespace dsl {

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  MC_ASSERT(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
            "the library has SHA-256");
}

void Sha256::add(std::span<const std::byte> bytes) {
  MC_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1,
            "hashing memory does not fail");
}

std::string Sha256::finish() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, 32> digest;
  MC_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1,
            "finish is called once");
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 0xf];
  }
  return hex;
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.add(std::as_bytes(std::span(text)));
  return hash.finish();
}

}  // namespace dsl
