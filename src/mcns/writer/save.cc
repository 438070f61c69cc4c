#include "mcns/writer/save.h"

#include <iterator>

#include "mcns/store/change_table.h"
#include "mcns/store/record_table.h"
#include "mcns/store/zone_table.h"
#include "mcns/writer/journal.h"
#include "mcns/writer/serial.h"

namespace mcns::writer {
namespace {

using dsl::Result;
using store::ChangeRow;
using store::RecordRow;
using store::ZoneRow;

// Rows side by side from which on one statement that removes them all is cheaper.
constexpr std::size_t kLongRun = 32;

bool has_other_soa(const ZoneRow& a, const ZoneRow& b) {
  Soa left = a.soa;
  left.serial = b.soa.serial;
  return left != b.soa || a.soa_ttl != b.soa_ttl;
}

bool has_other_settings(const ZoneRow& a, const ZoneRow& b) {
  return a.default_ttl != b.default_ttl || a.serial_policy != b.serial_policy ||
         a.auto_ptr != b.auto_ptr;
}

// Saves one draft.
class Save {
 public:
  Save(Work& work, Draft& draft, Outcome& outcome)
      : work_(work), draft_(draft), outcome_(outcome) {}

  Result<void> run(bool dry_run) {
    if (draft_.kind == Draft::Kind::kDeleted) {
      return dry_run ? Result<void>() : erase_zone();
    }
    look();
    if (rows_ > 0) {
      draft_.zone.soa.serial = serial();
    }
    outcome_.added += added_;
    outcome_.removed += rows_ - added_;
    // Of an import that is larger than the whole journal only the end would be kept, and half a
    // serial is none.
    is_listed_ = rows_ <= work_.journal_rows_max && !draft_.replacement;
    const bool changed = rows_ > 0 || has_other_settings(draft_.zone, draft_.before());
    outcome_.changed = outcome_.changed || changed;
    if (dry_run && is_listed_) {
      tell(changes_before_additions(work_, draft_, soa_), additions(work_, draft_));
    }
    if (dry_run) {
      return {};
    }
    if (changed) {
      return write();
    }
    return renewed_ ? write_records() : Result<void>();
  }

 private:
  // How much there is to do.
  void look() {
    for (auto& [key, name] : draft_.names()) {
      const NameDiff changes = diff(name);
      const std::size_t moved = changes.moved_ttls();
      added_ += changes.added.size() + moved;
      rows_ += changes.added.size() + changes.removed.size() + 2 * moved;
      renewed_ = renewed_ || !changes.changed.empty();
    }
    if (const auto& replacement = draft_.replacement) {
      added_ += replacement->added() + replacement->moved();
      rows_ += replacement->changes();
    }
    is_new_ = draft_.kind == Draft::Kind::kCreated;
    soa_ = !is_new_ && (draft_.serial_wanted || has_other_soa(draft_.zone, draft_.before()));
    rows_ += soa_ ? 2 : 0;
    added_ += soa_ ? 1 : 0;
  }

  std::uint32_t serial() const {
    if (draft_.serial_wanted) {
      return *draft_.serial_wanted;
    }
    return is_new_ ? draft_.zone.soa.serial
                   : next_serial(draft_.zone.serial_policy, draft_.before().soa.serial, work_.now);
  }

  Result<void> write() {
    ZoneRow& zone = draft_.zone;
    zone.updated_at = work_.now;
    // There is a new number with every change: it tells this commit from the one before.
    (void)work_.zones.take_id();
    if (is_new_) {
      zone.created_at = work_.now;
      MC_TRY(store::insert_zone(work_.tx, zone, work_.zones.last_id()));
    }
    if (is_listed_) {
      MC_TRY(write_with_journal());
    } else {
      MC_TRY(write_records());
      MC_TRY(store::clear_changes(work_.tx, zone));
      zone.journal_rows = 0;
    }
    work_.zones.put(zone);
    return {};
  }

  // A record has the number of the change that added it, so those of other changes come before.
  Result<void> write_with_journal() {
    std::vector<ChangeRow> changes = changes_before_additions(work_, draft_, soa_);
    MC_TRY(journal(work_, draft_, changes));
    const std::int64_t above = work_.zones.last_id();
    MC_TRY(write_records());
    std::vector<ChangeRow> added = additions(work_, draft_);
    MC_TRY(journal_additions(work_, draft_, added, above));
    tell(std::move(changes), std::move(added));
    return trim_journal(work_, draft_, rows_, work_.journal_rows_max);
  }

  void tell(std::vector<ChangeRow> changes, std::vector<ChangeRow> added) {
    std::vector<ChangeRow>& all = outcome_.changes;
    std::move(changes.begin(), changes.end(), std::back_inserter(all));
    std::move(added.begin(), added.end(), std::back_inserter(all));
  }

  using Names = std::map<Bytes, DraftName>;

  // Names side by side that keep none of their rows.
  struct Run {
    Names::iterator end;
    std::size_t rows = 0;
  };
  // At least the name at `begin`, whatever it keeps.
  Run run_from(Names::iterator begin) {
    Run run{.end = begin};
    do {
      const DraftName& name = run.end->second;
      if (diff(run.end->second).removed.size() != name.before.size()) {
        break;
      }
      run.rows += name.before.size();
      ++run.end;
    } while (run.end != draft_.names().end() && run.end->second.follows);
    if (run.end == begin) {
      ++run.end;
    }
    return run;
  }

  Result<void> write_records() {
    if (draft_.replacement) {
      return draft_.replacement->write(work_, draft_.zone);
    }
    store::RecordWriter records(work_.tx, draft_.zone);
    for (auto at = draft_.names().begin(); at != draft_.names().end();) {
      const Run run = run_from(at);
      const bool erased = run.rows >= kLongRun;
      if (erased) {
        MC_TRY(records.erase(at->first, std::prev(run.end)->first));
      }
      for (; at != run.end; ++at) {
        MC_TRY(write_name(records, at->first, at->second, erased));
      }
    }
    return {};
  }

  Result<void> write_name(store::RecordWriter& records, const Bytes& key, DraftName& name,
                          bool erased) {
    const NameDiff changes = diff(name);
    if (!erased) {
      for (const RecordRow* row : changes.removed) {
        MC_TRY(records.erase(*row, key));
      }
    }
    for (const auto& [before, row] : changes.changed) {
      row->updated_at = work_.now;
      MC_TRY(records.update(*row, key));
    }
    for (RecordRow* row : changes.added) {
      if (row->type == Type::kDname) {
        work_.zones.note_dname(draft_.zone.id);
      }
      row->id = work_.zones.take_id();
      row->zone_id = draft_.zone.id;
      MC_TRY(records.insert(*row, key));
    }
    return {};
  }

  Result<void> erase_zone() {
    MC_TRY(store::erase_zone(work_.tx, draft_.zone, work_.zones.take_id()));
    work_.zones.erase(draft_.zone.origin);
    outcome_.changed = true;
    return {};
  }

  Work& work_;
  Draft& draft_;
  Outcome& outcome_;
  std::uint64_t rows_ = 0;   // of the journal
  std::uint64_t added_ = 0;  // of those
  bool renewed_ = false;     // some row gets another TTL, owner or lease
  bool is_new_ = false;
  bool soa_ = false;        // it is among the changes
  bool is_listed_ = false;  // the changes are, in journal and outcome
};

}  // namespace

Result<Outcome> save(Work& work, bool dry_run) {
  Outcome outcome;
  for (const auto& draft : work.drafts) {
    MC_TRY(Save(work, *draft, outcome).run(dry_run));
  }
  const Draft& first = *work.drafts.front();
  outcome.serial = dry_run ? first.before().soa.serial : first.zone.soa.serial;
  outcome.warnings = std::move(work.warnings);
  return outcome;
}

}  // namespace mcns::writer
