// The rows of all zones, as the transaction under way has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mcns/store/records.h"

namespace mcns::writer {

// What is changed here can be undone until it is kept: with the savepoint of one write, or with the
// commit of all. Confined to the thread that writes.
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

  std::size_t mark() const { return undo_.size(); }
  void undo(std::size_t mark);
  void keep() { undo_.clear(); }

  // Numbers records and changes; none is given twice, whatever is undone.
  std::int64_t take_id() { return ++last_id_; }
  std::int64_t last_id() const { return last_id_; }

 private:
  void replace(const Bytes& key, std::optional<store::ZoneRow> zone);

  std::unordered_map<Bytes, store::ZoneRow> zones_;                    // by origin in lower case
  std::vector<std::pair<Bytes, std::optional<store::ZoneRow>>> undo_;  // what was there before
  std::int64_t last_id_ = 0;
};

}  // namespace mcns::writer
