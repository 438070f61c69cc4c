// The zones in memory: immutable versions that any thread reads without a lock, and the one editor
// that makes the next of them by copying only what changes.
//
//   zone::Store store;
//   zone::Edit edit(store);
//   edit.create(id, origin);
//   edit.put(origin, rrset);
//   edit.publish();                     // what every reader pins from now on
//
//   zone::Reader reader(store);         // one a thread
//   const zone::Pin version(reader);    // for a batch of questions
//   if (const zone::Zone* zone = version->find_zone(query.name)) ...
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "mcns/zone/arena.h"
#include "mcns/zone/zone.h"

namespace mcns::zone {

class Draft;
class Garbage;
class Image;

// All zones at one moment.
class Version {
 public:
  std::uint64_t number() const { return number_; }
  // The zone with the longest origin that `name` is in; nothing when none is ours.
  const Zone* find_zone(const QueryName& name) const { return find_zone(name, name.labels); }
  // The same among the origins of at most `labels_max` labels: the parent, for DS at an apex.
  const Zone* find_zone(const QueryName& name, std::size_t labels_max) const;
  const Zone* zone(const Name& origin) const;
  const std::vector<std::shared_ptr<const Zone>>& zones() const {
    return zones_;
  }  // canonical order

 private:
  friend class Store;
  friend class Edit;
  friend class Image;
  void index();

  std::uint64_t number_ = 0;
  std::vector<std::shared_ptr<const Zone>> zones_;
  struct Slot {
    std::uint64_t hash = 0;
    const Zone* zone = nullptr;
  };
  std::vector<Slot> slots_;  // open addressing, a power of two
  std::size_t labels_max_ = 0;
};

// Thread-safe for readers; edited by one thread at a time, which the owner sees to. Outlives its
// readers.
class Store {
 public:
  Store();
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  struct Memory {
    std::size_t used_bytes = 0;      // blocks of the newest version and those that readers hold
    std::size_t resident_bytes = 0;  // with those that are free
  };
  Memory memory() const;
  // Nothing was ever put into it.
  bool is_empty() const { return arena_.end() == 1; }
  std::uint64_t newest() const { return number_.load(std::memory_order_acquire); }
  // How many versions behind the newest the slowest reader is.
  std::uint64_t lag() const;
  // Frees what no reader needs any more; of the editing thread, which does it after each publish
  // and may do so when it has nothing else to do.
  void collect();

 private:
  friend class Reader;
  friend class Pin;
  friend class Edit;
  friend class Image;

  struct alignas(64) Slot {
    std::atomic<std::uint64_t> pinned{0};  // number of the version, 0 = none
    bool taken = false;
  };
  // What nobody needs any more once no reader is at `number` or before.
  struct Retired {
    std::unique_ptr<const Version> version;
    std::vector<Block> blocks;
  };
  Slot& take_slot();
  std::uint64_t oldest_pinned() const;
  std::uint64_t replace(std::unique_ptr<const Version> version, std::vector<Block> garbage);

  Arena arena_;
  std::atomic<const Version*> current_;
  std::atomic<std::uint64_t> number_{1};
  std::unique_ptr<const Version> owned_;  // what current_ points to
  std::deque<Retired> retired_;           // by number; of the editing thread
  mutable std::mutex mutex_;              // guards slots_ and `taken`
  std::deque<Slot> slots_;
};

// A thread's place in the store. Confined to its thread.
class Reader {
 public:
  explicit Reader(Store& store) : store_(store), slot_(store.take_slot()) {}
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

 private:
  friend class Pin;
  Store& store_;
  Store::Slot& slot_;
};

// Holds the newest version while it lives. One at a time for each reader.
class Pin {
 public:
  explicit Pin(Reader& reader);
  ~Pin() { slot_.pinned.store(0, std::memory_order_release); }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  const Version& operator*() const { return *version_; }
  const Version* operator->() const { return version_; }

 private:
  Store::Slot& slot_;
  const Version* version_;
};

// The next version in the making. What was put is seen by nobody before `publish`. That or
// `give_up` has to be called: changes are made once they are durable, and then there is no way
// back.
class Edit {
 public:
  explicit Edit(Store& store);
  ~Edit();
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;

  // Makes an empty zone; one that is there loses its content. It has to get an SOA before it is
  // published.
  void create(std::int64_t id, const Name& origin);
  void remove(const Name& origin);
  // Sets or replaces a whole RRset of a zone that is there; the name is in it.
  void put(const Name& origin, const Rrset& rrset);
  void erase(const Name& origin, const Name& name, Type type);

  // The number of the version that is now everybody's.
  std::uint64_t publish();
  // Everything stays as it was: what was to be put could not be read.
  void give_up();

 private:
  Draft& draft(const Name& origin);

  Store& store_;
  std::unique_ptr<Garbage> garbage_;
  std::map<Name, std::unique_ptr<Draft>> drafts_;  // of zones that changed; null = removed
  std::pair<Name, Draft*> latest_;
  bool published_ = false;
};

}  // namespace mcns::zone
