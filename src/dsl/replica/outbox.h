// Sealed objects on the database's own disk, until every mirror has them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/replica/names.h"
#include "dsl/replica/store.h"
#include "dsl/result/result.h"

namespace dsl::replica {

struct OutboxObject {
  ObjectName name;
  std::uint64_t size_bytes = 0;
  // Of a segment: where it ends, and the time of its last commit. Unknown (0) for what an earlier
  // process sealed.
  std::uint64_t end = 0;
  env::WallTime last_commit{};
  std::uint64_t serial = 0;  // given by the outbox: an object that replaces another has its own
};

// Thread-safe.
class Outbox {
 public:
  // What an earlier process left there waits for every mirror again, unless it is not `wanted`, and
  // is removed.
  static Result<std::unique_ptr<Outbox>> open(env::Env& env, const std::string& directory,
                                              std::size_t mirrors, std::uint64_t bytes_max,
                                              const std::function<bool(const ObjectName&)>& wanted);

  // What is put there is not on stable storage before `settle`.
  Store& store() { return *store_; }
  // Everything that waits is on stable storage when this returns.
  Result<void> settle();
  // Removes for good what lies in the store and was never added.
  Result<void> remove_strays();

  // The object lies in the store already. Mirrors for which more than the bound waits already are
  // lost from here on, and nothing waits for them any more.
  void add(OutboxObject object);
  // What `mirror` has yet to take, oldest first; waits until there is something, `deadline` has
  // passed, or `close`.
  std::optional<OutboxObject> next(std::size_t mirror, env::MonoTime deadline);
  // Its mirror has it. What every mirror has is removed.
  void done(std::size_t mirror, const OutboxObject& object);
  // Drops what is no longer worth storing, for every mirror.
  void drop(const ObjectName& name);

  bool lost(std::size_t mirror) const;
  // It takes objects again that are added from now on.
  void regained(std::size_t mirror);
  bool all_lost() const;

  bool waits_for(std::size_t mirror, const ObjectName& name) const;
  std::uint64_t waiting_bytes(std::size_t mirror) const;
  std::uint64_t waiting_segments(std::size_t mirror, const Epoch& epoch) const;
  // Of all epochs that it has had.
  std::uint32_t epoch_highest() const;
  // The mirror waits for nothing. Returns after `deadline` at the latest.
  bool wait_until_taken(std::size_t mirror, env::MonoTime deadline);
  // `next` returns at once from now on.
  void close();

 private:
  struct Entry {
    OutboxObject object;
    std::set<std::size_t> waiting;  // mirrors
    bool settled = false;           // on stable storage
  };

  Outbox(env::Env& env, std::unique_ptr<Store> store, std::size_t mirrors, std::uint64_t bytes_max);
  void forget_taken();                               // with mutex_ held
  std::uint64_t bytes_of(std::size_t mirror) const;  // with mutex_ held

  env::Env& env_;
  const std::unique_ptr<Store> store_;
  const std::uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> entries_;  // guarded by mutex_, as all below; sorted by name
  std::vector<bool> lost_;      // by mirror
  std::uint32_t epoch_highest_ = 0;
  std::uint64_t serial_ = 0;
  bool closed_ = false;
};

}  // namespace dsl::replica
