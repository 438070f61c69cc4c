#include "dsl/replica/envelope.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dsl/archive/buffered_source.h"
#include "dsl/archive/zstd_stream.h"
#include "dsl/hash/sha256.h"
#include "dsl/replica/format.h"

namespace dsl::replica {
namespace {

// RFC 8878 section 3.1.1.
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
constexpr std::byte kLineEnd{'\n'};

// Section 3.1.2: a frame that every reader skips. Ours is the last, and holds the SHA-256 of all
// bytes before it: a flipped bit may unpack to the same content, and is to be reported all the
// same.
constexpr std::size_t kDigestBytes = 32;
constexpr std::array<std::byte, 8> kTrailerHead = {
    std::byte{0x50},         std::byte{0x2a}, std::byte{0x4d}, std::byte{0x18},
    std::byte{kDigestBytes}, std::byte{0},    std::byte{0},    std::byte{0}};
constexpr std::size_t kTrailerBytes = kTrailerHead.size() + kDigestBytes;
constexpr std::size_t kPieceBytes = 64u << 10;

std::vector<std::byte> trailer_of(Sha256& hash) {
  std::vector<std::byte> trailer(kTrailerHead.begin(), kTrailerHead.end());
  const std::string digits = hash.finish();
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    trailer.push_back(static_cast<std::byte>(std::stoi(digits.substr(at, 2), nullptr, 16)));
  }
  return trailer;
}

// Gives what lies before the trailer, and at the end compares it with that.
class TrailedSource {
 public:
  explicit TrailedSource(archive::Source inner) : inner_(std::move(inner)) {}

  Result<std::size_t> read(std::span<std::byte> out) {
    while (!ended_ && held_.size() <= kTrailerBytes) {
      const std::size_t before = held_.size();
      held_.resize(before + kPieceBytes);
      MC_ASSIGN(const std::size_t size, inner_(std::span(held_).subspan(before)));
      held_.resize(before + size);
      ended_ = size == 0;
    }
    if (held_.size() > kTrailerBytes) {
      const std::size_t size = std::min(out.size(), held_.size() - kTrailerBytes);
      const auto part = std::span(held_).first(size);
      hash_.add(part);
      std::copy(part.begin(), part.end(), out.begin());
      held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(size));
      return size;
    }
    if (held_ != trailer_of(hash_)) {
      return fail(Code::kDataLoss, "its bytes are not those that were written");
    }
    return 0;
  }

 private:
  archive::Source inner_;
  std::vector<std::byte> held_;
  Sha256 hash_;
  bool ended_ = false;
};

}  // namespace

struct ObjectWriter::State {
  archive::Sink sink;
  std::optional<Sha256> hash;  // of what is written in the clear
  std::optional<archive::AgeWriter> age;
  std::optional<archive::ZstdWriter> zstd;
};

ObjectWriter::ObjectWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectWriter::ObjectWriter(ObjectWriter&&) noexcept = default;
ObjectWriter::~ObjectWriter() = default;

Result<ObjectWriter> ObjectWriter::begin(env::Random& random, const Recipients& recipients,
                                         archive::Sink sink, std::string_view line,
                                         int zstd_level) {
  auto state = std::make_unique<State>();
  state->sink = std::move(sink);
  archive::Sink compressed;
  if (recipients.empty()) {
    state->hash.emplace();
    compressed = [out = state.get()](std::span<const std::byte> bytes) {
      out->hash->add(bytes);
      return out->sink(bytes);
    };
  } else {
    MC_ASSIGN(state->age, archive::AgeWriter::begin(random, recipients, state->sink));
    compressed = [age = &*state->age](std::span<const std::byte> bytes) {
      return age->write(bytes);
    };
  }
  MC_ASSIGN(state->zstd, archive::ZstdWriter::begin(std::move(compressed), {.level = zstd_level}));
  ObjectWriter writer(std::move(state));
  MC_TRY(writer.write(std::as_bytes(std::span(line))));
  MC_TRY(writer.write(std::span(&kLineEnd, 1)));
  return writer;
}

Result<void> ObjectWriter::write(std::span<const std::byte> payload) {
  return state_->zstd->write(payload);
}

Result<void> ObjectWriter::finish() {
  MC_TRY(state_->zstd->finish());
  return state_->age ? state_->age->finish() : state_->sink(trailer_of(*state_->hash));
}

struct ObjectReader::State {
  std::optional<archive::AgeReader> age;
  std::optional<archive::ZstdReader> zstd;
  std::optional<archive::BufferedSource> plain;
  std::string line;
};

ObjectReader::ObjectReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;
ObjectReader::~ObjectReader() = default;

Result<ObjectReader> ObjectReader::open(archive::Source source, const Identities& identities) {
  auto state = std::make_unique<State>();
  auto outer = std::make_shared<archive::BufferedSource>(std::move(source));
  MC_ASSIGN(const std::string_view magic, outer->peek(kZstdMagic.size()));
  const bool encrypted = magic != kZstdMagic;
  archive::Source compressed = [outer](std::span<std::byte> out) { return outer->fill(out); };
  if (encrypted) {
    if (identities.empty()) {
      return fail(Code::kFailedPrecondition, "the replica is encrypted")
          .hint("give the file of an age identity that opens it: --identity FILE");
    }
    MC_ASSIGN(state->age, archive::AgeReader::open(std::move(compressed), identities));
    compressed = [age = &*state->age](std::span<std::byte> out) { return age->read(out); };
  } else {
    auto trailed = std::make_shared<TrailedSource>(std::move(compressed));
    compressed = [trailed](std::span<std::byte> out) { return trailed->read(out); };
  }
  state->zstd.emplace(std::move(compressed));
  state->plain.emplace(
      [zstd = &*state->zstd](std::span<std::byte> out) { return zstd->read(out); });
  MC_ASSIGN(std::string_view line, state->plain->line(kHeaderBytesMax));
  if (!line.ends_with('\n')) {
    return fail(Code::kDataLoss, "its header is cut off");
  }
  line.remove_suffix(1);
  state->line = line;
  return ObjectReader(std::move(state));
}

const std::string& ObjectReader::line() const { return state_->line; }

Result<std::size_t> ObjectReader::read(std::span<std::byte> out) {
  return state_->plain->fill(out);
}

}  // namespace dsl::replica
