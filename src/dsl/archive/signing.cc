#include "dsl/archive/signing.h"

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>

namespace dsl::archive {

namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Key private_key(const Secret& seed) {
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(seed.expose()), seed.size()));
  MC_ASSERT(key != nullptr, "any 32 bytes are a key");
  return key;
}

}  // namespace

Bytes32 ed25519_public(const Secret& seed) {
  const Key key = private_key(seed);
  Bytes32 point;
  std::size_t size = point.size();
  MC_ASSERT(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(point.data()),
                                        &size) == 1 &&
                size == point.size(),
            "a private key has its public one");
  return point;
}

Ed25519Signature ed25519_sign(const Secret& seed, std::span<const std::byte> message) {
  const Key key = private_key(seed);
  const Context context(EVP_MD_CTX_new());
  Ed25519Signature signature;
  std::size_t size = signature.size();
  MC_ASSERT(context != nullptr &&
                EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                               &size, raw(message), message.size()) == 1 &&
                size == signature.size(),
            "the library has Ed25519");
  return signature;
}

bool ed25519_verify(const Bytes32& key, std::span<const std::byte> message,
                    const Ed25519Signature& signature) {
  const Key theirs(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(key), key.size()));
  const Context context(EVP_MD_CTX_new());
  MC_ASSERT(theirs != nullptr && context != nullptr &&
                EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, theirs.get()) == 1,
            "any 32 bytes can be tried as a key");
  const bool valid = EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message),
                                      message.size()) == 1;
  if (!valid) {
    ERR_clear_error();
  }
  return valid;
}

}  // namespace dsl::archive
