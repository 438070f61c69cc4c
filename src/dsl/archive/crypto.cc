#include "dsl/archive/crypto.h"

#include <algorithm>
#include <limits>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace dsl::archive {

namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

// OpenSSL counts in unsigned char and int.
const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw_mutable(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
int size_of(std::span<const std::byte> bytes) {
  MC_ASSERT(bytes.size() <= std::size_t{std::numeric_limits<int>::max()}, "chunks are small");
  return static_cast<int>(bytes.size());
}

void hmac_into(std::span<const std::byte> key, std::span<const std::byte> message,
               std::span<std::byte> out) {
  MC_ASSERT(out.size() == 32, "SHA-256 gives 32 bytes");
  const unsigned char* made = HMAC(EVP_sha256(), raw(key), size_of(key), raw(message),
                                   message.size(), raw_mutable(out), nullptr);
  MC_ASSERT(made != nullptr, "the library has HMAC-SHA-256");
}

Key private_key(const Secret& scalar) {
  Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, raw(scalar.expose()), scalar.size()));
  MC_ASSERT(key != nullptr, "any 32 bytes are a scalar");
  return key;
}

std::array<unsigned char, 12> nonce_of(std::uint64_t counter, bool last) {
  std::array<unsigned char, 12> nonce{};
  for (std::size_t i = 0; i < sizeof counter; ++i) {
    nonce[10 - i] = static_cast<unsigned char>(counter >> (8 * i));
  }
  nonce[11] = last ? 1 : 0;
  return nonce;
}

}  // namespace

// One block of RFC 5869 section 2.3 is all that 32 bytes take.
Secret hkdf_sha256(std::span<const std::byte> key_material, std::span<const std::byte> salt,
                   std::string_view info) {
  Secret extracted = Secret::zeroed(32);
  const Bytes32 no_salt{};
  hmac_into(salt.empty() ? std::span<const std::byte>(no_salt) : salt, key_material,
            extracted.expose_mutable());

  std::string block(info);
  block += '\x01';
  Secret key = Secret::zeroed(32);
  hmac_into(extracted.expose(), std::as_bytes(std::span(block)), key.expose_mutable());
  return key;
}

Bytes32 hmac_sha256(std::span<const std::byte> key, std::string_view message) {
  Bytes32 mac;
  hmac_into(key, std::as_bytes(std::span(message)), mac);
  return mac;
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Secret> x25519(const Secret& scalar, const Bytes32& point) {
  const Key ours = private_key(scalar);
  const Key theirs(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, raw(point), point.size()));
  const std::unique_ptr<EVP_PKEY_CTX, FreeKey> context(EVP_PKEY_CTX_new(ours.get(), nullptr));
  MC_ASSERT(theirs != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
                EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1,
            "any 32 bytes are a point");

  Secret shared = Secret::zeroed(32);
  std::size_t size = shared.size();
  if (EVP_PKEY_derive(context.get(), raw_mutable(shared.expose_mutable()), &size) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return shared;
}

Bytes32 x25519_public(const Secret& scalar) {
  const Key key = private_key(scalar);
  Bytes32 point;
  std::size_t size = point.size();
  MC_ASSERT(EVP_PKEY_get_raw_public_key(key.get(), raw_mutable(point), &size) == 1 &&
                size == point.size(),
            "a private key has its public one");
  return point;
}

Result<Secret> scrypt(const Secret& passphrase, std::span<const std::byte> salt, int log_n) {
  const std::uint64_t n = std::uint64_t{1} << log_n;
  constexpr std::uint64_t kR = 8, kP = 1;
  // RFC 7914 section 2: 128 r N bytes, and a little beside.
  const std::uint64_t memory_max = 128 * kR * n + (std::uint64_t{1} << 20);
  Secret key = Secret::zeroed(32);
  const char* text =
      passphrase.empty() ? "" : reinterpret_cast<const char*>(raw(passphrase.expose()));
  if (EVP_PBE_scrypt(text, passphrase.size(), raw(salt), salt.size(), n, kR, kP, memory_max,
                     raw_mutable(key.expose_mutable()), key.size()) != 1) {
    ERR_clear_error();
    return fail(Code::kNoSpace, "the passphrase cannot be stretched in memory: it takes {} MiB",
                memory_max >> 20)
        .hint("free memory, or raise the limit of this process");
  }
  return key;
}

void ChunkCipher::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

ChunkCipher::ChunkCipher(Use use, const Secret& key) : context_(EVP_CIPHER_CTX_new()) {
  MC_ASSERT(key.size() == 32, "the keys of ChaCha20 have 32 bytes");
  MC_ASSERT(context_ != nullptr &&
                EVP_CipherInit_ex(context_.get(), EVP_chacha20_poly1305(), nullptr,
                                  raw(key.expose()), nullptr, use == Use::kSeal ? 1 : 0) == 1,
            "the library has ChaCha20-Poly1305");
}

void ChunkCipher::seal(std::uint64_t counter, bool last, std::span<const std::byte> plain,
                       std::span<std::byte> out) {
  MC_ASSERT(out.size() == plain.size() + kTagBytes, "there is room for the tag");
  EVP_CIPHER_CTX* context = context_.get();
  int size = 0, rest = 0;
  const bool sealed =
      EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce_of(counter, last).data(), -1) ==
          1 &&
      // No plaintext at all is no call: without a pointer it would mean something else.
      (plain.empty() ||
       EVP_CipherUpdate(context, raw_mutable(out), &size, raw(plain), size_of(plain)) == 1) &&
      EVP_CipherFinal_ex(context, raw_mutable(out.subspan(plain.size())), &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, int{kTagBytes},
                          out.subspan(plain.size()).data()) == 1;
  MC_ASSERT(sealed && size + rest == size_of(plain), "sealing memory does not fail");
}

bool ChunkCipher::open(std::uint64_t counter, bool last, std::span<const std::byte> sealed,
                       std::span<std::byte> out) {
  MC_ASSERT(sealed.size() >= kTagBytes && out.size() == sealed.size() - kTagBytes,
            "there is a tag");
  EVP_CIPHER_CTX* context = context_.get();
  const std::span<const std::byte> body = sealed.first(out.size());
  std::array<std::byte, kTagBytes> tag;
  std::copy_n(sealed.last(kTagBytes).begin(), kTagBytes, tag.begin());
  int size = 0, rest = 0;
  const bool ready =
      EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce_of(counter, last).data(), -1) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, int{kTagBytes}, tag.data()) == 1 &&
      (body.empty() ||
       EVP_CipherUpdate(context, raw_mutable(out), &size, raw(body), size_of(body)) == 1);
  MC_ASSERT(ready, "deciphering memory does not fail");
  std::array<unsigned char, kTagBytes> nothing;  // the last call gives no bytes, but wants a place
  const bool authentic = EVP_CipherFinal_ex(context, nothing.data(), &rest) == 1;
  if (!authentic) {
    ERR_clear_error();
  }
  return authentic;
}

}  // namespace dsl::archive
