// Zones and questions for properties: few labels and few zones, so that everything meets.
#pragma once

#include <vector>

#include <rapidcheck.h>

#include "mcns/answer/zone_data.h"
#include "mcns/wire/message.h"

namespace mcns::test {

// A name as numbers: labels below one of the zones.
struct Place {
  std::size_t zone = 0;
  std::vector<std::size_t> labels;
};

// What may become a record. Those that no zone can hold beside the others are left out when the
// zones are made, so any list of entries makes zones, and a failing one is shortened by leaving
// entries out.
struct Entry {
  enum class Kind { kData, kCname, kAlias, kDname, kCut, kPointer };
  Kind kind = Kind::kData;
  Place owner;
  Place target;
  std::size_t choice = 0;  // among the types of that kind
};

rc::Gen<Entry> any_entry();
rc::Gen<Question> any_question();

// One zone, one below it and one beside it; one of those may be missing.
std::vector<ZoneData> make_world(const std::vector<Entry>& entries, bool with_child);

}  // namespace mcns::test
