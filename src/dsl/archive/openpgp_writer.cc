#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "dsl/archive/openpgp.h"
#include "dsl/archive/openpgp_armor.h"
#include "dsl/archive/openpgp_cipher.h"
#include "dsl/archive/openpgp_packets.h"
#include "dsl/archive/openpgp_session.h"
#include "dsl/env/env.h"

namespace dsl::archive {

namespace {

constexpr std::uint64_t kS2kBytesMin = 1024, kS2kBytesMax = 65'011'712;  // section 3.7.1.3

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Section 4.2: the new format.
std::string head(int tag) { return {static_cast<char>(0xC0 | tag)}; }

// Sends a body of unknown length in parts, section 4.2.2.4.
class PartWriter {
 public:
  explicit PartWriter(Sink sink) : sink_(std::move(sink)) { part_.reserve(kPgpPartBytes + 1); }
  ~PartWriter() { wipe(part_); }
  PartWriter(const PartWriter&) = delete;
  PartWriter& operator=(const PartWriter&) = delete;

  Result<void> write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      if (part_.empty()) {
        part_.push_back(kPgpPartLength);
      }
      const auto taken = bytes.first(std::min(bytes.size(), kPgpPartBytes + 1 - part_.size()));
      part_.insert(part_.end(), taken.begin(), taken.end());
      bytes = bytes.subspan(taken.size());
      if (part_.size() == kPgpPartBytes + 1) {
        MC_TRY(sink_(part_));
        part_.clear();
      }
    }
    return {};
  }

  // The last part, which is shorter and may be empty.
  Result<void> finish() {
    const auto rest = std::span(part_).subspan(part_.empty() ? 0 : 1);
    MC_TRY(sink_(bytes_of(pgp_length(rest.size()))));
    return rest.empty() ? Result<void>() : sink_(rest);
  }

 private:
  Sink sink_;
  std::vector<std::byte> part_;  // its length, then its bytes
};

}  // namespace

struct OpenPgpWriter::State {
  State(Sink to, bool armored)
      : sink(std::move(to)),
        protected_body([this](auto bytes) { return put(bytes); }),
        literal_body([this](auto bytes) { return seal(bytes); }) {
    if (armored) {
      armor.emplace(sink);
    }
  }
  ~State() { wipe(sealing); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> put(std::span<const std::byte> bytes) {
    return armor ? armor->write(bytes) : sink(bytes);
  }

  // Encrypts, and takes into the modification detection code.
  Result<void> seal(std::span<const std::byte> plain) {
    mdc.add(plain);
    return seal_only(plain);
  }
  Result<void> seal_only(std::span<const std::byte> plain) {
    sealing.assign(plain.begin(), plain.end());
    cipher->apply(sealing);
    return protected_body.write(sealing);
  }

  Result<void> start(env::Random& random, const Secret& passphrase, std::uint64_t s2k_bytes) {
    PgpS2k s2k;
    random.fill(s2k.salt);
    const std::uint8_t count = pgp_count_octet(s2k_bytes);
    s2k.hashed_bytes = pgp_count_of(count);
    const auto key = s2k.derive(passphrase, pgp_key_bytes(kPgpAes256));
    MC_ASSERT(key, "SHA-256 is supported");
    cipher.emplace(PgpCfb::Use::kSeal, *key);

    // Section 5.3: version, cipher, iterated and salted.
    std::string fields{4, static_cast<char>(kPgpAes256), 3, static_cast<char>(kPgpSha256)};
    fields.append(reinterpret_cast<const char*>(s2k.salt.data()), s2k.salt.size());
    fields += static_cast<char>(count);
    MC_TRY(put(bytes_of(head(kPgpKeyForPassphrase) + pgp_length(fields.size()) + fields +
                        head(kPgpProtected))));
    MC_TRY(protected_body.write(std::array{std::byte{1}}));  // section 5.13: version

    // A block of random bytes, its last two once more, to tell a wrong key by.
    std::array<std::byte, kPgpBlockBytes + 2> prefix;
    random.fill(std::span(prefix).first(kPgpBlockBytes));
    std::copy_n(prefix.begin() + kPgpBlockBytes - 2, 2, prefix.begin() + kPgpBlockBytes);
    MC_TRY(seal(prefix));
    // Section 5.9: binary, without a name and a date.
    MC_TRY(seal(bytes_of(head(kPgpLiteral))));
    return literal_body.write(bytes_of(std::string_view("b\0\0\0\0\0", 6)));
  }

  Result<void> end() {
    MC_TRY(literal_body.finish());
    // Section 5.14: the code covers the head of its own packet.
    MC_TRY(seal(std::array{std::byte{0xD3}, std::byte{20}}));
    MC_TRY(seal_only(mdc.finish()));
    MC_TRY(protected_body.finish());
    return armor ? armor->finish() : Result<void>();
  }

  Result<void> check() const {
    MC_ASSERT(!finished, "nothing follows the end");
    if (broken) {
      return fail(Code::kFailedPrecondition, "the OpenPGP stream has failed before");
    }
    return {};
  }
  Result<void> done(Result<void> result) {
    broken = !result;
    return result;
  }

  Sink sink;
  std::optional<PgpArmorWriter> armor;
  std::optional<PgpCfb> cipher;
  PgpSha1 mdc;
  std::vector<std::byte> sealing;
  PartWriter protected_body;  // encrypted
  PartWriter literal_body;    // plain; its parts are encrypted into the other
  bool broken = false;
  bool finished = false;
};

OpenPgpWriter::OpenPgpWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpenPgpWriter::~OpenPgpWriter() = default;
OpenPgpWriter::OpenPgpWriter(OpenPgpWriter&&) noexcept = default;
OpenPgpWriter& OpenPgpWriter::operator=(OpenPgpWriter&&) noexcept = default;

Result<OpenPgpWriter> OpenPgpWriter::begin(const Secret& passphrase, Sink sink,
                                           const OpenPgpWriteOptions& options) {
  MC_TRY(check_pgp_passphrase(passphrase));
  if (options.s2k_bytes < kS2kBytesMin || options.s2k_bytes > kS2kBytesMax) {
    return fail(Code::kInvalidArgument, "OpenPGP: a passphrase is not stretched over {} bytes",
                options.s2k_bytes)
        .hint(text("take {} to {}", kS2kBytesMin, kS2kBytesMax));
  }
  env::Random& random = options.random != nullptr ? *options.random : env::system_env().random();
  auto state = std::make_unique<State>(std::move(sink), options.armor);
  MC_TRY(state->start(random, passphrase, options.s2k_bytes));
  return OpenPgpWriter(std::move(state));
}

Result<void> OpenPgpWriter::write(std::span<const std::byte> plain) {
  MC_TRY(state_->check());
  return state_->done(state_->literal_body.write(plain));
}

Result<void> OpenPgpWriter::finish() {
  MC_TRY(state_->check());
  auto ended = state_->done(state_->end());
  state_->finished = ended.has_value();
  return ended;
}

}  // namespace dsl::archive
