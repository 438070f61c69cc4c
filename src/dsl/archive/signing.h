// Ed25519 (RFC 8032) on OpenSSL, for the .cc files of this folder.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "dsl/archive/crypto.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

using Ed25519Signature = std::array<std::byte, 64>;

Bytes32 ed25519_public(const Secret& seed);
Ed25519Signature ed25519_sign(const Secret& seed, std::span<const std::byte> message);
// False as well for a key that is no point.
bool ed25519_verify(const Bytes32& key, std::span<const std::byte> message,
                    const Ed25519Signature& signature);

}  // namespace dsl::archive
