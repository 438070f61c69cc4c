// The newest commits of one mirror with `sync`: appended to an open object before they are
// acknowledged, until a sealed segment with the same bytes has arrived.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/replica/segment.h"
#include "dsl/replica/store.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// Where a tail begins: everything before is in the mirror already.
struct TailStart {
  SlicePlace place;  // `previous` is not used: the records of a tail name each other
  WalPoint point;
};

// Guarded by its owner.
class SyncTail {
 public:
  // All outlive the tail.
  SyncTail(env::Env& env, Store& mirror, const Recipients& recipients)
      : env_(env), mirror_(mirror), recipients_(recipients) {}

  bool active() const { return start_.has_value(); }
  void activate(TailStart start);
  void deactivate();
  // The log starts over; the tail goes on with it. All that was in the log is sealed.
  void start_generation(std::uint32_t generation, std::uint64_t log_before);
  // The next record begins a new object, so that the present one can go once it is sealed.
  void rotate() { open_ = nullptr; }

  // Stores [where it stands, end) of `log`. After an error it is not active any more.
  Result<void> append(env::File& log, std::uint64_t end, const CommitTimes& times);

  // Removes the objects whose commits the mirror has in segments up to here.
  void forget(const Epoch& epoch, std::uint32_t generation, std::uint64_t end);

 private:
  struct Piece {
    ObjectName name;
    std::uint64_t end = 0;
  };

  Result<void> store_record(const std::string& record, const Slice& slice);

  env::Env& env_;
  Store& mirror_;
  const Recipients& recipients_;
  std::optional<TailStart> start_;  // moves on with each record; none = not active
  std::unique_ptr<AppendedObject> open_;
  std::string last_record_;  // digest of the header line before, in this object
  std::vector<Piece> pieces_;
};

// A larger commit is acknowledged without the tail, and protected once it is sealed.
constexpr std::size_t kTailRecordMax = std::size_t{1} << 30;

struct Tail {
  std::vector<std::string> records;
  bool torn = false;  // the power cut off another one, which was not acknowledged
};

// The records of a tail object: each is its length and the complement of it, four bytes each,
// big-endian, and an object. kDataLoss for a length that is damaged, kTooLarge beyond `bytes_max`
// for one record.
Result<Tail> read_tail(const archive::Source& source, std::size_t bytes_max = kTailRecordMax);

}  // namespace dsl::replica
