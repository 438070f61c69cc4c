// The primitives of age on OpenSSL, for the .cc files of this folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX

namespace dsl::archive {

using Bytes32 = std::array<std::byte, 32>;

constexpr std::size_t kTagBytes = 16;  // Poly1305

// RFC 5869 with 32 bytes of output, the only length that age asks for.
Secret hkdf_sha256(std::span<const std::byte> key_material, std::span<const std::byte> salt,
                   std::string_view info);
Bytes32 hmac_sha256(std::span<const std::byte> key, std::string_view message);
// Constant time.
bool equal(std::span<const std::byte> a, std::span<const std::byte> b);

// RFC 7748. Nothing when the shared secret is zero: the point is one of low order.
std::optional<Secret> x25519(const Secret& scalar, const Bytes32& point);
Bytes32 x25519_public(const Secret& scalar);

// RFC 7914 with N = 2^log_n, r = 8, p = 1; uses 2^log_n KiB of memory, kNoSpace when there is not
// that much.
Result<Secret> scrypt(const Secret& passphrase, std::span<const std::byte> salt, int log_n);

// ChaCha20-Poly1305 under one key, with the nonces of age's STREAM: 11 bytes of a counter and one
// that marks the last chunk. Counter 0 of a chunk that is not the last is the zero nonce that wraps
// file keys.
//
// Confined to its owner. Movable.
class ChunkCipher {
 public:
  enum class Use { kSeal, kOpen };
  ChunkCipher(Use use, const Secret& key);

  // `out` has room for plain.size() + kTagBytes and does not overlap `plain`.
  void seal(std::uint64_t counter, bool last, std::span<const std::byte> plain,
            std::span<std::byte> out);
  // `out` has room for sealed.size() - kTagBytes and does not overlap `sealed`, which has at least
  // a tag. False when it is not authentic: `out` then holds nothing of use and must not be handed
  // on.
  bool open(std::uint64_t counter, bool last, std::span<const std::byte> sealed,
            std::span<std::byte> out);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

}  // namespace dsl::archive
