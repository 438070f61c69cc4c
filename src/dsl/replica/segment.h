// Makes segments of a log, for the outbox and for tails.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "dsl/env/env.h"
#include "dsl/replica/envelope.h"
#include "dsl/replica/format.h"
#include "dsl/replica/names.h"
#include "dsl/replica/wal.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// When commits happened, as far as this process made them.
//
// Guarded by its owner.
class CommitTimes {
 public:
  // A commit that ends at `end` of the log; later ones end further on, until the log starts over.
  void add(std::uint64_t end, env::WallTime time);
  // Of the commit that ends there: that of the first one known at or behind it, else `now`.
  env::WallTime time_of(std::uint64_t end, env::WallTime now) const;
  // Up to and with this one they are not asked for again.
  void forget(std::uint64_t end);
  // All of them; the log has been emptied.
  void clear();
  // The log was started over, and those of the new one may be known already.
  void start_over() { started_over_at_.reset(); }
  // When a commit came at a lower place than the one before: how far the log reached that was
  // started over.
  std::optional<std::uint64_t> started_over_at() const { return started_over_at_; }

 private:
  std::deque<Commit> commits_;
  std::uint64_t last_end_ = 0;
  std::optional<std::uint64_t> started_over_at_;
};

// Where a slice of the log belongs.
struct SlicePlace {
  std::string database;
  Epoch epoch;
  std::uint32_t generation = 0;
  std::string previous;          // digest of the object before
  std::uint64_t log_before = 0;  // at offset 0: the length of the log of the generation before
  env::WallTime not_before;      // commit times do not go back
};

struct Slice {
  WalPoint from;
  WalPoint end;
  SegmentHeader header;
  std::vector<std::byte> bytes;  // of a small one; empty = to be read again
};

// Reads and checks [from, end) of `log`. kDataLoss when the log does not continue `from`, or the
// slice does not end with a commit.
Result<Slice> describe_slice(env::File& log, const WalPoint& from, std::uint64_t end,
                             const SlicePlace& place, const CommitTimes& times, env::WallTime now);

// Writes it as an object; what was not kept is read again. Returns the digest of its header line.
// kDataLoss when the log says something else than before.
Result<std::string> write_slice(env::Random& random, const Recipients& recipients, env::File& log,
                                const Slice& slice, archive::Sink sink);

}  // namespace dsl::replica
