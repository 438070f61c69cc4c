// The rows of all zones, as the transaction under way has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mcns/store/records.h"

namespace mcns::writer {

// What is changed here can be undone until it is kept, with the commit. Confined to the thread that
// writes.
class ZoneMap {
 public:
  ZoneMap() = default;
  ZoneMap(const std::vector<store::ZoneRow>& zones, std::int64_t last_id);

  const store::ZoneRow* find(const Name& origin) const;
  const store::ZoneRow* find(std::int64_t id) const;
  // The zone with the longest origin that `name` is in.
  const store::ZoneRow* enclosing(const Name& name) const;
  // "mcp.example.", when somebody wrote "mpc.example."; empty when nothing is near.
  std::string nearest(const Name& origin) const;

  void put(const store::ZoneRow& zone);
  void erase(const Name& origin);
  // Zones that were put and that the database does not have like that yet. Of several writes the
  // last row is enough.
  std::vector<store::ZoneRow> take_unsaved();

  // Of the group that is under way.
  std::size_t changes() const { return undo_.size(); }
  void undo();
  void keep();

  // False: no record of the zone is a DNAME.
  bool may_have_dname(std::int64_t zone) const { return with_dname_.contains(zone); }
  void note_dname(std::int64_t zone) { with_dname_.insert(zone); }

  // Numbers records and changes; none is given twice, whatever is undone.
  std::int64_t take_id() { return ++last_id_; }
  std::int64_t last_id() const { return last_id_; }

 private:
  void replace(const Bytes& key, std::optional<store::ZoneRow> zone);

  std::unordered_map<Bytes, store::ZoneRow> zones_;                    // by origin in lower case
  std::vector<std::pair<Bytes, std::optional<store::ZoneRow>>> undo_;  // what was there before
  std::set<Bytes> unsaved_;
  std::unordered_set<std::int64_t> with_dname_;  // also those that had one once
  std::int64_t last_id_ = 0;
};

}  // namespace mcns::writer
