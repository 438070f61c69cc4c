// Zones as plain maps: what the reference reads, and what the real store is filled with.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mcns/wire/message.h"
#include "mcns/zone/rrset.h"
#include "mcns/zone/store.h"

namespace mcns::test {

struct ZoneData {
  Name origin;
  std::map<Name, std::map<Type, Rrset>> names;  // with records only: no empty non-terminals

  // Joins the RRset of its name and type, which takes its TTL.
  void add(const Record& record);
  bool has(const Name& name, Type type) const;
  // Records at that name or at one below it.
  bool exists(const Name& name) const;
};

// A file of RFC 1035; ends the test binary when it is wrong.
ZoneData read_zone(const Name& origin, std::string_view file_name, std::string_view text);
// The zones in the form of a file, for messages.
std::string text(const std::vector<ZoneData>& zones);
// Makes them all of the store's zones.
void publish(zone::Store& store, const std::vector<ZoneData>& zones);

}  // namespace mcns::test
