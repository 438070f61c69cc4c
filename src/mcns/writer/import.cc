#include "mcns/writer/import.h"

#include <algorithm>

#include "mcns/rdata/rdata.h"
#include "mcns/store/record_table.h"
#include "mcns/store/zone_table.h"
#include "mcns/writer/replacement.h"
#include "mcns/writer/rules.h"
#include "mcns/writer/serial.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using store::RecordRow;

// The rows of a zone beside those of an import, both in the order of their keys.
class Merge {
 public:
  Merge(Work& work, Draft& draft, bool keep_others, const PackedRecords& records)
      : work_(work),
        draft_(draft),
        keep_others_(keep_others),
        at_(records.list().begin()),
        end_(records.list().end()) {}

  Result<void> run() {
    if (draft_.kind != Draft::Kind::kCreated) {
      const auto take = [&](RecordRow& row, BytesView key) { return take_row(row, key); };
      MC_TRY(store::each_record(work_.tx, draft_.zone, take));
      MC_TRY(finish_name());
    }
    while (at_ != end_) {
      add_first();
    }
    if (moved_ > 0) {
      work_.warnings.push_back(dsl::text(
          "the TTL of {} records that were there became that of those beside them", moved_));
    }
    return {};
  }

 private:
  Result<void> take_row(RecordRow& row, BytesView key) {
    if (key != key_ || rows_.empty()) {
      MC_TRY(finish_name());
      key_ = Bytes(key);
    }
    rows_.push_back(std::move(row));
    return {};
  }

  // All rows of one name are there.
  Result<void> finish_name() {
    if (rows_.empty()) {
      return {};
    }
    while (at_ != end_ && at_->key() < key_) {
      add_first();
    }
    DraftName name;
    if (at_ != end_ && at_->key() == key_) {
      name = take_first();
    } else if (keep_others_) {
      rows_.clear();
      leaves_out_ = true;
      return {};
    }
    name.name = rows_.front().name;
    name.before = std::move(rows_);
    rows_.clear();
    combine(name);
    const NameDiff changes = diff(name);
    for (const RecordRow* row : changes.removed) {
      MC_TRY(work_.may_touch(*row));
    }
    for (const auto& [before, after] : changes.changed) {
      MC_TRY(work_.may_touch(*before));
    }
    if (changes.empty()) {
      leaves_out_ = true;
    } else {
      append(key_, std::move(name));
    }
    return {};
  }

  void add_first() {
    const Bytes key(at_->key());
    DraftName name = take_first();
    for (RecordRow& row : name.after) {
      make_ours(row);
    }
    append(key, std::move(name));
  }

  // What the import has of the first name that is still to be looked at.
  DraftName take_first() {
    const auto begin = at_;
    at_ = end_of_name(begin, end_);
    DraftName name{.name = name_of(*begin, draft_.zone.origin)};
    name.after = rows_of(begin, at_, name.name);
    return name;
  }

  void append(const Bytes& key, DraftName name) {
    name.follows = !draft_.names().empty() && !leaves_out_;
    leaves_out_ = false;
    draft_.names().emplace_hint(draft_.names().end(), key, std::move(name));
  }

  // Records that are there keep all but their TTL.
  void combine(DraftName& name) {
    for (RecordRow& row : name.after) {
      if (const RecordRow* there = find(name.before, row)) {
        const std::uint32_t ttl = row.ttl;
        row = *there;
        row.ttl = ttl;
      } else {
        make_ours(row);
        row.name = name.name;
      }
    }
    if (keep_others_) {
      keep_others(name);
    }
  }

  // Those that the import does not have stay, with the TTL of what it has beside them.
  void keep_others(DraftName& name) {
    const std::vector<RecordRow> imported = name.after;
    for (const RecordRow& old : name.before) {
      if (find(imported, old) != nullptr) {
        continue;
      }
      RecordRow kept = old;
      const auto beside = std::find_if(imported.begin(), imported.end(),
                                       [&](const RecordRow& row) { return row.type == old.type; });
      if (beside != imported.end() && beside->ttl != kept.ttl) {
        kept.ttl = beside->ttl;
        ++moved_;
      }
      name.after.push_back(std::move(kept));
    }
  }

  static const RecordRow* find(const std::vector<RecordRow>& rows, const RecordRow& wanted) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const RecordRow& row) {
      return row.type == wanted.type && row.canonical == wanted.canonical;
    });
    return found == rows.end() ? nullptr : &*found;
  }

  void make_ours(RecordRow& row) const {
    row.zone_id = draft_.zone.id;
    row.owner = work_.author.account;
    row.created_at = work_.now;
    row.updated_at = work_.now;
  }

  Work& work_;
  Draft& draft_;
  const bool keep_others_;
  PackedRecords::List::const_iterator at_;  // what is still to be looked at
  const PackedRecords::List::const_iterator end_;
  Bytes key_;  // of the rows read so far
  std::vector<RecordRow> rows_;
  bool leaves_out_ = false;  // some name that stays as it is, since the last that was appended
  std::size_t moved_ = 0;
};

void take_soa(Draft& draft, const Prepared& prepared) {
  if (!prepared.soa) {
    return;
  }
  const std::uint32_t current = draft.before().soa.serial;
  draft.zone.soa = *prepared.soa;
  draft.zone.soa.serial = current;
  draft.zone.soa_ttl = prepared.soa_ttl;
  if (prepared.soa->serial != 0 && is_newer(prepared.soa->serial, current)) {
    draft.serial_wanted = prepared.soa->serial;
  }
}

void add_primary_ns(const store::ZoneRow& zone, Prepared& prepared) {
  PackedRecords::List& list = prepared.records.list();
  const auto is_before = [](const PackedRecord& record, Type type) {
    return record.key().empty() && record.type < type;
  };
  const auto at = std::lower_bound(list.begin(), list.end(), Type::kNs, is_before);
  if (at != list.end() && at->key().empty() && at->type == Type::kNs) {
    return;
  }
  const Bytes& rdata = zone.soa.primary_ns.wire();
  const auto before = at - list.begin();
  prepared.records.add({}, {}, Type::kNs, zone.default_ttl, rdata,
                       canonical_rdata(Type::kNs, rdata));
  std::rotate(list.begin() + before, list.end() - 1, list.end());
}

// The records become those of the zone, by way of drafts of its names unless they are too many to
// be listed.
Result<void> become(Work& work, Draft& draft, bool merge, Prepared& prepared) {
  if (!merge) {
    MC_ASSIGN(auto replacement, compare(work, draft, prepared.records));
    if (replacement) {
      draft.replacement = std::move(replacement);
      return {};
    }
  }
  return Merge(work, draft, merge, prepared.records).run();
}

}  // namespace

Result<void> plan_import(Work& work, const Writer::Import& import, Prepared& prepared) {
  const store::ZoneRow* there = work.zones.find(import.zone);
  if (there == nullptr && import.create && !import.if_serial) {
    if (!prepared.soa) {
      return fail(Code::kInvalidArgument, "there is no SOA for the new zone {}", import.zone.text())
          .hint("add one to the file, or create the zone first");
    }
    return plan_create(
        work, {.origin = import.zone, .soa = *prepared.soa, .soa_ttl = prepared.soa_ttl}, prepared);
  }
  MC_ASSIGN(Draft * draft, work.begin(import.zone, import.if_serial));
  work.warnings = std::move(prepared.warnings);
  take_soa(*draft, prepared);
  MC_TRY(check_zone(draft->zone));
  return become(work, *draft, import.merge, prepared);
}

Result<void> plan_create(Work& work, store::ZoneRow zone, Prepared& prepared) {
  if (const store::ZoneRow* there = work.zones.find(zone.origin)) {
    return fail(Code::kAlreadyExists, "the zone {} is there already, at serial {}",
                there->origin.text(), there->soa.serial)
        .hint("`mcns zone update` changes it");
  }
  MC_TRY(check_zone(zone));
  work.warnings = std::move(prepared.warnings);
  // Whoever knows the zone from before must take the new one for newer.
  MC_ASSIGN(const auto past, store::past_serial(work.tx, zone.origin));
  if (zone.soa.serial == 0 || (past && !is_newer(zone.soa.serial, *past))) {
    zone.soa.serial = past ? next_serial(zone.serial_policy, *past, work.now)
                           : first_serial(zone.serial_policy, work.now);
  }
  zone.id = work.zones.take_id();
  zone.journal_rows = 0;
  add_primary_ns(zone, prepared);
  Draft& draft = *work.drafts.emplace_back(std::make_unique<Draft>(zone, Draft::Kind::kCreated));
  return become(work, draft, false, prepared);
}

}  // namespace mcns::writer
