// The native stanzas of age: a file key wrapped for an X25519 key, or under a passphrase.
#pragma once

#include <span>

#include "dsl/archive/age_header.h"
#include "dsl/archive/age_keys.h"
#include "dsl/env/random.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

constexpr std::size_t kFileKeyBytes = 16;

// kInvalidArgument when the recipient is a point of low order, which no identity has.
Result<Stanza> wrap_for(env::Random& random, const AgeRecipient& recipient, const Secret& file_key);
Result<Stanza> wrap_under(env::Random& random, const Secret& passphrase, int log_n,
                          const Secret& file_key);

// The file key, by the first identity that fits a stanza. kDataLoss when a native stanza breaks the
// rules, whoever it is for; kTooLarge when it asks for more work than `log_n_max`; kWrongKey when
// nothing fits. Stanzas of other kinds are passed over.
Result<Secret> unwrap(std::span<const Stanza> stanzas, std::span<const AgeIdentity> identities,
                      int log_n_max);

}  // namespace dsl::archive
