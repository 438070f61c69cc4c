// Reads a replica: which epochs a mirror holds, and whether one of them is whole.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/replica/envelope.h"
#include "dsl/replica/format.h"
#include "dsl/replica/names.h"
#include "dsl/replica/store.h"
#include "dsl/replica/wal.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// What can be told without a key.
struct EpochSummary {
  Epoch epoch;
  bool has_base = false;
  std::uint64_t base_bytes = 0;
  std::size_t segments = 0;
  std::uint64_t segment_bytes = 0;
  std::size_t tails = 0;
  std::vector<ObjectName> objects;    // segments and tails, in order
  std::optional<std::string> closed;  // why it ended
  std::optional<env::WallTime> closed_at;
  // How far it was sealed when it was closed; unknown where somebody else closed it.
  struct End {
    std::uint32_t generation = 0;
    std::uint64_t offset = 0;
    std::uint64_t log_before = 0;  // the length of the log of the generation before
  };
  std::optional<End> closed_end;
};

// What CLOSED says, as far as it can be read.
void read_closing_note(std::string_view content, EpochSummary& summary);

// By number, newest last.
Result<std::vector<EpochSummary>> list_epochs(Store& store);

// A commit, exactly.
struct Position {
  Epoch epoch;
  std::uint32_t generation = 1;
  std::uint64_t offset = 0;  // behind it, in the log of the generation
  env::WallTime time{};
  std::string to_text() const;
};

// A slice of the log: a segment, or a record of a tail.
struct ChainPiece {
  ObjectName object;
  std::size_t record = 0;  // of a tail
  SegmentHeader header;
  std::uint64_t from = 0;  // what lies before in the log is in an earlier piece
};

// Where a chain ends too early, and what is lost with it.
struct ChainBreak {
  std::string object;  // at fault
  std::string why;
  env::WallTime after{};                // of the last commit before
  std::optional<env::WallTime> before;  // of the first commit behind that could still be read
  std::size_t objects_behind = 0;
  std::string to_text() const;
};

struct Chain {
  Epoch epoch;
  BaseHeader base;
  std::vector<ChainPiece> pieces;  // up to the break
  std::optional<ChainBreak> broken;
  bool torn = false;  // the last record of a tail was cut off by a power failure

  // The base itself, or the last commit that it does not hold and that is not after `at`. Nothing
  // when `at` is before the base.
  std::optional<Position> newest(std::optional<env::WallTime> at) const;
};

// Called after each object, for progress.
using ChainProgress = std::function<void(std::size_t objects_done, std::size_t objects)>;

// Reads every byte of the epoch and checks it: base, chain of headers, hashes, and each frame of
// the log. Damage to the base is the error, and a key that does not open it (see ObjectReader);
// damage behind it is `broken`.
Result<Chain> read_chain(Store& store, const EpochSummary& epoch, const Identities& identities,
                         const ChainProgress& progress = {});

Result<BaseHeader> read_base_header(Store& store, const Epoch& epoch, const Identities& identities);
// When the epoch's last commit was, by the header of its last object. The newest epoch need not be
// the one that goes furthest: while the copy for a planned one is on its way, and until the first
// segment follows it, the one before does.
Result<env::WallTime> last_commit_of(Store& store, const EpochSummary& epoch,
                                     const Identities& identities);
// The payload of a piece from `piece.from` on.
Result<void> read_piece(Store& store, const ChainPiece& piece, const Identities& identities,
                        const std::function<Result<void>(std::span<const std::byte>)>& bytes);
Result<void> read_base(Store& store, const Epoch& epoch, const Identities& identities,
                       const std::function<Result<void>(std::span<const std::byte>)>& bytes);

// Cuts a log that comes in pieces of any size into its frames.
//
// Confined to its owner.
class FrameReader {
 public:
  using OnFrame = std::function<Result<void>(const WalFrame&, std::uint64_t end)>;

  // kDataLoss when a frame does not follow the one before.
  Result<void> feed(std::span<const std::byte> bytes, const OnFrame& on_frame);
  // Another log begins.
  void start_over();
  std::uint64_t offset() const { return walker_.point().offset; }
  bool between_frames() const { return buffer_.empty(); }
  const WalHeader& header() const { return walker_.point().header; }

 private:
  WalWalker walker_{WalPoint{}};
  std::vector<std::byte> buffer_;  // less than a frame
};

}  // namespace dsl::replica
