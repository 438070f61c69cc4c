// The primitives of OpenPGP (RFC 4880) on OpenSSL, for the .cc files of this folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX
struct evp_md_ctx_st;      // OpenSSL's EVP_MD_CTX

namespace dsl::archive {

// Section 9.2, what of it is AES.
constexpr std::uint8_t kPgpAes128 = 7, kPgpAes192 = 8, kPgpAes256 = 9;
constexpr std::size_t kPgpBlockBytes = 16;
// Bytes of the cipher's key; 0 for a cipher that is not supported.
std::size_t pgp_key_bytes(std::uint8_t cipher);

// Section 9.4.
constexpr std::uint8_t kPgpSha256 = 8;

// Section 3.7.1: how a passphrase becomes a key.
struct PgpS2k {
  std::uint8_t hash = kPgpSha256;
  std::array<std::byte, 8> salt{};
  bool salted = true;
  std::uint64_t hashed_bytes = 0;  // 0: once
  // Nothing for a hash that is not supported.
  std::optional<Secret> derive(const Secret& passphrase, std::size_t key_bytes) const;
};
// The octet for at least `bytes`, within 1024 and 65011712, and what it says.
std::uint8_t pgp_count_octet(std::uint64_t bytes);
std::uint64_t pgp_count_of(std::uint8_t octet);

// AES in CFB mode with an IV of zeroes, in one run: section 13.9 without its resynchronization.
//
// Confined to its owner. Movable.
class PgpCfb {
 public:
  enum class Use { kSeal, kOpen };
  // The key has the length of one of the ciphers.
  PgpCfb(Use use, const Secret& key);

  void apply(std::span<std::byte> bytes);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

// SHA-1, which the modification detection code is. Confined to its owner. Movable.
class PgpSha1 {
 public:
  PgpSha1();

  void add(std::span<const std::byte> bytes);
  std::array<std::byte, 20> finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace dsl::archive
