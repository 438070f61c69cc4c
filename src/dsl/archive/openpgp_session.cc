#include "dsl/archive/openpgp_session.h"

#include <algorithm>

#include "dsl/archive/openpgp.h"
#include "dsl/archive/openpgp_packets.h"

namespace dsl::archive {

namespace {

// Section 3.7.1.
constexpr std::uint8_t kSimple = 0, kSalted = 1, kIterated = 3;

Failure unsupported(std::string_view what) {
  return fail(Code::kUnimplemented, "OpenPGP: the file uses {}, which is not supported", what)
      .hint("encrypt it with: gpg --symmetric --cipher-algo AES256");
}

}  // namespace

Result<PgpPassphrasePacket> PgpPassphrasePacket::parse(std::string_view body) {
  const auto take = [&body](std::size_t size) {
    const std::string_view taken = body.substr(0, size);
    body.remove_prefix(std::min(size, body.size()));
    return taken.size() == size ? std::optional(taken) : std::nullopt;
  };
  const auto octet = [&take]() -> std::optional<std::uint8_t> {
    const auto one = take(1);
    return one ? std::optional(static_cast<std::uint8_t>(one->front())) : std::nullopt;
  };
  const auto version = octet(), cipher = octet(), kind = octet(), hash = octet();
  if (version && *version != 4) {
    return unsupported(text("passphrase packets of version {}", static_cast<int>(*version)));
  }
  if (!hash) {
    return pgp_damaged("a passphrase packet is too short");
  }
  PgpPassphrasePacket packet;
  packet.cipher = *cipher;
  packet.s2k.hash = *hash;
  packet.s2k.salted = *kind != kSimple;
  if (*kind != kSimple && *kind != kSalted && *kind != kIterated) {
    return unsupported("another way to stretch passphrases");
  }
  if (packet.s2k.salted) {
    const auto salt = take(packet.s2k.salt.size());
    if (!salt) {
      return pgp_damaged("a passphrase packet is too short");
    }
    std::copy_n(std::as_bytes(std::span(*salt)).begin(), salt->size(), packet.s2k.salt.begin());
  }
  if (*kind == kIterated) {
    const auto count = octet();
    if (!count) {
      return pgp_damaged("a passphrase packet is too short");
    }
    packet.s2k.hashed_bytes = pgp_count_of(*count);
  }
  packet.sealed_key = std::string(body);
  if (pgp_key_bytes(packet.cipher) == 0) {
    return unsupported(text("cipher {}", static_cast<int>(packet.cipher)));
  }
  return packet;
}

std::optional<Secret> PgpPassphrasePacket::session_key(const Secret& passphrase) const {
  std::optional<Secret> key = s2k.derive(passphrase, pgp_key_bytes(cipher));
  if (!key || sealed_key.empty()) {
    return key;
  }
  Secret opened = Secret::from(sealed_key);
  PgpCfb(PgpCfb::Use::kOpen, *key).apply(opened.expose_mutable());
  const auto session_cipher = std::to_integer<std::uint8_t>(opened.expose().front());
  if (pgp_key_bytes(session_cipher) == 0 || pgp_key_bytes(session_cipher) + 1 != opened.size()) {
    return std::nullopt;
  }
  return Secret::from(opened.expose().subspan(1));
}

Result<void> check_pgp_passphrase(const Secret& passphrase) {
  const auto bytes = passphrase.expose();
  const auto is_end = [](std::byte b) {
    return b == std::byte{0} || b == std::byte{'\n'} || b == std::byte{'\r'};
  };
  if (bytes.empty() || bytes.size() > kOpenPgpPassphraseMax ||
      std::any_of(bytes.begin(), bytes.end(), is_end)) {
    return fail(Code::kInvalidArgument,
                "OpenPGP: the passphrase is empty, longer than {} bytes, or more than a line",
                kOpenPgpPassphraseMax)
        .hint("gpg takes one line of text");
  }
  return {};
}

}  // namespace dsl::archive
