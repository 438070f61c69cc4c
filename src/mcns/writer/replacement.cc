#include "mcns/writer/replacement.h"

#include <algorithm>

#include "mcns/store/record_loader.h"
#include "mcns/store/record_table.h"
#include "mcns/store/sort_key.h"
#include "mcns/writer/work.h"

namespace mcns::writer {
namespace {

using dsl::Result;
using State = PackedRecord::State;
using Iterator = PackedRecords::List::const_iterator;

DraftName draft_name(Iterator begin, Iterator end, const Name& origin) {
  DraftName name{.name = name_of(*begin, origin)};
  name.after = rows_of(begin, end, name.name);
  return name;
}

// Where the records of the type and name at `begin` end.
Iterator end_of_rrset(Iterator begin, Iterator end) {
  return std::find_if(begin, end, [&](const PackedRecord& record) {
    return record.type != begin->type || record.key() != begin->key();
  });
}

bool is_as_before(const PackedRecord& record) {
  return record.state == State::kSame && !record.loses_neighbour;
}

}  // namespace

DraftName Replacement::name(const Name& name) const {
  const Bytes key = store::sort_key(name, origin_);
  const PackedRecords::List& list = records_.list();
  const auto found = std::lower_bound(
      list.begin(), list.end(), key,
      [](const PackedRecord& record, const Bytes& wanted) { return record.key() < wanted; });
  if (found == list.end() || found->key() != key) {
    return {.name = name};
  }
  return draft_name(found, end_of_name(found, list.end()), origin_);
}

void Replacement::each_changed(const Which& which,
                               const std::function<void(const DraftName&)>& use) const {
  const PackedRecords::List& list = records_.list();
  for (auto begin = list.begin(); begin != list.end();) {
    const auto end = end_of_name(begin, list.end());
    if (!std::all_of(begin, end, is_as_before) && which(begin, end)) {
      use(draft_name(begin, end, origin_));
    }
    begin = end;
  }
}

Result<void> Replacement::write(Work& work, const store::ZoneRow& zone) const {
  store::RecordWriter writer(work.tx, zone);
  for (const Range& range : ranges_) {
    MC_TRY(writer.erase(range.first, range.last));
  }
  for (const Erased& row : erased_) {
    MC_TRY(writer.erase(row.key, row.type, row.canonical));
  }
  store::RecordLoader loader(work.tx, zone, work.author.account, work.now);
  for (const PackedRecord& record : records_.list()) {
    if (record.state == State::kMoved) {
      MC_TRY(
          writer.update_ttl(record.key(), record.type, record.canonical(), record.ttl, work.now));
    } else if (record.state == State::kAdded) {
      MC_TRY(loader.add({.id = work.zones.take_id(),
                         .key = record.key(),
                         .type = record.type,
                         .ttl = record.ttl,
                         .rdata = record.rdata(),
                         .canonical = record.canonical()},
                        name_of(record, origin_)));
    }
  }
  return loader.finish();
}

void Replacement::publish(zone::Edit& edit) const {
  const PackedRecords::List& list = records_.list();
  Rrset rrset;
  for (auto begin = list.begin(); begin != list.end();) {
    const auto end = end_of_rrset(begin, list.end());
    if (!std::all_of(begin, end, is_as_before)) {
      rrset.name = name_of(*begin, origin_);
      rrset.type = begin->type;
      rrset.ttl = begin->ttl;
      rrset.rdata.resize(static_cast<std::size_t>(end - begin));
      std::transform(begin, end, rrset.rdata.begin(),
                     [](const PackedRecord& record) { return Bytes(record.rdata()); });
      edit.put(origin_, rrset);
    }
    begin = end;
  }
  // Last, so that a name which gets another type stays, with the case as first written.
  for (const auto& [key, type] : gone_) {
    const auto name = store::name_of(key, origin_);
    MC_ASSERT(name.has_value(), "the key of a row is one of a name");
    edit.erase(origin_, *name, type);
  }
}

}  // namespace mcns::writer
