// age v1 (https://age-encryption.org/v1): files encrypted to keys or a passphrase, by stream.
//
// A file that the `age` tool writes is read here, and the other way round.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/age_keys.h"
#include "dsl/archive/stream.h"
#include "dsl/env/random.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

// Plaintext is sealed in chunks of this size.
constexpr std::size_t kAgeChunkBytes = 64 << 10;

// Base-two logarithm of the work that a passphrase may be stretched with: 1 GiB of memory.
constexpr int kAgeScryptLogNMax = 20;

struct AgeWriteOptions {
  bool armor = false;  // as text, a third longer
  // Within 1 and kAgeScryptLogNMax. 18 is what the tool takes: about a second and 256 MiB, for the
  // writer and for each reader.
  int scrypt_log_n = 18;
};

// Encrypts a stream in constant memory: two chunks.
//
// `finish` completes the file; one that lacks it is refused by every reader. After an error it
// takes nothing more. Confined to its owner.
class AgeWriter {
 public:
  // Writes the header. `random` gives, in this order: the file key, one ephemeral key for each
  // recipient, the nonce; it is not kept. kInvalidArgument without recipients, with too many, or
  // with one that is no usable key.
  static Result<AgeWriter> begin(env::Random& random, std::span<const AgeRecipient> recipients,
                                 Sink sink, const AgeWriteOptions& options = {});
  // age allows a passphrase alone, so that who opens the file knows who made it: one who had the
  // passphrase.
  static Result<AgeWriter> begin_with_passphrase(env::Random& random, const Secret& passphrase,
                                                 Sink sink, const AgeWriteOptions& options = {});
  ~AgeWriter();
  AgeWriter(AgeWriter&&) noexcept;
  AgeWriter& operator=(AgeWriter&&) noexcept;

  Result<void> write(std::span<const std::byte> plain);
  Result<void> finish();

 private:
  struct State;
  explicit AgeWriter(std::unique_ptr<State> state);
  static Result<AgeWriter> start(env::Random& random, const std::string& header,
                                 const Secret& file_key, Sink sink, const AgeWriteOptions& options);

  std::unique_ptr<State> state_;
};

struct AgeReadOptions {
  enum class Form { kEither, kBinary, kArmored };
  Form form = Form::kEither;
  // More work than this is refused (kTooLarge), since the number comes from the file: n asks for
  // 2^n KiB.
  int scrypt_log_n_max = kAgeScryptLogNMax;
};

// Decrypts a stream in constant memory. What it gives out is authenticated; that it is all there is
// is known at the end, so what was read before an error is a true beginning and no more.
//
// Errors: kWrongKey when no identity opens the file, and nothing else is wrong with it as far as
// anyone without its key can tell; kDataLoss for what is damaged, cut, or followed by something;
// those of the source as they come. Errors repeat. Confined to its owner.
class AgeReader {
 public:
  // Reads the header and checks its MAC. `identities` are not kept.
  static Result<AgeReader> open(Source source, std::span<const AgeIdentity> identities,
                                const AgeReadOptions& options = {});
  ~AgeReader();
  AgeReader(AgeReader&&) noexcept;
  AgeReader& operator=(AgeReader&&) noexcept;

  // Bytes put at the start of `out`, 0 at the end: a Source.
  Result<std::size_t> read(std::span<std::byte> out);
  // What `read` would give next, up to a chunk of it, without a copy: empty at the end. Valid until
  // the next call.
  Result<std::span<const std::byte>> next();

 private:
  struct State;
  explicit AgeReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Whole files in memory.
Result<std::string> age_encrypt(env::Random& random, std::span<const AgeRecipient> recipients,
                                std::string_view plain, const AgeWriteOptions& options = {});
Result<std::string> age_decrypt(std::string_view file, std::span<const AgeIdentity> identities,
                                const AgeReadOptions& options = {});

// As age_decrypt for what holds keys itself, such as a file of identities under a passphrase.
// kTooLarge beyond kAgeSecretMax.
constexpr std::size_t kAgeSecretMax = 1 << 20;
Result<Secret> age_decrypt_secret(std::string_view file, std::span<const AgeIdentity> identities,
                                  const AgeReadOptions& options = {});

}  // namespace dsl::archive
