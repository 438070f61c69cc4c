#include "dsl/archive/minisign.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <openssl/evp.h>

#include "dsl/archive/signing.h"
#include "dsl/json/canonical.h"

namespace dsl::archive {

namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::string_view kKeyKind = "Ed";         // Ed25519
constexpr std::string_view kHashedKind = "ED";      // Ed25519 of a BLAKE2b-512 digest
constexpr std::string_view kNoPassword("\0\0", 2);  // where "Sc" says scrypt
constexpr std::string_view kChecksumKind = "B2";    // BLAKE2b-256

// The binary forms, field by field.
constexpr std::size_t kKindBytes = 2, kIdBytes = 8, kKeyBytes = 32, kSignatureBytes = 64;
constexpr std::size_t kPublicBytes = kKindBytes + kIdBytes + kKeyBytes;
constexpr std::size_t kSignedBytes = kKindBytes + kIdBytes + kSignatureBytes;
// Salt and limits of the password, and a checksum that tells a wrong password: zeroes without one.
constexpr std::size_t kPasswordBytes = 32 + 8 + 8, kChecksumBytes = 32;
constexpr std::size_t kSecretBytes =
    3 * kKindBytes + kPasswordBytes + kIdBytes + 2 * kKeyBytes + kChecksumBytes;

Failure malformed(std::string_view what, std::string_view why) {
  return fail(Code::kInvalidArgument, "minisign {}: {}", what, why);
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <std::size_t kSize>
std::array<std::byte, kSize> take(std::string_view& bytes) {
  std::array<std::byte, kSize> out;
  std::copy_n(std::as_bytes(std::span(bytes)).begin(), kSize, out.begin());
  bytes.remove_prefix(kSize);
  return out;
}

// The next line without its end, LF or CR LF; nothing when there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  const std::size_t lf = text.find('\n');
  std::string_view line = text.substr(0, lf);
  text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

bool is_comment(std::string_view text, std::size_t max_bytes) {
  return text.size() <= max_bytes && std::none_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte < 0x20 && c != '\t') || byte == 0x7f;
         });
}

// The comment behind `prefix` in the next line.
Result<std::string_view> take_comment(std::string_view& text, std::string_view what,
                                      std::string_view prefix, std::size_t max_bytes) {
  const auto line = take_line(text);
  if (!line || !line->starts_with(prefix)) {
    return malformed(what, dsl::text("a line that starts with '{}' is missing", prefix));
  }
  const std::string_view comment = line->substr(prefix.size());
  if (!is_comment(comment, max_bytes)) {
    return malformed(what, "a comment is too long, or holds control characters");
  }
  return comment;
}

// The bytes in the next line.
Result<std::string> take_bytes(std::string_view& text, std::string_view what, std::size_t size) {
  const auto line = take_line(text);
  auto bytes = line ? json::from_base64(*line) : Result<std::string>("");
  if (!bytes || bytes->size() != size) {
    return malformed(what, dsl::text("a line with {} bytes in base64 is missing", size));
  }
  return std::move(*bytes);
}

Result<void> expect_end(std::string_view text, std::string_view what) {
  return text.empty() ? Result<void>() : malformed(what, "something follows its last line");
}

// Wiped when it goes: a secret on its way between text and bytes.
struct Passing {
  explicit Passing(std::string taken) : bytes(std::move(taken)) {}
  ~Passing() { wipe(std::as_writable_bytes(std::span(bytes))); }
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;
  std::string bytes;
};

std::string all_of(const Ed25519Signature& of_content, std::string_view trusted_comment) {
  return std::string(text_of(of_content)).append(trusted_comment);
}

}  // namespace

void MinisignDigest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

MinisignDigest::MinisignDigest() : context_(EVP_MD_CTX_new()) {
  MC_ASSERT(
      context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_blake2b512(), nullptr) == 1,
      "the library has BLAKE2b");
}

void MinisignDigest::add(std::span<const std::byte> bytes) {
  MC_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1,
            "digesting memory does not fail");
}

MinisignHash MinisignDigest::finish() {
  MinisignHash digest;
  MC_ASSERT(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                               nullptr) == 1,
            "digesting memory does not fail");
  return digest;
}

Result<MinisignPublicKey> MinisignPublicKey::parse(std::string_view file_or_base64) {
  constexpr std::string_view kWhat = "public key";
  std::string_view rest = file_or_base64;
  if (rest.starts_with(kUntrusted)) {
    MC_TRY(take_comment(rest, kWhat, kUntrusted, kMinisignUntrustedCommentMax));
  }
  MC_ASSIGN(const std::string bytes, take_bytes(rest, kWhat, kPublicBytes));
  MC_TRY(expect_end(rest, kWhat));
  if (!bytes.starts_with(kKeyKind)) {
    return malformed(kWhat, "it is of a kind that is not known");
  }
  std::string_view fields = std::string_view(bytes).substr(kKindBytes);
  MinisignPublicKey key;
  key.id = take<kIdBytes>(fields);
  key.key = take<kKeyBytes>(fields);
  return key;
}

std::string MinisignPublicKey::to_file() const {
  std::string bytes(kKeyKind);
  bytes.append(text_of(id)).append(text_of(key));
  return text("{}minisign public key {}\n{}\n", kUntrusted, id_text(), json::base64(bytes));
}

// The tool takes the id for a number, lowest byte first.
std::string MinisignPublicKey::id_text() const {
  std::string digits;
  for (auto byte = id.rbegin(); byte != id.rend(); ++byte) {
    for (const int shift : {4, 0}) {
      digits += "0123456789ABCDEF"[(std::to_integer<unsigned>(*byte) >> shift) & 15U];
    }
  }
  return digits;
}

MinisignSecretKey::MinisignSecretKey(Secret seed, const MinisignPublicKey& public_key)
    : seed_(std::move(seed)), public_key_(public_key) {}

Result<MinisignSecretKey> MinisignSecretKey::generate(env::Random& random) {
  MinisignPublicKey public_key;
  random.fill(public_key.id);
  Secret seed = Secret::zeroed(kKeyBytes);
  random.fill(seed.expose_mutable());
  public_key.key = ed25519_public(seed);
  return MinisignSecretKey(std::move(seed), public_key);
}

Result<MinisignSecretKey> MinisignSecretKey::parse(const Secret& file) {
  constexpr std::string_view kWhat = "secret key";
  std::string_view rest = text_of(file.expose());
  MC_TRY(take_comment(rest, kWhat, kUntrusted, kMinisignUntrustedCommentMax));
  MC_ASSIGN(std::string taken, take_bytes(rest, kWhat, kSecretBytes));
  const Passing passing(std::move(taken));
  MC_TRY(expect_end(rest, kWhat));

  std::string_view fields = passing.bytes;
  if (!fields.starts_with(kKeyKind) || fields.substr(2 * kKindBytes, kKindBytes) != kChecksumKind) {
    return malformed(kWhat, "it is of a kind that is not known");
  }
  if (fields.substr(kKindBytes, kKindBytes) != kNoPassword) {
    return fail(Code::kUnimplemented, "minisign secret key: it is under a password")
        .hint("remove the password: minisign -C -W -s FILE");
  }
  fields.remove_prefix(3 * kKindBytes + kPasswordBytes);
  MinisignPublicKey public_key;
  public_key.id = take<kIdBytes>(fields);
  Secret seed = Secret::from(fields.substr(0, kKeyBytes));
  fields.remove_prefix(kKeyBytes);
  public_key.key = take<kKeyBytes>(fields);
  // The file's own checksum is there for passwords; this finds damage of the key itself.
  if (public_key.key != ed25519_public(seed)) {
    return malformed(kWhat, "its two halves do not belong together: it is damaged");
  }
  return MinisignSecretKey(std::move(seed), public_key);
}

Secret MinisignSecretKey::to_file() const {
  Passing fields{std::string()};
  fields.bytes.reserve(kSecretBytes);  // so that no part is left behind in memory
  fields.bytes.append(kKeyKind).append(kNoPassword).append(kChecksumKind);
  fields.bytes.append(kPasswordBytes, '\0');
  fields.bytes.append(text_of(public_key_.id)).append(text_of(seed_.expose()));
  fields.bytes.append(text_of(public_key_.key)).append(kChecksumBytes, '\0');
  const Passing encoded(json::base64(fields.bytes));
  const Passing file(
      text("{}minisign secret key {}\n{}\n", kUntrusted, public_key_.id_text(), encoded.bytes));
  return Secret::from(file.bytes);
}

Result<std::string> MinisignSecretKey::sign(const MinisignHash& digest,
                                            std::string_view trusted_comment,
                                            std::string_view untrusted_comment) const {
  if (!is_comment(trusted_comment, kMinisignCommentMax) ||
      !is_comment(untrusted_comment, kMinisignUntrustedCommentMax)) {
    return malformed("signature", "a comment is too long, or holds control characters");
  }
  const Ed25519Signature of_content = ed25519_sign(seed_, digest);
  const std::string all = all_of(of_content, trusted_comment);
  const Ed25519Signature of_all = ed25519_sign(seed_, std::as_bytes(std::span(all)));

  std::string fields(kHashedKind);
  fields.append(text_of(public_key_.id)).append(text_of(of_content));
  return text("{}{}\n{}\n{}{}\n{}\n", kUntrusted, untrusted_comment, json::base64(fields), kTrusted,
              trusted_comment, json::base64(text_of(of_all)));
}

Result<MinisignSignature> MinisignSignature::parse(std::string_view file) {
  constexpr std::string_view kWhat = "signature";
  std::string_view rest = file;
  MC_TRY(take_comment(rest, kWhat, kUntrusted, kMinisignUntrustedCommentMax));
  MC_ASSIGN(const std::string bytes, take_bytes(rest, kWhat, kSignedBytes));
  MinisignSignature signature;
  MC_ASSIGN(signature.trusted_comment, take_comment(rest, kWhat, kTrusted, kMinisignCommentMax));
  MC_ASSIGN(const std::string of_all, take_bytes(rest, kWhat, kSignatureBytes));
  MC_TRY(expect_end(rest, kWhat));
  if (bytes.starts_with(kKeyKind)) {
    return fail(Code::kUnimplemented, "minisign signature: it is of the legacy kind")
        .hint("sign again, without the option -l");
  }
  if (!bytes.starts_with(kHashedKind)) {
    return malformed(kWhat, "it is of a kind that is not known");
  }
  std::string_view fields = std::string_view(bytes).substr(kKindBytes);
  signature.key_id = take<kIdBytes>(fields);
  signature.of_content = take<kSignatureBytes>(fields);
  fields = of_all;
  signature.of_all = take<kSignatureBytes>(fields);
  return signature;
}

Result<void> minisign_verify(const MinisignPublicKey& key, const MinisignHash& digest,
                             const MinisignSignature& signature) {
  if (signature.key_id != key.id) {
    return fail(Code::kWrongKey, "the signature is of key {}, not of {}",
                MinisignPublicKey{.id = signature.key_id}.id_text(), key.id_text())
        .hint("verify it with the public key of who signed");
  }
  if (!ed25519_verify(key.key, digest, signature.of_content)) {
    return fail(Code::kDataLoss,
                "the signature does not fit: this is not the content that key {} "
                "has signed",
                key.id_text())
        .hint("fetch content and signature again, or use another copy");
  }
  const std::string all = all_of(signature.of_content, signature.trusted_comment);
  if (!ed25519_verify(key.key, std::as_bytes(std::span(all)), signature.of_all)) {
    return fail(Code::kDataLoss, "the signature's comment is not the one that key {} has signed",
                key.id_text())
        .hint("fetch the signature again, or use another copy");
  }
  return {};
}

}  // namespace dsl::archive
