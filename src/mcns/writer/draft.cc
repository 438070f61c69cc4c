#include "mcns/writer/draft.h"

#include <algorithm>
#include <tuple>

#include "mcns/rdata/rdata.h"
#include "mcns/store/record_table.h"
#include "mcns/store/sort_key.h"

namespace mcns::writer {
namespace {

using dsl::Result;
using dsl::db::Transaction;
using store::RecordRow;

bool comes_before(const RecordRow* a, const RecordRow* b) {
  return std::tie(a->type, a->canonical) < std::tie(b->type, b->canonical);
}

template <class Pointer, class Rows>
NameDiff::Few<Pointer> all_of(Rows& rows) {
  NameDiff::Few<Pointer> pointers;
  pointers.reserve(rows.size());
  for (auto& row : rows) {
    pointers.push_back(&row);
  }
  return pointers;
}

template <class Pointer, class Rows>
NameDiff::Few<Pointer> in_order(Rows& rows) {
  NameDiff::Few<Pointer> pointers = all_of<Pointer>(rows);
  if (pointers.size() > 1) {
    std::sort(pointers.begin(), pointers.end(), comes_before);
  }
  return pointers;
}

}  // namespace

bool DraftName::has(Type type) const {
  return std::any_of(after.begin(), after.end(),
                     [type](const RecordRow& row) { return row.type == type; });
}

std::size_t NameDiff::moved_ttls() const {
  return static_cast<std::size_t>(
      std::count_if(changed.begin(), changed.end(),
                    [](const auto& record) { return record.first->ttl != record.second->ttl; }));
}

NameDiff diff(DraftName& name) {
  NameDiff out;
  // Of an import most names are new.
  if (name.before.empty() || name.after.empty()) {
    out.removed = all_of<const RecordRow*>(name.before);
    out.added = all_of<RecordRow*>(name.after);
    return out;
  }
  const auto before = in_order<const RecordRow*>(name.before);
  const auto after = in_order<RecordRow*>(name.after);
  auto old_row = before.begin();
  auto new_row = after.begin();
  while (old_row != before.end() || new_row != after.end()) {
    if (new_row == after.end() || (old_row != before.end() && comes_before(*old_row, *new_row))) {
      out.removed.push_back(*old_row++);
    } else if (old_row == before.end() || comes_before(*new_row, *old_row)) {
      out.added.push_back(*new_row++);
    } else {
      const RecordRow& was = **old_row++;
      RecordRow& is = **new_row++;
      // The case as first written stays.
      is.id = was.id;
      is.rdata = was.rdata;
      is.created_at = was.created_at;
      if (is.ttl != was.ttl || is.owner != was.owner ||
          is.lease_expires_at != was.lease_expires_at) {
        out.changed.emplace_back(&was, &is);
      }
    }
  }
  return out;
}

Result<DraftName*> Draft::name(Transaction& tx, const Name& name) {
  MC_ASSERT(replacement == nullptr, "the names of a zone that is replaced are not drafts");
  Bytes key = store::sort_key(name, zone.origin);
  const auto found = names_.lower_bound(key);
  if (found != names_.end() && found->first == key) {
    return &found->second;
  }
  DraftName draft{.name = name};
  if (kind != Kind::kCreated) {
    MC_ASSIGN(draft.before, store::records_at(tx, zone, name));
  }
  if (!draft.before.empty()) {
    draft.name = draft.before.front().name;
    draft.after = draft.before;
  }
  return &names_.emplace_hint(found, std::move(key), std::move(draft))->second;
}

Result<std::optional<Name>> Draft::find_below(Transaction& tx, const Name& name) {
  const Bytes above = store::sort_key(name, zone.origin);
  const auto is_below = [&](const Bytes& key) {
    return above.empty()
               ? !key.empty()
               : key.size() > above.size() && key.starts_with(above) && key[above.size()] == '\0';
  };
  for (auto at = names_.upper_bound(above); at != names_.end() && is_below(at->first); ++at) {
    if (!at->second.after.empty()) {
      return std::optional(at->second.name);
    }
  }
  std::optional<Bytes> found;
  if (kind != Kind::kCreated) {
    // Those that this write touches were looked at.
    MC_TRY(store::each_name_below(tx, zone, above, [&](const Bytes& key) {
      if (!names_.contains(key)) {
        found = key;
      }
      return !found.has_value();
    }));
  }
  if (!found) {
    return std::optional<Name>();
  }
  return store::name_of(*found, zone.origin);
}

Result<DraftName*> Draft::find_dname_above(Transaction& tx, const Name& owner) {
  const std::size_t labels = owner.label_count();
  for (std::size_t count = zone.origin.label_count(); count < labels; ++count) {
    const Name above = owner.suffix(count);
    const Bytes key = store::sort_key(above, zone.origin);
    const auto known = names_.find(key);
    bool found = known != names_.end() && known->second.has(Type::kDname);
    if (known == names_.end() && kind != Kind::kCreated) {
      MC_ASSIGN(found, store::has_record(tx, zone, key, Type::kDname));
    }
    if (found) {
      return name(tx, above);
    }
  }
  return nullptr;
}

std::string text(const RecordRow& record) {
  return dsl::text("{} {} {}", record.name.text(), mcns::text(record.type),
                   rdata_text(record.type, record.rdata));
}

}  // namespace mcns::writer
