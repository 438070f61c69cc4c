#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "dsl/archive/age.h"
#include "dsl/archive/age_header.h"
#include "dsl/archive/age_stanzas.h"
#include "dsl/archive/armor.h"
#include "dsl/archive/crypto.h"

namespace dsl::archive {

namespace {

constexpr std::size_t kNonceBytes = 16;

Secret make_file_key(env::Random& random) {
  Secret file_key = Secret::zeroed(kFileKeyBytes);
  random.fill(file_key.expose_mutable());
  return file_key;
}

// Enough for most files, so that they are not moved while they grow.
std::size_t size_guess(std::size_t recipients, std::size_t plain_bytes, bool armor) {
  const std::size_t chunks = plain_bytes / kAgeChunkBytes + 1;
  const std::size_t bytes = 128 + recipients * 128 + plain_bytes + chunks * kTagBytes;
  return armor ? bytes / 48 * 65 + 256 : bytes;
}

}  // namespace

// The last chunk is marked as such, so a full one is kept until it is known that more follows.
struct AgeWriter::State {
  State(const Secret& payload_key, Sink to)
      : cipher(ChunkCipher::Use::kSeal, payload_key), sink(std::move(to)) {}
  ~State() { wipe(held); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> put(std::span<const std::byte> plain, bool last) {
    const std::span<std::byte> out = std::span(sealed).first(plain.size() + kTagBytes);
    cipher.seal(counter++, last, plain, out);
    auto written = give(out);
    broken = broken || !written;
    return written;
  }

  Result<void> give(std::span<const std::byte> bytes) {
    return armor ? armor->write(bytes) : sink(bytes);
  }

  ChunkCipher cipher;
  Sink sink;
  std::optional<ArmorWriter> armor;  // writes to sink
  std::uint64_t counter = 0;
  bool broken = false;  // the sink has failed
  bool finished = false;
  std::size_t held_size = 0;
  std::vector<std::byte> held = std::vector<std::byte>(kAgeChunkBytes);
  std::vector<std::byte> sealed = std::vector<std::byte>(kAgeChunkBytes + kTagBytes);
};

AgeWriter::AgeWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
AgeWriter::~AgeWriter() = default;
AgeWriter::AgeWriter(AgeWriter&&) noexcept = default;
AgeWriter& AgeWriter::operator=(AgeWriter&&) noexcept = default;

Result<AgeWriter> AgeWriter::begin(env::Random& random, std::span<const AgeRecipient> recipients,
                                   Sink sink, const AgeWriteOptions& options) {
  if (recipients.empty() || recipients.size() > kAgeKeysMax) {
    return fail(Code::kInvalidArgument, "a file has 1 to {} recipients, not {}", kAgeKeysMax,
                recipients.size());
  }
  const Secret file_key = make_file_key(random);
  std::vector<Stanza> stanzas;
  for (const AgeRecipient& recipient : recipients) {
    MC_ASSIGN(Stanza stanza, wrap_for(random, recipient, file_key));
    stanzas.push_back(std::move(stanza));
  }
  return start(random, write_header(stanzas, file_key), file_key, std::move(sink), options);
}

Result<AgeWriter> AgeWriter::begin_with_passphrase(env::Random& random, const Secret& passphrase,
                                                   Sink sink, const AgeWriteOptions& options) {
  if (options.scrypt_log_n < 1 || options.scrypt_log_n > kAgeScryptLogNMax) {
    return fail(Code::kInvalidArgument, "the work factor {} is not within 1 and {}",
                options.scrypt_log_n, kAgeScryptLogNMax);
  }
  const Secret file_key = make_file_key(random);
  MC_ASSIGN(const Stanza stanza, wrap_under(random, passphrase, options.scrypt_log_n, file_key));
  return start(random, write_header({&stanza, 1}, file_key), file_key, std::move(sink), options);
}

Result<AgeWriter> AgeWriter::start(env::Random& random, const std::string& header,
                                   const Secret& file_key, Sink sink,
                                   const AgeWriteOptions& options) {
  std::array<std::byte, kNonceBytes> nonce;
  random.fill(nonce);
  const Secret payload_key = hkdf_sha256(file_key.expose(), nonce, "payload");
  auto state = std::make_unique<State>(payload_key, std::move(sink));
  if (options.armor) {
    state->armor.emplace(state->sink);
  }
  const std::string start =
      header + std::string(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  MC_TRY(state->give(std::as_bytes(std::span(start))));
  return AgeWriter(std::move(state));
}

Result<void> AgeWriter::write(std::span<const std::byte> plain) {
  State& state = *state_;
  MC_ASSERT(!state.finished, "nothing follows the last chunk");
  if (state.broken) {
    return fail(Code::kFailedPrecondition, "the encrypted stream has failed before");
  }
  while (!plain.empty()) {
    if (state.held_size == kAgeChunkBytes) {
      MC_TRY(state.put(state.held, false));
      state.held_size = 0;
    }
    // What is not the end of the caller's bytes is sealed from where it lies.
    if (state.held_size == 0 && plain.size() > kAgeChunkBytes) {
      MC_TRY(state.put(plain.first(kAgeChunkBytes), false));
      plain = plain.subspan(kAgeChunkBytes);
      continue;
    }
    const std::size_t size = std::min(plain.size(), kAgeChunkBytes - state.held_size);
    std::memcpy(state.held.data() + state.held_size, plain.data(), size);
    state.held_size += size;
    plain = plain.subspan(size);
  }
  return {};
}

Result<void> AgeWriter::finish() {
  State& state = *state_;
  MC_ASSERT(!state.finished, "finish is called once");
  if (state.broken) {
    return fail(Code::kFailedPrecondition, "the encrypted stream has failed before");
  }
  state.finished = true;
  MC_TRY(state.put(std::span(state.held).first(state.held_size), true));
  return state.armor ? state.armor->finish() : Result<void>();
}

Result<std::string> age_encrypt(env::Random& random, std::span<const AgeRecipient> recipients,
                                std::string_view plain, const AgeWriteOptions& options) {
  std::string file;
  file.reserve(size_guess(recipients.size(), plain.size(), options.armor));
  MC_ASSIGN(AgeWriter writer, AgeWriter::begin(random, recipients, append_to(file), options));
  MC_TRY(writer.write(std::as_bytes(std::span(plain))));
  MC_TRY(writer.finish());
  return file;
}

}  // namespace dsl::archive
