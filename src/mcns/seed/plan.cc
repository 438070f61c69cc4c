#include "mcns/seed/plan.h"

#include <unordered_set>

#include "mcns/rdata/rdata.h"
#include "mcns/store/record_table.h"
#include "mcns/store/seed_table.h"
#include "mcns/store/zone_table.h"

namespace mcns::seed {
namespace {

using dsl::Result;
using dsl::db::Transaction;
using store::RecordRow;

bool is_address(Type type) { return type == Type::kA || type == Type::kAaaa; }

// Whether different records of these types cannot be at one name (writer/rules.cc).
bool exclude_each_other(Type a, Type b) {
  // RFC 1034 section 3.6.2: a CNAME stands alone.
  return a == Type::kCname || b == Type::kCname ||
         (a == Type::kAlias && (b == Type::kAlias || is_address(b))) ||
         (b == Type::kAlias && is_address(a));
}

// Why `entry` is not added beside `rows`, which its name has; empty when it is.
std::string obstacle(const RecordEntry& entry, const std::vector<RecordRow>& rows) {
  const Bytes canonical = canonical_rdata(entry.type, entry.rdata);
  for (const RecordRow& row : rows) {
    if (row.type == entry.type && row.canonical == canonical) {
      return "is there already";
    }
    if (exclude_each_other(row.type, entry.type)) {
      return dsl::text("is ignored: its name has a {} record", mcns::text(row.type));
    }
  }
  return {};
}

class Planner {
 public:
  Planner(Transaction& tx, const ZoneEntry& entry) : tx_(tx), entry_(entry), log_(tx) {}

  Result<Plan> run() {
    MC_ASSIGN(zone_, store::find_zone(tx_, entry_.origin));
    MC_TRY(look_at_zone());
    if (plan_.waits) {
      return std::move(plan_);
    }
    for (const RecordEntry& record : entry_.records) {
      MC_TRY(look_at(record));
    }
    return std::move(plan_);
  }

 private:
  Result<void> look_at_zone() {
    std::string hash = hash_of_zone(entry_.origin);
    MC_ASSIGN(const bool known, log_.contains(hash));
    if (!entry_.row) {
      plan_.waits = !zone_;
      return {};
    }
    if (known) {
      // An operator deleted it: it does not come back.
      plan_.waits = !zone_;
      ++plan_.known;
      return {};
    }
    std::string text = dsl::text("zone {}", entry_.origin.text());
    plan_.create = !zone_;
    if (zone_) {
      plan_.ignored.push_back(text + " is there already");
    }
    plan_.settled.emplace_back(std::move(hash), std::move(text));
    return {};
  }

  Result<void> look_at(const RecordEntry& record) {
    std::string hash = hash_of(entry_.origin, record);
    if (!seen_.insert(hash).second) {
      return {};  // twice in the file
    }
    MC_ASSIGN(const bool known, log_.contains(hash));
    if (known) {
      ++plan_.known;
      return {};
    }
    std::string why_not;
    if (zone_ && record.name.is_within(zone_->origin)) {
      MC_ASSIGN(const auto rows, store::records_at(tx_, *zone_, record.name));
      why_not = obstacle(record, rows);
    }
    std::string text = seed::text(record);
    if (why_not.empty()) {
      plan_.add.push_back(&record);
    } else {
      plan_.ignored.push_back(dsl::text("{} {}", text, why_not));
    }
    plan_.settled.emplace_back(std::move(hash), std::move(text));
    return {};
  }

  Transaction& tx_;
  const ZoneEntry& entry_;
  store::SeedLog log_;
  std::optional<store::ZoneRow> zone_;
  std::unordered_set<std::string> seen_;
  Plan plan_;
};

}  // namespace

Result<Plan> plan(Transaction& tx, const ZoneEntry& zone) { return Planner(tx, zone).run(); }

}  // namespace mcns::seed
