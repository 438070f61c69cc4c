#include "dsl/archive/age_keys.h"

#include <algorithm>
#include <utility>

#include "dsl/archive/bech32.h"
#include "dsl/archive/crypto.h"

namespace dsl::archive {

namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "AGE-SECRET-KEY-";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  const std::size_t last = text.find_last_not_of(" \t\r");
  return first == std::string_view::npos ? "" : text.substr(first, last - first + 1);
}

// The 32 bytes of `text`, whose prefix must be `prefix`.
Result<Secret> decode_key(std::string_view text, std::string_view prefix) {
  MC_ASSIGN(Bech32 decoded, bech32_decode(text));
  if (decoded.prefix != prefix || decoded.bytes.size() != AgePublicKey{}.size()) {
    return fail(Code::kInvalidArgument, "not a key that starts with {}1", prefix);
  }
  return std::move(decoded.bytes);
}

// Calls `add` for each line that holds a key.
template <class Add>
Result<void> for_each_key(std::string_view text, const Add& add) {
  std::size_t number = 0, keys = 0;
  while (!text.empty()) {
    const std::size_t lf = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, lf));
    text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
    ++number;
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    if (++keys > kAgeKeysMax) {
      return fail(Code::kInvalidArgument, "line {}: more than {} keys", number, kAgeKeysMax);
    }
    MC_TRY(with_context(add(line), dsl::text("line {}", number)));
  }
  if (keys == 0) {
    return fail(Code::kInvalidArgument, "there is no key in it");
  }
  return {};
}

}  // namespace

Result<AgeRecipient> AgeRecipient::parse(std::string_view text) {
  // Plugins and age's own later kinds have a name between "age1" and a further "1".
  if (text.starts_with("ssh-") ||
      (text.starts_with("age1") && text.find('1', 4) != std::string_view::npos)) {
    return fail(Code::kUnimplemented, "recipients of this kind are not supported")
        .hint("age-keygen makes the keys that are: age1 and 58 letters");
  }
  MC_ASSIGN(const Secret bytes, decode_key(text, kRecipientPrefix));
  AgePublicKey key;
  std::copy_n(bytes.expose().begin(), key.size(), key.begin());
  return AgeRecipient(key);
}

std::string AgeRecipient::to_text() const {
  const Secret text = bech32_encode(kRecipientPrefix, key_);
  return {reinterpret_cast<const char*>(text.expose().data()), text.size()};
}

AgeIdentity::AgeIdentity(Secret secret, std::optional<AgePublicKey> public_key)
    : secret_(std::move(secret)), public_key_(public_key) {}

Result<AgeIdentity> AgeIdentity::parse(std::string_view text) {
  if (text.starts_with("AGE-PLUGIN-") || text.starts_with("AGE-SECRET-KEY-PQ-")) {
    return fail(Code::kUnimplemented, "identities of this kind are not supported")
        .hint("age-keygen makes the keys that are: AGE-SECRET-KEY-1 and 58 letters");
  }
  MC_ASSIGN(Secret scalar, decode_key(text, kIdentityPrefix));
  const AgePublicKey public_key = x25519_public(scalar);
  return AgeIdentity(std::move(scalar), public_key);
}

AgeIdentity AgeIdentity::generate(env::Random& random) {
  Secret scalar = Secret::zeroed(AgePublicKey{}.size());
  random.fill(scalar.expose_mutable());
  const AgePublicKey public_key = x25519_public(scalar);
  return {std::move(scalar), public_key};
}

AgeIdentity AgeIdentity::from_passphrase(Secret passphrase) {
  return {std::move(passphrase), std::nullopt};
}

AgeRecipient AgeIdentity::recipient() const {
  MC_ASSERT(!is_passphrase(), "only a key has a recipient");
  return AgeRecipient(*public_key_);
}

Secret AgeIdentity::to_text() const {
  MC_ASSERT(!is_passphrase(), "only a key is written as one");
  return bech32_encode(kIdentityPrefix, secret_.expose());
}

Result<std::vector<AgeRecipient>> parse_recipients(std::string_view text) {
  std::vector<AgeRecipient> recipients;
  MC_TRY(for_each_key(text, [&](std::string_view line) -> Result<void> {
    MC_ASSIGN(const AgeRecipient recipient, AgeRecipient::parse(line));
    recipients.push_back(recipient);
    return {};
  }));
  return recipients;
}

Result<std::vector<AgeIdentity>> parse_identities(std::string_view text) {
  std::vector<AgeIdentity> identities;
  MC_TRY(for_each_key(text, [&](std::string_view line) -> Result<void> {
    MC_ASSIGN(AgeIdentity identity, AgeIdentity::parse(line));
    identities.push_back(std::move(identity));
    return {};
  }));
  return identities;
}

}  // namespace dsl::archive
