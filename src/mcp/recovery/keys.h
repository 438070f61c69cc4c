// The keys of a node's backups, as files: who can read points, and who signs them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsl/archive/age_keys.h"
#include "dsl/archive/minisign.h"
#include "dsl/env/env.h"

namespace mcp::recovery {

using dsl::Result;

// Of the recovery directory. The machine holds no key that opens its own points.
class KeyStore {
 public:
  KeyStore(dsl::env::Env& env, std::string directory)
      : env_(env), directory_(std::move(directory)) {}

  std::string recipients_file() const { return directory_ + "/recipients"; }  // `age -R` takes it
  std::string public_file() const { return directory_ + "/backup.pub"; }      // `minisign -p`
  std::string secret_file() const { return directory_ + "/backup.key"; }

  // kFailedPrecondition without any, with the command that makes one.
  Result<std::vector<dsl::archive::AgeRecipient>> recipients() const;
  Result<void> add_recipient(const dsl::archive::AgeRecipient& recipient, const std::string& note);
  // kNotFound; kFailedPrecondition for the last one.
  Result<void> remove_recipient(const dsl::archive::AgeRecipient& recipient);

  // Made when there is none yet.
  Result<dsl::archive::MinisignSecretKey> signing_key();
  // The present one, then those that signed before it. kNotFound without any.
  Result<std::vector<dsl::archive::MinisignPublicKey>> public_keys() const;
  // A new one; the old public key stays as "backup.pub.<time>", for the points that it has signed.
  Result<void> rotate_signing_key();

 private:
  Result<void> write_signing_key(const dsl::archive::MinisignSecretKey& key);

  dsl::env::Env& env_;
  const std::string directory_;
};

// An identity of age, new, into `file`, which must not exist; mode 0600. Under a passphrase when
// one is given.
Result<dsl::archive::AgeRecipient> make_identity(dsl::env::Env& env, const std::string& file,
                                                 const dsl::Secret* passphrase);
// Of a file as make_identity or age-keygen writes it. `passphrase` is asked when it needs one.
// kPermissionDenied for a file that others can read.
Result<std::vector<dsl::archive::AgeIdentity>> read_identities(
    dsl::env::Env& env, const std::string& file,
    const std::function<Result<dsl::Secret>()>& passphrase);

}  // namespace mcp::recovery
