#include "mcns/writer/zone_map.h"

#include <algorithm>
#include <string>

#include "dsl/config/nearest.h"

namespace mcns::writer {

using store::ZoneRow;

ZoneMap::ZoneMap(const std::vector<ZoneRow>& zones, std::int64_t last_id) : last_id_(last_id) {
  for (const ZoneRow& zone : zones) {
    zones_.emplace(zone.origin.lower(), zone);
  }
}

const ZoneRow* ZoneMap::find(const Name& origin) const {
  const auto found = zones_.find(origin.lower());
  return found == zones_.end() ? nullptr : &found->second;
}

const ZoneRow* ZoneMap::find(std::int64_t id) const {
  const auto found = std::find_if(zones_.begin(), zones_.end(),
                                  [id](const auto& zone) { return zone.second.id == id; });
  return found == zones_.end() ? nullptr : &found->second;
}

const ZoneRow* ZoneMap::enclosing(const Name& name) const {
  Bytes key = name.lower();
  for (;;) {
    const auto found = zones_.find(key);
    if (found != zones_.end()) {
      return &found->second;
    }
    if (key.size() == 1) {
      return nullptr;
    }
    key.erase(0, 1 + static_cast<std::uint8_t>(key[0]));
  }
}

std::string ZoneMap::nearest(const Name& origin) const {
  if (const ZoneRow* zone = enclosing(origin)) {
    return zone->origin.text();
  }
  std::vector<std::string> known;
  known.reserve(zones_.size());
  for (const auto& [key, zone] : zones_) {
    known.push_back(zone.origin.text());
  }
  std::sort(known.begin(), known.end());
  return dsl::config::nearest(origin.text(), known);
}

void ZoneMap::put(const ZoneRow& zone) {
  Bytes key = zone.origin.lower();
  replace(key, zone);
  unsaved_.insert(std::move(key));
}

void ZoneMap::erase(const Name& origin) {
  const Bytes key = origin.lower();
  replace(key, std::nullopt);
  unsaved_.erase(key);
}

std::vector<ZoneRow> ZoneMap::take_unsaved() {
  std::vector<ZoneRow> zones;
  for (const Bytes& key : unsaved_) {
    zones.push_back(zones_.at(key));
  }
  unsaved_.clear();
  return zones;
}

void ZoneMap::undo() {
  while (!undo_.empty()) {
    auto [key, zone] = std::move(undo_.back());
    undo_.pop_back();
    if (zone) {
      zones_.insert_or_assign(key, std::move(*zone));
    } else {
      zones_.erase(key);
    }
  }
  unsaved_.clear();
}

void ZoneMap::keep() {
  undo_.clear();
  unsaved_.clear();
}

void ZoneMap::replace(const Bytes& key, std::optional<ZoneRow> zone) {
  const auto found = zones_.find(key);
  undo_.emplace_back(key, found == zones_.end() ? std::nullopt : std::optional(found->second));
  if (zone) {
    zones_.insert_or_assign(key, std::move(*zone));
  } else {
    zones_.erase(key);
  }
}

}  // namespace mcns::writer
