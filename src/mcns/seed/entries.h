// What seed files hold.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mcns/store/records.h"

namespace mcns::seed {

struct RecordEntry {
  Name name;
  Type type = Type::kA;
  std::optional<std::uint32_t> ttl;  // that of its RRset or the zone's default otherwise
  Bytes rdata;
};

// Records of one zone, and what the zone is made with when it is not there.
struct ZoneEntry {
  Name origin;
  std::optional<store::ZoneRow> row;  // none: the zone has to be there
  std::vector<RecordEntry> records;
};

// What an entry is known by: what it is, not the TTL or the fields that it came with, so that a
// file whose TTL was edited brings nothing back.
std::string hash_of_zone(const Name& origin);
std::string hash_of(const Name& origin, const RecordEntry& record);
// A file that was applied as a whole: its content and its name, which may be that of a zone.
std::string hash_of_file(std::string_view name, std::string_view sha256);

// "www.example.test. A 192.0.2.1"
std::string text(const RecordEntry& record);

}  // namespace mcns::seed
