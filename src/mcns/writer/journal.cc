#include "mcns/writer/journal.h"

#include <algorithm>

#include "mcns/store/change_table.h"

namespace mcns::writer {
namespace {

using dsl::Result;
using store::ChangeRow;
using store::RecordRow;
using store::ZoneRow;

// From so many on the database copies them itself.
constexpr std::size_t kManyAdditions = 100;

ChangeRow change(const Work& work, const Draft& draft, bool added) {
  return {.zone_id = draft.zone.id,
          .serial_from = draft.kind == Draft::Kind::kCreated ? 0 : draft.before().soa.serial,
          .serial_to = draft.zone.soa.serial,
          .added = added,
          .actor = work.author.account,
          .source = draft.source.empty() ? work.author.source : draft.source,
          .at = work.now};
}

ChangeRow change(const Work& work, const Draft& draft, const RecordRow& row, bool added) {
  ChangeRow out = change(work, draft, added);
  out.name = row.name;
  out.type = row.type;
  out.ttl = row.ttl;
  out.rdata = row.rdata;
  out.owner = row.owner;
  return out;
}

ChangeRow soa_change(const Work& work, const Draft& draft, const ZoneRow& zone, bool added) {
  ChangeRow out = change(work, draft, added);
  out.name = zone.origin;
  out.type = Type::kSoa;
  out.ttl = zone.soa_ttl;
  out.rdata = zone.soa.rdata();
  return out;
}

}  // namespace

std::vector<ChangeRow> changes_before_additions(const Work& work, Draft& draft, bool with_soa) {
  std::vector<ChangeRow> gone;
  std::vector<ChangeRow> come;
  if (with_soa) {
    gone.push_back(soa_change(work, draft, draft.before(), false));
    come.push_back(soa_change(work, draft, draft.zone, true));
  }
  for (auto& [key, name] : draft.names()) {
    const NameDiff changes = diff(name);
    for (const RecordRow* row : changes.removed) {
      gone.push_back(change(work, draft, *row, false));
    }
    for (const auto& [before, after] : changes.changed) {
      if (before->ttl != after->ttl) {
        gone.push_back(change(work, draft, *before, false));
        come.push_back(change(work, draft, *after, true));
      }
    }
  }
  std::move(come.begin(), come.end(), std::back_inserter(gone));
  return gone;
}

std::vector<ChangeRow> additions(const Work& work, Draft& draft) {
  std::vector<ChangeRow> added;
  for (auto& [key, name] : draft.names()) {
    for (const RecordRow* row : diff(name).added) {
      added.push_back(change(work, draft, *row, true));
      added.back().id = row->id;
    }
  }
  return added;
}

Result<void> journal(Work& work, const Draft& draft, std::vector<ChangeRow>& changes) {
  store::ChangeWriter writer(work.tx, draft.zone);
  for (ChangeRow& change : changes) {
    change.id = work.zones.take_id();
    MC_TRY(writer.insert(change));
  }
  return {};
}

Result<void> journal_additions(Work& work, const Draft& draft, const std::vector<ChangeRow>& added,
                               std::int64_t above) {
  if (added.size() >= kManyAdditions) {
    return store::copy_additions(work.tx, draft.zone, above, added.front());
  }
  store::ChangeWriter writer(work.tx, draft.zone);
  for (const ChangeRow& change : added) {
    MC_TRY(writer.insert(change));
  }
  return {};
}

Result<void> trim_journal(Work& work, Draft& draft, std::uint64_t rows, std::uint64_t rows_max) {
  ZoneRow& zone = draft.zone;
  zone.journal_rows += rows;
  if (zone.journal_rows <= rows_max) {
    return {};
  }
  // Some more than needed, so that it is not done with every write; the new ones stay.
  const std::uint64_t spare = rows_max / 100;
  const std::uint64_t excess = zone.journal_rows - rows_max;
  const std::uint64_t count = std::min(excess + spare, zone.journal_rows - rows);
  MC_ASSIGN(const std::uint64_t trimmed, store::trim_changes(work.tx, zone, count));
  zone.journal_rows -= trimmed;
  return {};
}

}  // namespace mcns::writer
