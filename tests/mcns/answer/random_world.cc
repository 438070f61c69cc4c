#include "mcns/answer/random_world.h"

#include <algorithm>
#include <array>
#include <string>

#include "mcns/rdata/rdata.h"
#include "support/result_matchers.h"

namespace mcns::test {
namespace {

using dsl::test::require_ok;

constexpr std::array<const char*, 4> kOrigins = {"one.test.", "sub.one.test.", "Two.Test.",
                                                 "elsewhere.invalid."};
constexpr std::size_t kZones = 3;  // the last of them is nobody's
constexpr std::array<const char*, 7> kLabels = {"a", "b", "B", "c", "*", "sub", "x\\.y"};
constexpr std::array<Type, 15> kQuestionTypes = {
    Type::kA,     Type::kA,   Type::kAaaa, Type::kNs,   Type::kCname,
    Type::kCname, Type::kSoa, Type::kMx,   Type::kTxt,  Type::kDname,
    Type::kDs,    Type::kAny, Type::kSrv,  Type::kSvcb, Type::kAlias};

Name name_of(const Place& place) {
  std::string text;
  for (const std::size_t label : place.labels) {
    text += std::string(kLabels.at(label)) + ".";
  }
  return require_ok(Name::parse(text + kOrigins.at(place.zone)));
}

rc::Gen<Place> any_place() {
  return rc::gen::build<Place>(
      rc::gen::set(&Place::zone,
                   rc::gen::weightedElement<std::size_t>({{8, 0}, {4, 1}, {4, 2}, {1, 3}})),
      rc::gen::set(&Place::labels,
                   rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 5), [](std::size_t size) {
                     return rc::gen::container<std::vector<std::size_t>>(
                         size, rc::gen::inRange<std::size_t>(0, kLabels.size()));
                   })));
}

Record record(const Name& owner, Type type, std::string_view data, std::uint32_t ttl) {
  return {owner, type, Class::kIn, ttl, require_ok(rdata_from_text(type, data, Name()))};
}

// RFC 2181 section 10.1 (CNAME alone), RFC 6672 section 2.4 (nothing below a DNAME), RFC 4592
// section 4.2 and 4.4 (no NS or DNAME at a wildcard).
bool fits(const ZoneData& zone, const Name& name, Type type) {
  const auto node = zone.names.find(name);
  const bool has_others = node != zone.names.end();
  if (zone.has(name, Type::kCname) || (type == Type::kCname && has_others)) {
    return false;
  }
  const bool is_address = type == Type::kA || type == Type::kAaaa;
  if ((zone.has(name, Type::kAlias) && (is_address || type == Type::kAlias)) ||
      (type == Type::kAlias && (zone.has(name, Type::kA) || zone.has(name, Type::kAaaa)))) {
    return false;
  }
  if (name.is_wildcard() && (type == Type::kNs || type == Type::kDname)) {
    return false;
  }
  const bool is_apex = name == zone.origin;
  if (!is_apex && ((type == Type::kNs && zone.has(name, Type::kDname)) ||
                   (type == Type::kDname && zone.has(name, Type::kNs)))) {
    return false;
  }
  const bool below_dname = std::any_of(zone.names.begin(), zone.names.end(), [&](const auto& each) {
    return each.second.contains(Type::kDname) && name.is_within(each.first) &&
           !(name == each.first);
  });
  const bool above_others = std::any_of(
      zone.names.begin(), zone.names.end(),
      [&](const auto& each) { return each.first.is_within(name) && !(name == each.first); });
  const bool second = type == Type::kDname && zone.has(name, Type::kDname);
  return !below_dname && !second && !(type == Type::kDname && above_others);
}

void add(ZoneData& zone, const Entry& entry) {
  const Name owner = name_of(entry.owner);
  const std::string target = name_of(entry.target).text();
  const auto put = [&](const Name& name, Type type, const std::string& data) {
    if (name.is_within(zone.origin) && fits(zone, name, type)) {
      zone.add(record(name, type, data, entry.choice % 2 == 0 ? 300 : 60));
      return true;
    }
    return false;
  };
  const std::string number = std::to_string(entry.choice);
  switch (entry.kind) {
    case Entry::Kind::kData:
      put(owner, entry.choice % 3 == 0 ? Type::kTxt : Type::kA,
          entry.choice % 3 == 0 ? "\"text " + number + "\"" : "192.0.2." + number);
      break;
    case Entry::Kind::kCname:
      put(owner, Type::kCname, target);
      break;
    case Entry::Kind::kAlias:
      put(owner, Type::kAlias, target);
      break;
    case Entry::Kind::kDname:
      put(owner, Type::kDname, target);
      break;
    case Entry::Kind::kCut:
      if (!put(owner, Type::kNs, target)) {
        break;
      }
      // Glue of any kind, or a server that is nowhere.
      if (entry.choice % 3 != 0) {
        put(name_of(entry.target), entry.choice % 2 == 0 ? Type::kA : Type::kAaaa,
            entry.choice % 2 == 0 ? "192.0.2." + number : "2001:db8::" + number);
      }
      if (entry.choice % 4 == 0 && !(owner == zone.origin)) {
        put(owner, Type::kDs, "1 13 2 " + std::string(64, 'a'));
      }
      break;
    case Entry::Kind::kPointer:
      if (entry.choice % 3 == 0) {
        put(owner, Type::kMx, number + " " + target);
      } else if (entry.choice % 3 == 1) {
        put(owner, Type::kSrv, "0 0 53 " + target);
      } else {
        put(owner, Type::kSvcb, "1 " + target);
      }
      break;
  }
}

}  // namespace

rc::Gen<Entry> any_entry() {
  using Kind = Entry::Kind;
  return rc::gen::build<Entry>(
      rc::gen::set(&Entry::kind, rc::gen::weightedElement<Kind>({{6, Kind::kData},
                                                                 {4, Kind::kCname},
                                                                 {3, Kind::kAlias},
                                                                 {2, Kind::kDname},
                                                                 {3, Kind::kCut},
                                                                 {2, Kind::kPointer}})),
      rc::gen::set(&Entry::owner, any_place()), rc::gen::set(&Entry::target, any_place()),
      rc::gen::set(&Entry::choice, rc::gen::inRange<std::size_t>(1, 13)));
}

rc::Gen<Question> any_question() {
  return rc::gen::map(rc::gen::pair(any_place(), rc::gen::elementOf(kQuestionTypes)),
                      [](const std::pair<Place, Type>& each) {
                        return Question{name_of(each.first), each.second, Class::kIn};
                      });
}

std::vector<ZoneData> make_world(const std::vector<Entry>& entries, bool with_child) {
  std::vector<ZoneData> zones;
  for (std::size_t number = 0; number < kZones; ++number) {
    if (number == 1 && !with_child) {
      continue;  // its entries become records of the zone above
    }
    ZoneData zone;
    zone.origin = require_ok(Name::parse(kOrigins.at(number)));
    zone.add(record(zone.origin, Type::kSoa,
                    dsl::text("ns.{} mail.{} {} 3600 600 604800 60", zone.origin.text(),
                              zone.origin.text(), number + 1),
                    300));
    zone.add(record(zone.origin, Type::kNs, "a." + zone.origin.text(), 300));
    for (const Entry& entry : entries) {
      const bool own = entry.owner.zone == number;
      if (own || (number == 0 && entry.owner.zone == 1)) {
        add(zone, entry);
      }
    }
    zones.push_back(std::move(zone));
  }
  return zones;
}

}  // namespace mcns::test
