// The packets before the encrypted one: how a passphrase becomes its key. For the .cc files of this
// folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/openpgp_cipher.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

// RFC 4880 section 5.3, version 4.
struct PgpPassphrasePacket {
  std::uint8_t cipher = kPgpAes256;
  PgpS2k s2k;
  std::string sealed_key;  // cipher and session key; empty: the passphrase's own is the session key

  // kDataLoss; kUnimplemented for what is not supported.
  static Result<PgpPassphrasePacket> parse(std::string_view body);
  // Its session key if the passphrase is the right one, which is not known here; nothing if it
  // cannot be.
  std::optional<Secret> session_key(const Secret& passphrase) const;
};

// kInvalidArgument for what gpg would not take as a passphrase.
Result<void> check_pgp_passphrase(const Secret& passphrase);

}  // namespace dsl::archive
