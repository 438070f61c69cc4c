#include "dsl/replica/segment.h"

#include <algorithm>
#include <utility>

#include "dsl/hash/sha256.h"

namespace dsl::replica {
namespace {

// What is not sealed for so many commits has lost its exact times, and nothing else.
constexpr std::size_t kTimesMax = 1u << 17;
// As much of the log is held in memory instead of being read twice.
constexpr std::uint64_t kKeptBytesMax = 8u << 20;
// Logs pack well and are written all day: speed counts more than the last tenth of size.
constexpr int kZstdLevel = 1;

}  // namespace

void CommitTimes::add(std::uint64_t end, env::WallTime time) {
  if (end <= last_end_) {
    commits_.clear();
    started_over_at_ = last_end_;
  }
  last_end_ = end;
  if (commits_.size() == kTimesMax) {
    commits_.pop_front();
  }
  commits_.push_back({.end = end, .time = time});
}

env::WallTime CommitTimes::time_of(std::uint64_t end, env::WallTime now) const {
  const auto found = std::lower_bound(
      commits_.begin(), commits_.end(), end,
      [](const Commit& commit, std::uint64_t wanted) { return commit.end < wanted; });
  return found == commits_.end() ? now : found->time;
}

void CommitTimes::clear() {
  commits_.clear();
  last_end_ = 0;
  started_over_at_.reset();
}

void CommitTimes::forget(std::uint64_t end) {
  while (!commits_.empty() && commits_.front().end <= end) {
    commits_.pop_front();
  }
}

Result<Slice> describe_slice(env::File& log, const WalPoint& from, std::uint64_t end,
                             const SlicePlace& place, const CommitTimes& times, env::WallTime now) {
  Sha256 hash;
  std::vector<std::byte> kept;
  const bool keeps = end - from.offset <= kKeptBytesMax;
  kept.reserve(keeps ? end - from.offset : 0);
  MC_ASSIGN(const WalStretch stretch,
            walk(log, from, end, [&](std::span<const std::byte> bytes) -> Result<void> {
              hash.add(bytes);
              if (keeps) {
                kept.insert(kept.end(), bytes.begin(), bytes.end());
              }
              return {};
            }));
  if (stretch.commits.empty() || stretch.commits.back().end != end) {
    return fail(Code::kDataLoss, "the log has no commit that ends at byte {}", end);
  }
  Slice slice{.from = from, .end = stretch.end, .bytes = std::move(kept)};
  slice.header = {.database = place.database,
                  .epoch = place.epoch.name(),
                  .generation = place.generation,
                  .offset = from.offset,
                  .length = end - from.offset,
                  .page_bytes = stretch.end.header.page_bytes,
                  .salts = stretch.end.header.salts,
                  .sha256 = hash.finish(),
                  .previous = place.previous,
                  .log_before = place.log_before};
  env::WallTime last = place.not_before;
  for (const WalCommit& commit : stretch.commits) {
    last = std::max(last, times.time_of(commit.end, now));
    slice.header.commits.push_back({.end = commit.end, .time = last});
  }
  return slice;
}

Result<std::string> write_slice(env::Random& random, const Recipients& recipients, env::File& log,
                                const Slice& slice, archive::Sink sink) {
  const std::string line = to_line(slice.header);
  MC_ASSIGN(auto writer,
            ObjectWriter::begin(random, recipients, std::move(sink), line, kZstdLevel));
  if (!slice.bytes.empty()) {
    MC_TRY(writer.write(slice.bytes));
    MC_TRY(writer.finish());
    return sha256_hex(line);
  }
  Sha256 hash;
  MC_TRY(walk(log, slice.from, slice.end.offset,
              [&](std::span<const std::byte> bytes) -> Result<void> {
                hash.add(bytes);
                return writer.write(bytes);
              }));
  if (hash.finish() != slice.header.sha256) {
    return fail(Code::kDataLoss, "the log changed while it was sealed");
  }
  MC_TRY(writer.finish());
  return sha256_hex(line);
}

}  // namespace dsl::replica
