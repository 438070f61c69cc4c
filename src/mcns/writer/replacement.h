// A zone that becomes the records of an import, when that are more changes than the journal takes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mcns/store/records.h"
#include "mcns/writer/packed_records.h"
#include "mcns/zone/store.h"

namespace dsl::db {
class Transaction;
}

namespace mcns::writer {

class Draft;
struct DraftName;
struct Work;

// What the names of a draft are to a small change, for a million records: they stay packed, rows go
// by ranges and come by dozens, and nothing is listed. Confined to the thread that writes.
class Replacement {
 public:
  std::uint64_t added() const { return added_; }
  std::uint64_t removed() const { return removed_; }
  std::uint64_t moved() const { return moved_; }  // to another TTL
  // Rows of the journal, if they were written.
  std::uint64_t changes() const { return added_ + removed_ + 2 * moved_; }
  std::uint64_t names_removed() const { return names_removed_; }

  // What the name has afterwards.
  DraftName name(const Name& name) const;
  // Calls `use` for each name that has something new and has `which` of its records.
  using Which = std::function<bool(PackedRecords::List::const_iterator begin,
                                   PackedRecords::List::const_iterator end)>;
  void each_changed(const Which& which, const std::function<void(const DraftName&)>& use) const;

  // Of a zone that is in the database by now. Gives numbers to what is new.
  dsl::Result<void> write(Work& work, const store::ZoneRow& zone) const;
  void publish(zone::Edit& edit) const;

 private:
  friend class Comparison;
  friend dsl::Result<std::unique_ptr<Replacement>> compare(Work& work, Draft& draft,
                                                           PackedRecords& records);
  struct Range {  // of keys, whose rows all go
    Bytes first;
    Bytes last;
  };
  struct Erased {
    Bytes key;
    Type type = Type::kA;
    Bytes canonical;
  };

  Name origin_;
  PackedRecords records_;
  std::vector<Range> ranges_;
  std::vector<Erased> erased_;                // of names that keep some record
  std::vector<std::pair<Bytes, Type>> gone_;  // RRsets without any record, by key
  std::uint64_t added_ = 0;
  std::uint64_t removed_ = 0;
  std::uint64_t moved_ = 0;
  std::uint64_t names_removed_ = 0;
};

// Looks at what the zone has. Nothing when drafts of single names are the way: for what the journal
// takes, a zone that may have a DNAME, whose rules reach from name to name, and one with PTR
// records elsewhere. Takes the records otherwise. kPermissionDenied for those of others.
dsl::Result<std::unique_ptr<Replacement>> compare(Work& work, Draft& draft, PackedRecords& records);

}  // namespace mcns::writer
