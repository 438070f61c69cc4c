#include "dsl/replica/envelope.h"

#include <utility>

#include "dsl/archive/buffered_source.h"
#include "dsl/archive/zstd_stream.h"
#include "dsl/replica/format.h"

namespace dsl::replica {
namespace {

// RFC 8878 section 3.1.1.
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
constexpr std::byte kLineEnd{'\n'};

}  // namespace

struct ObjectWriter::State {
  std::optional<archive::AgeWriter> age;
  std::optional<archive::ZstdWriter> zstd;
};

ObjectWriter::ObjectWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectWriter::ObjectWriter(ObjectWriter&&) noexcept = default;
ObjectWriter::~ObjectWriter() = default;

Result<ObjectWriter> ObjectWriter::begin(env::Random& random, const Recipients& recipients,
                                         archive::Sink sink, std::string_view line) {
  auto state = std::make_unique<State>();
  archive::Sink compressed = std::move(sink);
  if (!recipients.empty()) {
    MC_ASSIGN(state->age, archive::AgeWriter::begin(random, recipients, std::move(compressed)));
    compressed = [age = &*state->age](std::span<const std::byte> bytes) {
      return age->write(bytes);
    };
  }
  MC_ASSIGN(state->zstd, archive::ZstdWriter::begin(std::move(compressed)));
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
  return state_->age ? state_->age->finish() : Result<void>();
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
