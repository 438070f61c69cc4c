#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "dsl/archive/age.h"
#include "dsl/archive/age_header.h"
#include "dsl/archive/age_stanzas.h"
#include "dsl/archive/armor.h"
#include "dsl/archive/buffered_source.h"
#include "dsl/archive/crypto.h"

namespace dsl::archive {

namespace {

constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kSealedChunkBytes = kAgeChunkBytes + kTagBytes;

Failure cut() {
  return fail(Code::kDataLoss, "age payload: the file ends before its last chunk")
      .hint("the file was cut: fetch it again");
}

// Whether armor comes, perhaps behind white space; a binary file never starts with either.
Result<bool> looks_armored(BufferedSource& input) {
  MC_ASSIGN(const std::string_view start, input.peek(kArmorSpaceMax + kArmorBegin.size()));
  const std::size_t text = start.find_first_not_of(" \t\r\n");
  return text != std::string_view::npos && start.substr(text).starts_with("-----");
}

}  // namespace

struct AgeReader::State {
  explicit State(Source source) : file(std::move(source)) {}
  ~State() { wipe(plain); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> choose_form(AgeReadOptions::Form form) {
    bool armored = form == AgeReadOptions::Form::kArmored;
    if (form == AgeReadOptions::Form::kEither) {
      MC_ASSIGN(armored, looks_armored(file));
    }
    if (armored) {
      armor.emplace(file);
      armored_file.emplace([this](std::span<std::byte> out) { return armor->read(out); });
    }
    return {};
  }
  BufferedSource& input() { return armored_file ? *armored_file : file; }

  Result<void> start(const Secret& file_key) {
    std::array<std::byte, kNonceBytes> nonce;
    MC_ASSIGN(const std::size_t size, input().fill(nonce));
    if (size != nonce.size()) {
      return fail(Code::kDataLoss, "age header: the file ends inside the nonce behind it")
          .hint("the file was cut: fetch it again");
    }
    cipher.emplace(ChunkCipher::Use::kOpen, hkdf_sha256(file_key.expose(), nonce, "payload"));
    return {};
  }

  // Puts the next chunk into `plain`. A full chunk may be the last one or not, and only its tag
  // tells; a shorter one must be.
  Result<void> read_chunk() {
    ready = {};
    if (last_seen) {
      return {};
    }
    MC_ASSIGN(const std::size_t size, input().fill(sealed));
    const std::span<const std::byte> chunk = std::span(sealed).first(size);
    const bool full = size == kSealedChunkBytes;
    // Only an empty file has an empty chunk.
    if (size < kTagBytes || (size == kTagBytes && counter > 0)) {
      return size == 0 ? cut() : damaged();
    }
    const std::span<std::byte> out = std::span(plain).first(size - kTagBytes);
    if (!(full && cipher->open(counter, false, chunk, out))) {
      if (!cipher->open(counter, true, chunk, out)) {
        wipe(out);
        return damaged();
      }
      last_seen = true;
      if (full) {
        after_last = expect_end();
      }
    }
    ++counter;
    ready = out;
    return {};
  }

  Failure damaged() const {
    return fail(Code::kDataLoss, "age payload: chunk {}, from byte {} of the plaintext, is damaged",
                counter, counter * kAgeChunkBytes)
        .hint("fetch the file again, or use another copy");
  }

  // The chunk before it is authentic whatever comes: it is given out before the error.
  Result<void> expect_end() {
    MC_ASSIGN(const std::string_view rest, input().peek(1));
    if (!rest.empty()) {
      return fail(Code::kDataLoss, "age payload: something follows the last chunk");
    }
    return {};
  }

  BufferedSource file;
  std::optional<ArmorReader> armor;            // reads file
  std::optional<BufferedSource> armored_file;  // reads armor
  std::optional<ChunkCipher> cipher;
  std::uint64_t counter = 0;
  bool last_seen = false;
  Result<void> after_last;           // what is said once the last chunk is given out
  std::optional<Error> error;        // what every further read says
  std::span<const std::byte> ready;  // of plain: not given out yet
  std::vector<std::byte> sealed = std::vector<std::byte>(kSealedChunkBytes);
  std::vector<std::byte> plain = std::vector<std::byte>(kAgeChunkBytes);
};

AgeReader::AgeReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
AgeReader::~AgeReader() = default;
AgeReader::AgeReader(AgeReader&&) noexcept = default;
AgeReader& AgeReader::operator=(AgeReader&&) noexcept = default;

Result<AgeReader> AgeReader::open(Source source, std::span<const AgeIdentity> identities,
                                  const AgeReadOptions& options) {
  auto state = std::make_unique<State>(std::move(source));
  MC_TRY(state->choose_form(options.form));
  MC_ASSIGN(const AgeHeader header, read_header(state->input()));
  MC_ASSIGN(const Secret file_key, unwrap(header.stanzas, identities, options.scrypt_log_n_max));
  if (!equal(header_mac(header.authenticated, file_key), header.mac)) {
    return fail(Code::kDataLoss, "age header: it was changed after it was made: its MAC is another")
        .hint("fetch the file again, or use another copy");
  }
  MC_TRY(state->start(file_key));
  return AgeReader(std::move(state));
}

Result<std::span<const std::byte>> AgeReader::next() {
  State& state = *state_;
  if (state.error) {
    return fail(*state.error);
  }
  if (state.ready.empty()) {
    auto read = state.last_seen ? state.after_last : state.read_chunk();
    if (!read) {
      state.error = read.error();
      return fail(std::move(read.error()));
    }
  }
  return std::exchange(state.ready, {});
}

Result<std::size_t> AgeReader::read(std::span<std::byte> out) {
  MC_ASSERT(!out.empty(), "a source is given room");
  MC_ASSIGN(const std::span<const std::byte> chunk, next());
  const std::size_t size = std::min(out.size(), chunk.size());
  if (size > 0) {
    std::memcpy(out.data(), chunk.data(), size);
  }
  state_->ready = chunk.subspan(size);
  return size;
}

Result<std::string> age_decrypt(std::string_view file, std::span<const AgeIdentity> identities,
                                const AgeReadOptions& options) {
  MC_ASSIGN(AgeReader reader, AgeReader::open(source_of(file), identities, options));
  std::string plain;
  plain.reserve(file.size());
  while (true) {
    MC_ASSIGN(const std::span<const std::byte> chunk, reader.next());
    if (chunk.empty()) {
      return plain;
    }
    plain.append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
  }
}

Result<Secret> age_decrypt_secret(std::string_view file, std::span<const AgeIdentity> identities,
                                  const AgeReadOptions& options) {
  MC_ASSIGN(AgeReader reader, AgeReader::open(source_of(file), identities, options));
  Secret room = Secret::zeroed(std::min(file.size(), kAgeSecretMax));  // ciphertext is longer
  MC_ASSIGN(
      const std::size_t size,
      read_full([&](std::span<std::byte> out) { return reader.read(out); }, room.expose_mutable()));
  MC_ASSIGN(const std::span<const std::byte> rest, reader.next());
  if (!rest.empty()) {
    return fail(Code::kTooLarge, "the file holds more than {} bytes", kAgeSecretMax);
  }
  return Secret::from(room.expose().first(size));
}

}  // namespace dsl::archive
