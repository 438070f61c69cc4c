#include "dsl/archive/age_stanzas.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/archive/crypto.h"

namespace dsl::archive {

namespace {

constexpr std::string_view kX25519 = "X25519";
constexpr std::string_view kScrypt = "scrypt";
constexpr std::string_view kX25519Info = "age-encryption.org/v1/X25519";
constexpr std::string_view kScryptLabel = "age-encryption.org/v1/scrypt";
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kBodyBytes = kFileKeyBytes + kTagBytes;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

Failure broken(std::string_view kind, std::string_view what) {
  return fail(Code::kDataLoss, "age header: a stanza {} {}", kind, what);
}

std::string seal_file_key(const Secret& wrap_key, const Secret& file_key) {
  std::string body(kBodyBytes, '\0');
  ChunkCipher(ChunkCipher::Use::kSeal, wrap_key)
      .seal(0, false, file_key.expose(), std::as_writable_bytes(std::span(body)));
  return body;
}

std::optional<Secret> open_file_key(const Secret& wrap_key, std::string_view body) {
  Secret file_key = Secret::zeroed(kFileKeyBytes);
  const bool opened = ChunkCipher(ChunkCipher::Use::kOpen, wrap_key)
                          .open(0, false, bytes_of(body), file_key.expose_mutable());
  return opened ? std::optional(std::move(file_key)) : std::nullopt;
}

Secret x25519_wrap_key(const Secret& shared, const Bytes32& share, const AgePublicKey& recipient) {
  const std::string salt = text_of(share) + text_of(recipient);
  return hkdf_sha256(shared.expose(), bytes_of(salt), kX25519Info);
}

std::string labelled(std::string_view salt) {
  return std::string(kScryptLabel) + std::string(salt);
}

// A stanza for an X25519 key, read.
struct KeyStanza {
  Bytes32 share{};
  std::string body;
};

Result<KeyStanza> parse_x25519(const Stanza& stanza) {
  const auto share =
      stanza.arguments.size() == 2 ? from_raw_base64(stanza.arguments[1]) : std::nullopt;
  KeyStanza parsed{.body = stanza.body};
  if (!share || share->size() != parsed.share.size() || stanza.body.size() != kBodyBytes) {
    return broken(kX25519, "is not a share and a wrapped key");
  }
  std::memcpy(parsed.share.data(), share->data(), share->size());
  return parsed;
}

// A stanza under a passphrase, read.
struct PassphraseStanza {
  std::string salt;
  int log_n = 0;
  std::string body;
};

Result<PassphraseStanza> parse_scrypt(const Stanza& stanza, int log_n_max) {
  const auto salt =
      stanza.arguments.size() == 3 ? from_raw_base64(stanza.arguments[1]) : std::nullopt;
  if (!salt || salt->size() != kSaltBytes || stanza.body.size() != kBodyBytes) {
    return broken(kScrypt, "is not a salt, a number and a wrapped key");
  }
  const std::string& number = stanza.arguments[2];
  if (number.front() == '0' || number.find_first_not_of("0123456789") != std::string::npos) {
    return broken(kScrypt, "has a work factor that is no decimal number");
  }
  int log_n = 0;
  const auto end = number.data() + number.size();
  if (std::from_chars(number.data(), end, log_n).ec != std::errc{} || log_n > log_n_max) {
    return fail(Code::kTooLarge, "age header: a stanza {} asks for too much work", kScrypt)
        .hint(text("2^{} KiB of memory are the limit", log_n_max));
  }
  return PassphraseStanza{*salt, log_n, stanza.body};
}

// The native stanzas of a header. Either kind is left out when there is none of it.
struct NativeStanzas {
  std::vector<KeyStanza> for_keys;
  std::optional<PassphraseStanza> under_passphrase;
};

Result<NativeStanzas> parse_native(std::span<const Stanza> stanzas, int log_n_max) {
  NativeStanzas native;
  for (const Stanza& stanza : stanzas) {
    if (stanza.arguments[0] == kX25519) {
      MC_ASSIGN(KeyStanza parsed, parse_x25519(stanza));
      native.for_keys.push_back(std::move(parsed));
    } else if (stanza.arguments[0] == kScrypt) {
      if (stanzas.size() != 1) {
        return broken(kScrypt, "is not alone");
      }
      MC_ASSIGN(native.under_passphrase, parse_scrypt(stanza, log_n_max));
    }
  }
  return native;
}

Result<std::optional<Secret>> unwrap_by_key(const KeyStanza& stanza, const AgeIdentity& identity) {
  const auto shared = x25519(identity.secret(), stanza.share);
  if (!shared) {
    return broken(kX25519, "has a share of low order");
  }
  return open_file_key(x25519_wrap_key(*shared, stanza.share, identity.recipient().key()),
                       stanza.body);
}

Result<std::optional<Secret>> unwrap_by_passphrase(const PassphraseStanza& stanza,
                                                   const AgeIdentity& identity) {
  MC_ASSIGN(const Secret wrap_key,
            scrypt(identity.secret(), bytes_of(labelled(stanza.salt)), stanza.log_n));
  return open_file_key(wrap_key, stanza.body);
}

Failure no_match(const NativeStanzas& native, std::span<const AgeIdentity> identities) {
  const bool has_passphrase =
      std::any_of(identities.begin(), identities.end(),
                  [](const AgeIdentity& identity) { return identity.is_passphrase(); });
  if (native.under_passphrase) {
    return has_passphrase
               ? fail(Code::kWrongKey, "the passphrase does not open the file")
                     .hint("check for a typing error, or another file's passphrase")
               : fail(Code::kWrongKey, "the file is under a passphrase, and none is given")
                     .hint("give the passphrase in place of a key");
  }
  return fail(Code::kWrongKey, "none of the {} identities opens the file", identities.size())
      .hint("it is encrypted to other keys: give the identity of one of its recipients");
}

}  // namespace

Result<Stanza> wrap_for(env::Random& random, const AgeRecipient& recipient,
                        const Secret& file_key) {
  Secret ephemeral = Secret::zeroed(32);
  random.fill(ephemeral.expose_mutable());
  const Bytes32 share = x25519_public(ephemeral);
  const auto shared = x25519(ephemeral, recipient.key());
  if (!shared) {
    return fail(Code::kInvalidArgument, "{} is not the key of anyone", recipient.to_text());
  }
  const Secret wrap_key = x25519_wrap_key(*shared, share, recipient.key());
  return Stanza{{std::string(kX25519), raw_base64(text_of(share))},
                seal_file_key(wrap_key, file_key)};
}

Result<Stanza> wrap_under(env::Random& random, const Secret& passphrase, int log_n,
                          const Secret& file_key) {
  std::string salt(kSaltBytes, '\0');
  random.fill(std::as_writable_bytes(std::span(salt)));
  MC_ASSIGN(const Secret wrap_key, scrypt(passphrase, bytes_of(labelled(salt)), log_n));
  return Stanza{{std::string(kScrypt), raw_base64(salt), std::to_string(log_n)},
                seal_file_key(wrap_key, file_key)};
}

Result<Secret> unwrap(std::span<const Stanza> stanzas, std::span<const AgeIdentity> identities,
                      int log_n_max) {
  MC_ASSIGN(const NativeStanzas native, parse_native(stanzas, log_n_max));
  for (const AgeIdentity& identity : identities) {
    if (identity.is_passphrase()) {
      if (native.under_passphrase) {
        MC_ASSIGN(auto file_key, unwrap_by_passphrase(*native.under_passphrase, identity));
        if (file_key) {
          return std::move(*file_key);
        }
      }
      continue;
    }
    for (const KeyStanza& stanza : native.for_keys) {
      MC_ASSIGN(auto file_key, unwrap_by_key(stanza, identity));
      if (file_key) {
        return std::move(*file_key);
      }
    }
  }
  return no_match(native, identities);
}

}  // namespace dsl::archive
