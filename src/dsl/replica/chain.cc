#include "dsl/replica/chain.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include "dsl/hash/sha256.h"
#include "dsl/replica/sync_tail.h"

namespace dsl::replica {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;
constexpr int kListTriesMax = 20;
constexpr std::size_t kClosedBytesMax = 64u << 10;
constexpr std::uint64_t kTimeMaxMs = std::uint64_t{1} << 53;

using OnBytes = std::function<Result<void>(std::span<const std::byte>)>;

// Reads the payload and compares it with what the header says of it.
Result<void> read_payload(ObjectReader& reader, std::uint64_t length, const std::string& sha256,
                          const OnBytes& bytes) {
  std::vector<std::byte> piece(kPieceBytes);
  Sha256 hash;
  std::uint64_t total = 0;
  while (true) {
    MC_ASSIGN(const std::size_t size, reader.read(piece));
    if (size == 0) {
      break;
    }
    const auto part = std::span(piece).first(size);
    hash.add(part);
    total += size;
    if (total > length) {
      break;
    }
    MC_TRY(bytes(part));
  }
  if (total != length || hash.finish() != sha256) {
    return fail(Code::kDataLoss, "its content is not what its header says");
  }
  return {};
}

Result<std::string> read_record(Store& store, const ObjectName& tail, std::size_t record) {
  MC_ASSIGN(const archive::Source source, store.get(tail.name()));
  MC_ASSIGN(auto tail_read, read_tail(source));
  if (record >= tail_read.records.size()) {
    return fail(Code::kDataLoss, "it has no record {}", record);
  }
  return std::move(tail_read.records[record]);
}

Result<ObjectReader> open_object(Store& store, const ObjectName& name,
                                 const Identities& identities) {
  MC_ASSIGN(archive::Source source, store.get(name.name()));
  return ObjectReader::open(std::move(source), identities);
}

// Drops the first bytes of what comes through.
class Skip {
 public:
  Skip(std::uint64_t count, const OnBytes& bytes) : count_(count), bytes_(bytes) {}
  Result<void> operator()(std::span<const std::byte> part) {
    const auto dropped = static_cast<std::size_t>(std::min<std::uint64_t>(count_, part.size()));
    count_ -= dropped;
    return dropped == part.size() ? Result<void>() : bytes_(part.subspan(dropped));
  }

 private:
  std::uint64_t count_;
  const OnBytes& bytes_;
};

// Follows a chain object by object. What does not fit is an error, and ends it.
class Follower {
 public:
  Follower(Store& store, const Identities& identities, Chain& chain, std::string digest)
      : store_(store), identities_(identities), chain_(chain), digest_(std::move(digest)) {}

  Result<void> take_segment(const ObjectName& name) {
    MC_ASSIGN(ObjectReader reader, open_object(store_, name, identities_));
    MC_ASSIGN(const SegmentHeader header, parse_segment_header(reader.line()));
    MC_TRY(check_name(name, header));
    if (header.previous != digest_) {
      return fail(Code::kDataLoss, "it does not follow the object before it");
    }
    MC_TRY(take({.object = name, .header = header}, reader));
    digest_ = sha256_hex(reader.line());
    return {};
  }

  // The records of a tail that go on where the chain stands.
  Result<void> take_tail(const ObjectName& name, bool last) {
    MC_ASSIGN(const archive::Source source, store_.get(name.name()));
    MC_ASSIGN(const Tail tail, read_tail(source));
    chain_.torn = chain_.torn || (tail.torn && last);
    for (std::size_t i = 0; i < tail.records.size(); ++i) {
      const auto taken = take_record(name, i, tail.records[i]);
      if (!taken && last && i + 1 == tail.records.size()) {
        chain_.torn = true;
        return {};
      }
      MC_TRY(taken);
    }
    return {};
  }

  // Whether the chain reaches as far as the epoch did.
  bool reaches(const EpochSummary::End& end) const {
    return std::tuple(generation_, frames_.offset()) >= std::tuple(end.generation, end.offset) ||
           (end.offset == 0 && generation_ + 1 == end.generation &&
            frames_.offset() == end.log_before) ||
           (end.offset == 0 && end.generation == 1);
  }

  env::WallTime last_time() const { return last_time_; }
  void start_at(env::WallTime time) { last_time_ = time; }

 private:
  Result<void> check_name(const ObjectName& name, const SegmentHeader& header) const {
    if (header.epoch != name.epoch.name() || header.generation != name.generation ||
        header.offset != name.offset || header.database != chain_.base.database) {
      return fail(Code::kDataLoss, "it is another object under this name");
    }
    return {};
  }

  Result<void> take_record(const ObjectName& name, std::size_t index, const std::string& record) {
    MC_ASSIGN(ObjectReader reader, ObjectReader::open(archive::source_of(record), identities_));
    MC_ASSIGN(const SegmentHeader header, parse_segment_header(reader.line()));
    if (header.epoch != name.epoch.name() || header.generation != name.generation ||
        header.database != chain_.base.database) {
      return fail(Code::kDataLoss, "record {} is of another object", index);
    }
    const bool known = header.generation < generation_ ||
                       (header.generation == generation_ && header.end() <= frames_.offset());
    return known ? Result<void>()
                 : take({.object = name, .record = index, .header = header}, reader);
  }

  Result<void> take(ChainPiece piece, ObjectReader& reader) {
    const SegmentHeader& header = piece.header;
    if (header.generation == generation_ + 1 && header.offset == 0 && generation_ > 0) {
      if (header.log_before != frames_.offset()) {
        return fail(Code::kDataLoss, "the end of generation {} is missing", generation_);
      }
      frames_.start_over();
      generation_ = header.generation;
    }
    generation_ = std::max(generation_, std::uint32_t{1});
    if (header.generation != generation_ || header.offset > frames_.offset()) {
      return fail(Code::kDataLoss, "what comes before it is missing");
    }
    piece.from = frames_.offset();
    const OnBytes feed = [&](std::span<const std::byte> bytes) {
      return frames_.feed(bytes, [](const WalFrame&, std::uint64_t) { return Result<void>(); });
    };
    MC_TRY(
        read_payload(reader, header.length, header.sha256, Skip(piece.from - header.offset, feed)));
    if (!frames_.between_frames() || frames_.header().salts != header.salts ||
        frames_.header().page_bytes != header.page_bytes ||
        header.page_bytes != chain_.base.page_bytes) {
      return fail(Code::kDataLoss, "its content is not what its header says");
    }
    last_time_ = header.commits.back().time;
    chain_.pieces.push_back(std::move(piece));
    return {};
  }

  Store& store_;
  const Identities& identities_;
  Chain& chain_;
  std::string digest_;  // of the header line before
  std::uint32_t generation_ = 0;
  FrameReader frames_;
  env::WallTime last_time_{};
};

// The first commit behind a break, by the first header there that can be read.
std::optional<env::WallTime> first_commit_in(Store& store, const Identities& identities,
                                             std::span<const ObjectName> objects) {
  for (const ObjectName& name : objects) {
    if (name.kind != ObjectKind::kSegment) {
      continue;
    }
    const auto reader = open_object(store, name, identities);
    const auto header = reader ? parse_segment_header(reader->line()) : Result<SegmentHeader>();
    if (reader && header && !header->commits.empty()) {
      return header->commits.front().time;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_in(const boost::json::object& note, std::string_view name) {
  const auto* value = note.if_contains(name);
  const auto* number = value == nullptr ? nullptr : value->if_int64();
  return number == nullptr || *number < 0 ? std::nullopt
                                          : std::optional(static_cast<std::uint64_t>(*number));
}

// One pass. `vanished` tells that an object was listed and is not there: a service that follows its
// database has replaced it meanwhile.
Result<Chain> read_once(Store& store, const EpochSummary& epoch, const Identities& identities,
                        const ChainProgress& progress, bool& vanished) {
  Chain chain{.epoch = epoch.epoch};
  const ObjectName base{.epoch = epoch.epoch};
  const auto in_base = [&](Error error) {
    return Failure(std::move(error.add_context(store.place() + "/" + base.name())));
  };
  auto reader = open_object(store, base, identities);
  if (!reader) {
    return in_base(reader.error());
  }
  auto header = parse_base_header(reader->line());
  if (!header) {
    return in_base(header.error());
  }
  chain.base = *std::move(header);
  if (chain.base.epoch != epoch.epoch.name()) {
    return in_base(Error(Code::kDataLoss, "it is another object under this name"));
  }
  const auto read = read_payload(*reader, chain.base.length, chain.base.sha256,
                                 [](std::span<const std::byte>) { return Result<void>(); });
  if (!read) {
    return in_base(read.error());
  }

  // Segments first: a tail holds only what no segment does, or the same.
  std::vector<ObjectName> objects = epoch.objects;
  std::stable_partition(objects.begin(), objects.end(),
                        [](const ObjectName& name) { return name.kind == ObjectKind::kSegment; });
  Follower follower(store, identities, chain, sha256_hex(reader->line()));
  follower.start_at(chain.base.time);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (progress) {
      progress(i, objects.size());
    }
    const bool last = i + 1 == objects.size();
    const auto taken = objects[i].kind == ObjectKind::kSegment
                           ? follower.take_segment(objects[i])
                           : follower.take_tail(objects[i], last);
    if (taken) {
      continue;
    }
    vanished = taken.error().code() == Code::kNotFound;
    const auto behind = std::span(objects).subspan(i + 1);
    chain.broken = ChainBreak{.object = objects[i].name(),
                              .why = taken.error().message(),
                              .after = follower.last_time(),
                              .before = first_commit_in(store, identities, behind),
                              .objects_behind = behind.size()};
    return chain;
  }
  if (epoch.closed_end && !follower.reaches(*epoch.closed_end)) {
    chain.broken =
        ChainBreak{.object = ObjectName{.epoch = epoch.epoch, .kind = ObjectKind::kClosed}.name(),
                   .why = text("the epoch went on to byte {} of generation {}, and that is missing",
                               epoch.closed_end->offset, epoch.closed_end->generation),
                   .after = follower.last_time()};
  }
  return chain;
}

}  // namespace

void read_closing_note(std::string_view content, EpochSummary& summary) {
  summary.closed = "for a reason that cannot be read";
  boost::system::error_code error;
  const auto value = boost::json::parse(content, error);
  const auto* note = error ? nullptr : value.if_object();
  if (note == nullptr) {
    return;
  }
  const auto* reason = note->if_contains("reason");
  if (reason != nullptr && reason->is_string()) {
    summary.closed = std::string(reason->get_string());
  }
  if (const auto time = number_in(*note, "closed_ms"); time && *time <= kTimeMaxMs) {
    summary.closed_at = env::WallTime(std::chrono::milliseconds(*time));
  }
  const auto generation = number_in(*note, "generation");
  const auto offset = number_in(*note, "offset");
  const auto log_before = number_in(*note, "log_before");
  if (generation && *generation <= std::numeric_limits<std::uint32_t>::max() && offset &&
      log_before) {
    summary.closed_end = {.generation = static_cast<std::uint32_t>(*generation),
                          .offset = *offset,
                          .log_before = *log_before};
  }
}

Result<std::vector<EpochSummary>> list_epochs(Store& store) {
  MC_ASSIGN(const auto objects, store.list());
  std::map<Epoch, EpochSummary> epochs;
  for (const StoredObject& object : objects) {
    const auto name = parse_object(object.name);
    if (!name) {
      continue;
    }
    EpochSummary& summary = epochs[name->epoch];
    summary.epoch = name->epoch;
    switch (name->kind) {
      case ObjectKind::kBase:
        summary.has_base = true;
        summary.base_bytes = object.size_bytes;
        break;
      case ObjectKind::kSegment:
        ++summary.segments;
        summary.segment_bytes += object.size_bytes;
        summary.objects.push_back(*name);
        break;
      case ObjectKind::kTail:
        ++summary.tails;
        summary.segment_bytes += object.size_bytes;
        summary.objects.push_back(*name);
        break;
      case ObjectKind::kClosed:
        if (const auto note = read_object(store, object.name, kClosedBytesMax)) {
          read_closing_note(*note, summary);
        } else {
          read_closing_note({}, summary);
        }
        break;
    }
  }
  std::vector<EpochSummary> list;
  for (auto& [epoch, summary] : epochs) {
    std::sort(summary.objects.begin(), summary.objects.end());
    list.push_back(std::move(summary));
  }
  return list;
}

std::string Position::to_text() const {
  return text("epoch {}, generation {}, byte {}, committed {}", epoch.name(), generation, offset,
              env::format_time(time));
}

std::string ChainBreak::to_text() const {
  std::string lost = text("commits after {} are lost", env::format_time(after));
  if (before) {
    lost = text("commits after {} and before {} are lost, and what follows cannot be replayed",
                env::format_time(after), env::format_time(*before));
  }
  return text("{}: {}; {}{}", object, why, lost,
              objects_behind == 0 ? "" : text(" ({} more objects)", objects_behind));
}

std::optional<Position> Chain::newest(std::optional<env::WallTime> at) const {
  if (at && *at < base.time) {
    return std::nullopt;
  }
  Position newest{.epoch = epoch, .generation = 1, .offset = base.position, .time = base.time};
  for (const ChainPiece& piece : pieces) {
    for (const Commit& commit : piece.header.commits) {
      if (at && commit.time > *at) {
        return newest;
      }
      // The base holds what came before it.
      if (commit.end > piece.from && (piece.header.generation > 1 || commit.end > base.position)) {
        newest = {.epoch = epoch,
                  .generation = piece.header.generation,
                  .offset = commit.end,
                  .time = std::max(commit.time, base.time)};
      }
    }
  }
  return newest;
}

Result<Chain> read_chain(Store& store, const EpochSummary& epoch, const Identities& identities,
                         const ChainProgress& progress) {
  EpochSummary listed = epoch;
  for (int tries = 0;; ++tries) {
    bool vanished = false;
    MC_ASSIGN(Chain chain, read_once(store, listed, identities, progress, vanished));
    if (!vanished || tries == kListTriesMax) {
      return chain;
    }
    MC_ASSIGN(const auto epochs, list_epochs(store));
    const auto again = std::find_if(epochs.begin(), epochs.end(), [&](const EpochSummary& now) {
      return now.epoch == epoch.epoch;
    });
    if (again == epochs.end()) {
      return chain;
    }
    listed = *again;
  }
}

Result<env::WallTime> last_commit_of(Store& store, const EpochSummary& epoch,
                                     const Identities& identities) {
  MC_ASSIGN(const BaseHeader base, read_base_header(store, epoch.epoch, identities));
  if (epoch.objects.empty()) {
    return base.time;
  }
  const ObjectName& last = epoch.objects.back();
  std::string record;
  archive::Source source;
  if (last.kind == ObjectKind::kTail) {
    MC_ASSIGN(const archive::Source tail, store.get(last.name()));
    MC_ASSIGN(Tail read, read_tail(tail));
    if (read.records.empty()) {
      return base.time;
    }
    record = std::move(read.records.back());
    source = archive::source_of(record);
  } else {
    MC_ASSIGN(source, store.get(last.name()));
  }
  MC_ASSIGN(const ObjectReader reader, ObjectReader::open(std::move(source), identities));
  MC_ASSIGN(const SegmentHeader header, parse_segment_header(reader.line()));
  return std::max(base.time, header.commits.back().time);
}

Result<void> read_piece(Store& store, const ChainPiece& piece, const Identities& identities,
                        const OnBytes& bytes) {
  const Skip skip(piece.from - piece.header.offset, bytes);
  if (piece.object.kind == ObjectKind::kTail) {
    MC_ASSIGN(const std::string record, read_record(store, piece.object, piece.record));
    MC_ASSIGN(ObjectReader reader, ObjectReader::open(archive::source_of(record), identities));
    return read_payload(reader, piece.header.length, piece.header.sha256, skip);
  }
  MC_ASSIGN(ObjectReader reader, open_object(store, piece.object, identities));
  return read_payload(reader, piece.header.length, piece.header.sha256, skip);
}

Result<BaseHeader> read_base_header(Store& store, const Epoch& epoch,
                                    const Identities& identities) {
  MC_ASSIGN(const ObjectReader reader, open_object(store, {.epoch = epoch}, identities));
  return parse_base_header(reader.line());
}

Result<void> read_base(Store& store, const Epoch& epoch, const Identities& identities,
                       const OnBytes& bytes) {
  MC_ASSIGN(ObjectReader reader, open_object(store, {.epoch = epoch}, identities));
  MC_ASSIGN(const BaseHeader header, parse_base_header(reader.line()));
  return read_payload(reader, header.length, header.sha256, bytes);
}

Result<void> FrameReader::feed(std::span<const std::byte> bytes, const OnFrame& on_frame) {
  while (!bytes.empty()) {
    const std::size_t whole = walker_.point().offset == 0
                                  ? kWalHeaderBytes
                                  : static_cast<std::size_t>(header().frame_bytes());
    const std::size_t missing = whole - buffer_.size();
    if (bytes.size() < missing) {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
      return {};
    }
    std::span<const std::byte> frame = bytes.first(missing);
    if (!buffer_.empty()) {
      buffer_.insert(buffer_.end(), frame.begin(), frame.end());
      frame = buffer_;
    }
    bytes = bytes.subspan(missing);
    if (walker_.point().offset == 0) {
      MC_TRY(walker_.take_header(frame));
    } else {
      MC_ASSIGN(const WalFrame taken, walker_.take_frame(frame));
      MC_TRY(on_frame(taken, walker_.point().offset));
    }
    buffer_.clear();
  }
  return {};
}

void FrameReader::start_over() {
  walker_ = WalWalker(WalPoint{});
  buffer_.clear();
}

}  // namespace dsl::replica
