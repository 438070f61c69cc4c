// Carries the objects of the outbox to one mirror, on a thread of its own: a mirror that hangs
// holds up nothing else.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/replica/outbox.h"
#include "dsl/replica/replica.h"
#include "dsl/replica/store.h"

namespace dsl::replica {

// What the shipper tells. Called from its thread.
struct ShipperEvents {
  // The mirror has been looked at: the epochs that it knows.
  std::function<void(const std::set<Epoch>&)> listed;
  // The mirror has the object.
  std::function<void(const OutboxObject&)> stored;
};

// Thread-safe.
class Shipper {
 public:
  // `outbox`, in which this mirror is number `index`, outlives the shipper.
  Shipper(env::Env& env, Outbox& outbox, std::size_t index, MirrorOptions options,
          const std::string& database_name, std::chrono::milliseconds keep, ShipperEvents events);
  // Ends after the object that is under way.
  ~Shipper();

  void start();
  Store& store() { return *store_; }
  // The first look at the mirror is over, well or not.
  bool looked() const { return looked_; }
  // As of the last look, and of what was shipped since. True while it cannot be written.
  bool has_base(const Epoch& epoch) const;
  // It has the base, and so many segments of the epoch. True while it cannot be written.
  bool has_segments(const Epoch& epoch, std::uint64_t segments) const;
  MirrorStatus status() const;

 private:
  void run();
  Result<void> look();
  Result<void> look_again();
  Result<void> check_there();
  void take_note(const std::vector<StoredObject>& objects);
  Result<void> ship(const OutboxObject& object);
  Result<void> copy(const OutboxObject& object);
  Result<void> close_older(const Epoch& epoch);
  Result<void> remove_old(const Epoch& epoch);
  Result<void> remove_epoch(const Epoch& epoch, const std::vector<StoredObject>& objects);
  Result<void> probe();
  void failed(const Error& error);
  void worked();
  bool pause();  // false at the end

  env::Env& env_;
  Outbox& outbox_;
  const std::size_t index_;
  const MirrorOptions options_;
  const std::chrono::milliseconds keep_;
  const ShipperEvents events_;
  const std::unique_ptr<Store> store_;
  std::unique_ptr<env::FileLock> lock_;  // of the thread: the mirror has one writer
  std::chrono::milliseconds pause_;      // of the thread
  bool must_look_ = false;               // of the thread: who knows what became of the mirror
  std::vector<ObjectName> old_tails_;    // of the thread: what an earlier process appended

  std::atomic<bool> looked_{false};
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;                      // guarded by mutex_
  MirrorStatus status_;                      // guarded by mutex_
  std::set<Epoch> bases_;                    // guarded by mutex_
  std::map<Epoch, std::uint64_t> segments_;  // how many; guarded by mutex_
  std::thread thread_;                       // last: uses all of the above
};

}  // namespace dsl::replica
