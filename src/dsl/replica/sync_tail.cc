#include "dsl/replica/sync_tail.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "dsl/hash/sha256.h"
#include "dsl/log/log.h"
#include "dsl/replica/bytes.h"

namespace dsl::replica {
namespace {

const log::Logger kLogger("replica");

// The length, and its complement: a length that was damaged is not taken for a record cut off.
constexpr std::size_t kFrameBytes = 8;
// The first record of an object names no other.
const std::string kNoRecord(64, '0');

std::string with_length(const std::string& record) {
  std::string framed;
  const auto length = static_cast<std::uint32_t>(record.size());
  for (const std::uint32_t word : {length, ~length}) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      framed += static_cast<char>(word >> shift & 0xff);
    }
  }
  return framed + record;
}

// What a file system may leave of an append that the power cut off: nothing, a part, or zeros.
Result<bool> only_zeros_follow(const archive::Source& source, std::span<const std::byte> begun) {
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  if (!std::all_of(begun.begin(), begun.end(), is_zero)) {
    return false;
  }
  std::vector<std::byte> piece(64u << 10);
  while (true) {
    MC_ASSIGN(const std::size_t size, source(piece));
    if (size == 0) {
      return true;
    }
    if (!std::all_of(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size), is_zero)) {
      return false;
    }
  }
}

}  // namespace

void SyncTail::activate(TailStart start) {
  start_ = std::move(start);
  rotate();
}

void SyncTail::deactivate() {
  start_.reset();
  rotate();
}

void SyncTail::start_generation(std::uint32_t generation, std::uint64_t log_before) {
  if (start_) {
    start_->place.generation = generation;
    start_->place.log_before = log_before;
    start_->point = {};
    rotate();
  }
}

Result<void> SyncTail::append(env::File& log, std::uint64_t end, const CommitTimes& times) {
  MC_ASSERT(active(), "asked before");
  if (end <= start_->point.offset) {
    return {};
  }
  SlicePlace place = start_->place;
  place.previous = open_ == nullptr ? kNoRecord : last_record_;
  std::string record;
  Result<void> stored;
  const auto slice = describe_slice(log, start_->point, end, place, times, env_.clock().now());
  if (slice) {
    auto digest = write_slice(env_.random(), recipients_, log, *slice, archive::append_to(record));
    if (digest) {
      last_record_ = *std::move(digest);
      stored = store_record(record, *slice);
    } else {
      stored = tl::unexpected(std::move(digest).error());
    }
  } else {
    stored = tl::unexpected(slice.error());
  }
  if (!stored) {
    deactivate();
    return stored;
  }
  start_->point = slice->end;
  start_->place.not_before = slice->header.commits.back().time;
  start_->place.log_before = 0;
  return {};
}

Result<void> SyncTail::store_record(const std::string& record, const Slice& slice) {
  if (record.size() > kTailRecordMax) {
    return fail(Code::kTooLarge, "a commit of {} bytes is too large for a tail", record.size());
  }
  if (open_ == nullptr) {
    const ObjectName name{.epoch = start_->place.epoch,
                          .kind = ObjectKind::kTail,
                          .generation = start_->place.generation,
                          .offset = slice.from.offset};
    MC_ASSIGN(open_, mirror_.append_to_new(name.name()));
    pieces_.push_back({.name = name});
  }
  const std::string framed = with_length(record);
  MC_TRY(open_->append(std::as_bytes(std::span(framed))));
  pieces_.back().end = slice.end.offset;
  return {};
}

void SyncTail::forget(const Epoch& epoch, std::uint32_t generation, std::uint64_t end) {
  std::vector<Piece> kept;
  for (const Piece& piece : pieces_) {
    const bool in_use = open_ != nullptr && &piece == &pieces_.back();
    const bool sealed = std::tuple(piece.name.epoch.number, piece.name.generation, piece.end) <=
                        std::tuple(epoch.number, generation, end);
    if (in_use || !sealed) {
      kept.push_back(piece);
    } else if (const auto removed = mirror_.remove(piece.name.name()); !removed) {
      kept.push_back(piece);
      kLogger.failure(log::Level::kWarn, "an old tail stays in the mirror", removed.error());
    }
  }
  pieces_ = std::move(kept);
}

Result<Tail> read_tail(const archive::Source& source, std::size_t bytes_max) {
  Tail tail;
  std::byte frame[kFrameBytes];
  while (true) {
    MC_ASSIGN(const std::size_t got, archive::read_full(source, frame));
    if (got < kFrameBytes) {
      tail.torn = got > 0;
      return tail;
    }
    const std::uint32_t length = big_endian_32(frame, 0);
    if (length != ~big_endian_32(frame, 4)) {
      MC_ASSIGN(tail.torn, only_zeros_follow(source, frame));
      if (!tail.torn) {
        return fail(Code::kDataLoss, "the length of record {} is damaged", tail.records.size());
      }
      return tail;
    }
    if (length > bytes_max) {
      return fail(Code::kTooLarge, "a record of {} bytes", length);
    }
    std::string record(length, '\0');
    MC_ASSIGN(const std::size_t size,
              archive::read_full(source, std::as_writable_bytes(std::span(record))));
    if (size < length) {
      tail.torn = true;
      return tail;
    }
    tail.records.push_back(std::move(record));
  }
}

}  // namespace dsl::replica
