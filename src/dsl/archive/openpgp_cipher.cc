#include "dsl/archive/openpgp_cipher.h"

#include <algorithm>
#include <limits>

#include <openssl/evp.h>

namespace dsl::archive {

namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Digest = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

const EVP_MD* hash_of(std::uint8_t number) {
  switch (number) {
    case 2:
      return EVP_sha1();
    case kPgpSha256:
      return EVP_sha256();
    case 9:
      return EVP_sha384();
    case 10:
      return EVP_sha512();
    case 11:
      return EVP_sha224();
    default:
      return nullptr;
  }
}

const EVP_CIPHER* cipher_of(std::size_t key_bytes) {
  switch (key_bytes) {
    case 16:
      return EVP_aes_128_cfb128();
    case 24:
      return EVP_aes_192_cfb128();
    case 32:
      return EVP_aes_256_cfb128();
    default:
      return nullptr;
  }
}

void update(const Digest& digest, std::span<const std::byte> bytes) {
  MC_ASSERT(EVP_DigestUpdate(digest.get(), bytes.data(), bytes.size()) == 1,
            "digesting memory does not fail");
}

// `unit` again and again, to `total` bytes; once at least.
void update_repeated(const Digest& digest, std::span<const std::byte> unit, std::uint64_t total) {
  // Of many units, since each call costs more than a short passphrase.
  constexpr std::size_t kRunBytes = 16 << 10;
  Secret run = Secret::zeroed(std::max(kRunBytes / unit.size(), std::size_t{1}) * unit.size());
  for (std::size_t at = 0; at < run.size(); at += unit.size()) {
    std::copy(unit.begin(), unit.end(), run.expose_mutable().subspan(at, unit.size()).begin());
  }
  std::uint64_t left = std::max<std::uint64_t>(total, unit.size());
  while (left > 0) {
    const std::uint64_t size = std::min<std::uint64_t>(left, run.size());
    update(digest, run.expose().first(static_cast<std::size_t>(size)));
    left -= size;
  }
}

}  // namespace

std::size_t pgp_key_bytes(std::uint8_t cipher) {
  switch (cipher) {
    case kPgpAes128:
      return 16;
    case kPgpAes192:
      return 24;
    case kPgpAes256:
      return 32;
    default:
      return 0;
  }
}

std::optional<Secret> PgpS2k::derive(const Secret& passphrase, std::size_t key_bytes) const {
  const EVP_MD* kind = hash_of(hash);
  if (kind == nullptr) {
    return std::nullopt;
  }
  const std::size_t salt_bytes = salted ? salt.size() : 0;
  Secret unit = Secret::zeroed(salt_bytes + passphrase.size());
  std::copy_n(salt.begin(), salt_bytes, unit.expose_mutable().begin());
  std::copy_n(passphrase.expose().begin(), passphrase.size(),
              unit.expose_mutable().subspan(salt_bytes).begin());
  MC_ASSERT(unit.size() > 0, "a passphrase is not empty");

  // Each further hash that a key is long begins with one more zero byte.
  Secret key = Secret::zeroed(key_bytes);
  Secret made = Secret::zeroed(EVP_MAX_MD_SIZE);
  std::size_t filled = 0;
  for (std::size_t zeroes = 0; filled < key_bytes; ++zeroes) {
    const Digest digest(EVP_MD_CTX_new());
    MC_ASSERT(digest != nullptr && EVP_DigestInit_ex(digest.get(), kind, nullptr) == 1,
              "the library has the hash");
    for (std::size_t i = 0; i < zeroes; ++i) {
      update(digest, std::array{std::byte{0}});
    }
    update_repeated(digest, unit.expose(), hashed_bytes);
    unsigned size = 0;
    MC_ASSERT(EVP_DigestFinal_ex(digest.get(),
                                 reinterpret_cast<unsigned char*>(made.expose_mutable().data()),
                                 &size) == 1,
              "digesting memory does not fail");
    const std::size_t taken = std::min<std::size_t>(size, key_bytes - filled);
    std::copy_n(made.expose().begin(), taken, key.expose_mutable().subspan(filled).begin());
    filled += taken;
  }
  return key;
}

std::uint64_t pgp_count_of(std::uint8_t octet) {
  return (std::uint64_t{16} + (octet & 15U)) << ((octet >> 4U) + 6U);
}

std::uint8_t pgp_count_octet(std::uint64_t bytes) {
  std::uint8_t octet = 0;
  while (octet < 255 && pgp_count_of(octet) < bytes) {
    ++octet;
  }
  return octet;
}

void PgpCfb::Free::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

PgpCfb::PgpCfb(Use use, const Secret& key) : context_(EVP_CIPHER_CTX_new()) {
  const EVP_CIPHER* cipher = cipher_of(key.size());
  const std::array<unsigned char, kPgpBlockBytes> iv{};
  MC_ASSERT(cipher != nullptr, "the key is one of AES");
  MC_ASSERT(context_ != nullptr &&
                EVP_CipherInit_ex(context_.get(), cipher, nullptr,
                                  reinterpret_cast<const unsigned char*>(key.expose().data()),
                                  iv.data(), use == Use::kSeal ? 1 : 0) == 1,
            "the library has AES");
}

void PgpCfb::apply(std::span<std::byte> bytes) {
  MC_ASSERT(bytes.size() <= std::size_t{std::numeric_limits<int>::max()}, "chunks are small");
  auto* raw = reinterpret_cast<unsigned char*>(bytes.data());
  int size = 0;
  MC_ASSERT(bytes.empty() || EVP_CipherUpdate(context_.get(), raw, &size, raw,
                                              static_cast<int>(bytes.size())) == 1,
            "a stream cipher takes any bytes");
}

void PgpSha1::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

PgpSha1::PgpSha1() : context_(EVP_MD_CTX_new()) {
  MC_ASSERT(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha1(), nullptr) == 1,
            "the library has SHA-1");
}

void PgpSha1::add(std::span<const std::byte> bytes) {
  MC_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1,
            "digesting memory does not fail");
}

std::array<std::byte, 20> PgpSha1::finish() {
  std::array<std::byte, 20> hash;
  MC_ASSERT(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(hash.data()),
                               nullptr) == 1,
            "digesting memory does not fail");
  return hash;
}

}  // namespace dsl::archive
