// A zone as a write is about to leave it: the names it touches, over the rows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "dsl/db/database.h"
#include "mcns/store/records.h"
#include "mcns/writer/replacement.h"

namespace mcns::writer {

// What a name holds before and after. A record that stays is the same in both by type and canonical
// rdata.
struct DraftName {
  Name name;  // the case as first written
  std::vector<store::RecordRow> before;
  std::vector<store::RecordRow> after;
  std::string where;  // the part of the request that touched it last
  // No name of the zone lies between it and the one before it in the draft; imports know.
  bool follows = false;

  bool has(Type type) const;  // afterwards
};

// How the two differ; pointers into the name. Most names have a record or two.
struct NameDiff {
  template <class Record>
  using Few = boost::container::small_vector<Record, 2>;

  Few<const store::RecordRow*> removed;
  Few<store::RecordRow*> added;
  // Those that stay, with another TTL, owner or lease: before, after.
  Few<std::pair<const store::RecordRow*, store::RecordRow*>> changed;

  bool empty() const { return removed.empty() && added.empty() && changed.empty(); }
  // Of `changed` those with another TTL: owner and lease are nothing that a zone answers.
  std::size_t moved_ttls() const;
};
NameDiff diff(DraftName& name);

// Confined to the thread that writes.
class Draft {
 public:
  enum class Kind { kChanged, kCreated, kDeleted };

  Draft(const store::ZoneRow& row, Kind zone_kind) : zone(row), kind(zone_kind), before_(row) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  store::ZoneRow zone;  // as it will be; its serial is given when it is saved
  Kind kind;
  std::optional<std::uint32_t> serial_wanted;  // newer than the zone's
  std::string source;                          // of its changes when it is not the author's
  // Of too many records to look at name by name; `names` has none then.
  std::unique_ptr<Replacement> replacement;
  const store::ZoneRow& before() const { return before_; }

  // `name`, which is in the zone, for reading and for changes; its rows are read when it is first
  // asked for. Valid as long as the draft.
  dsl::Result<DraftName*> name(dsl::db::Transaction& tx, const Name& name);
  std::map<Bytes, DraftName>& names() { return names_; }  // by key, see sort_key.h
  const std::map<Bytes, DraftName>& names() const { return names_; }

  // Some name strictly below `name` has records afterwards.
  dsl::Result<std::optional<Name>> find_below(dsl::db::Transaction& tx, const Name& name);
  // The nearest name strictly above `name`, down from the apex, that has a DNAME afterwards.
  dsl::Result<DraftName*> find_dname_above(dsl::db::Transaction& tx, const Name& name);

 private:
  store::ZoneRow before_;
  std::map<Bytes, DraftName> names_;
};

// "www.example.test. A 192.0.2.1", for messages.
std::string text(const store::RecordRow& record);

}  // namespace mcns::writer
