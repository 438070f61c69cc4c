#include "mcns/writer/rollback.h"

#include <algorithm>

#include "mcns/rdata/rdata.h"
#include "mcns/store/change_table.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using store::ChangeRow;
using store::RecordRow;

auto is_record(Type type, const Bytes& canonical) {
  return [type, &canonical](const RecordRow& row) {
    return row.type == type && row.canonical == canonical;
  };
}

Result<void> undo_soa(Draft& draft, const ChangeRow& change) {
  if (change.added) {
    return {};
  }
  const std::uint32_t serial = draft.zone.soa.serial;
  MC_ASSIGN(draft.zone.soa, Soa::parse(change.rdata));
  draft.zone.soa.serial = serial;
  draft.zone.soa_ttl = change.ttl;
  return {};
}

Result<void> undo(Work& work, Draft& draft, const ChangeRow& change) {
  if (change.type == Type::kSoa) {
    return undo_soa(draft, change);
  }
  MC_ASSIGN(DraftName * name, draft.name(work.tx, change.name));
  const Bytes canonical = canonical_rdata(change.type, change.rdata);
  if (change.added) {
    if (std::erase_if(name->after, is_record(change.type, canonical)) == 0) {
      return fail(Code::kDataLoss,
                  "the journal of {} does not fit its records: {} {} {} is missing",
                  draft.zone.origin.text(), change.name.text(), mcns::text(change.type),
                  rdata_text(change.type, change.rdata))
          .hint("put back a snapshot of the database, or import the zone");
    }
    return {};
  }
  RecordRow row{.zone_id = draft.zone.id,
                .name = name->name,
                .type = change.type,
                .ttl = change.ttl,
                .rdata = change.rdata,
                .canonical = canonical,
                .owner = change.owner,
                .created_at = work.now,
                .updated_at = work.now};
  const auto there =
      std::find_if(name->before.begin(), name->before.end(), is_record(change.type, canonical));
  if (there != name->before.end()) {
    // It only had another TTL, or was away for a while.
    row.lease_expires_at = there->lease_expires_at;
  }
  name->after.push_back(std::move(row));
  return {};
}

}  // namespace

Result<void> plan_rollback(Work& work, const Name& zone, std::uint32_t serial,
                           std::optional<std::uint32_t> if_serial) {
  MC_ASSIGN(Draft * draft, work.begin(zone, if_serial));
  MC_ASSIGN(const std::vector<ChangeRow> changes,
            store::changes_since(work.tx, draft->before(), serial));
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    MC_TRY(undo(work, *draft, *change));
  }
  return {};
}

}  // namespace mcns::writer
