// minisign (https://jedisct1.github.io/minisign/): signatures of files, with a comment that is
// signed, too.
//
// What the `minisign` tool signs is verified here, and the other way round. The content is signed
// by its digest, so that files of any size are signed and verified by stream.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dsl/env/random.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace dsl::archive {

using MinisignHash = std::array<std::byte, 64>;  // BLAKE2b-512 of the content

// What is signed of a content. Confined to its owner. Movable.
class MinisignDigest {
 public:
  MinisignDigest();

  void add(std::span<const std::byte> bytes);
  // Once, and nothing after it.
  MinisignHash finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// A value; nothing about it is secret.
struct MinisignPublicKey {
  std::array<std::byte, 8> id{};
  std::array<std::byte, 32> key{};

  // A file (a comment, then the key), or the key alone as `minisign -P` takes it.
  // kInvalidArgument.
  static Result<MinisignPublicKey> parse(std::string_view file_or_base64);
  std::string to_file() const;
  // Sixteen hexadecimal digits, as the tool prints it.
  std::string id_text() const;
  bool operator==(const MinisignPublicKey&) const = default;
};

// Of the signed comment and of the other one; the tool reads lines a little longer.
constexpr std::size_t kMinisignCommentMax = 8000;
constexpr std::size_t kMinisignUntrustedCommentMax = 1000;

// Movable; held in a Secret.
class MinisignSecretKey {
 public:
  // `random` gives the id, then the key; it is not kept.
  static Result<MinisignSecretKey> generate(env::Random& random);
  // A file without a password, as `minisign -G -W` writes it. kInvalidArgument, which never quotes
  // it; kUnimplemented for one under a password.
  static Result<MinisignSecretKey> parse(const Secret& file);

  Secret to_file() const;
  const MinisignPublicKey& public_key() const { return public_key_; }

  // The .minisig text. The same key, digest and comments give the same text. Comments: one line
  // each, without control characters but tabs, and within the limits; kInvalidArgument otherwise.
  Result<std::string> sign(
      const MinisignHash& digest, std::string_view trusted_comment,
      std::string_view untrusted_comment = "signature from minisign secret key") const;

 private:
  MinisignSecretKey(Secret seed, const MinisignPublicKey& public_key);

  Secret seed_;  // RFC 8032 section 5.1.5: the private key
  MinisignPublicKey public_key_;
};

// A value; true only once minisign_verify says so.
struct MinisignSignature {
  std::array<std::byte, 8> key_id{};
  std::array<std::byte, 64> of_content{};
  std::array<std::byte, 64> of_all{};  // of the signature above and the trusted comment
  std::string trusted_comment;

  // The .minisig text. kInvalidArgument; kUnimplemented for the legacy kind, which signs the
  // content itself and not its digest (`minisign -S -l`).
  static Result<MinisignSignature> parse(std::string_view file);
  bool operator==(const MinisignSignature&) const = default;
};

// kWrongKey when another key has signed; kDataLoss when content or comment are not what was signed.
Result<void> minisign_verify(const MinisignPublicKey& key, const MinisignHash& digest,
                             const MinisignSignature& signature);

}  // namespace dsl::archive
