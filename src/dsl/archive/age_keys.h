// Keys of age: recipients, to whom a file is encrypted, and identities, which open it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/random.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

using AgePublicKey = std::array<std::byte, 32>;  // a point of X25519

// The public half of an X25519 key. A value; nothing about it is secret.
class AgeRecipient {
 public:
  // "age1...". kInvalidArgument; kUnimplemented for the recipients of plugins, ssh and hybrid keys.
  static Result<AgeRecipient> parse(std::string_view text);
  explicit AgeRecipient(const AgePublicKey& key) : key_(key) {}

  const AgePublicKey& key() const { return key_; }
  std::string to_text() const;
  bool operator==(const AgeRecipient&) const = default;

 private:
  AgePublicKey key_;
};

// What opens a file: an X25519 key or a passphrase. Movable; held in a Secret.
class AgeIdentity {
 public:
  // "AGE-SECRET-KEY-1...". Errors as those of AgeRecipient::parse; they never quote the text.
  static Result<AgeIdentity> parse(std::string_view text);
  static AgeIdentity generate(env::Random& random);
  static AgeIdentity from_passphrase(Secret passphrase);

  bool is_passphrase() const { return !public_key_; }
  // Of a key; asserted.
  AgeRecipient recipient() const;
  // "AGE-SECRET-KEY-1...", as `parse` reads it. Of a key; asserted.
  Secret to_text() const;
  // The scalar, or the passphrase.
  const Secret& secret() const { return secret_; }

 private:
  AgeIdentity(Secret secret, std::optional<AgePublicKey> public_key);

  Secret secret_;
  std::optional<AgePublicKey> public_key_;  // none = a passphrase
};

// As many of either are read from a file, or take part in one.
constexpr std::size_t kAgeKeysMax = 256;

// Files of keys, one a line, with empty lines and comments ("# ..."). kInvalidArgument names the
// line at fault, or says that there is no key at all.
Result<std::vector<AgeRecipient>> parse_recipients(std::string_view text);
Result<std::vector<AgeIdentity>> parse_identities(std::string_view text);

}  // namespace dsl::archive
