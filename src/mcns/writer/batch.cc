#include "mcns/writer/batch.h"

#include <algorithm>
#include <set>

#include "mcns/rdata/rdata.h"
#include "mcns/store/sort_key.h"
#include "mcns/writer/rules.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using store::RecordRow;

constexpr std::chrono::seconds kLeaseMax{2147483647};

// One operation on one name.
class Edit {
 public:
  Edit(Work& work, Draft& draft, DraftName& name, const Operation& operation)
      : work_(work), draft_(draft), name_(name), operation_(operation) {}

  Result<void> run() {
    switch (operation_.kind) {
      case Operation::Kind::kAdd:
        return add();
      case Operation::Kind::kSet:
        return set();
      case Operation::Kind::kChange:
        return change();
      case Operation::Kind::kDelete:
        return operation_.rdata.empty() ? remove_rrset() : remove_records();
      case Operation::Kind::kDeleteName:
        return remove_name();
    }
    return {};
  }

 private:
  bool is_of_rrset(const RecordRow& row) const { return row.type == operation_.type; }

  RecordRow* find(BytesView canonical) {
    const auto found = std::find_if(
        name_.after.begin(), name_.after.end(),
        [&](const RecordRow& row) { return is_of_rrset(row) && row.canonical == canonical; });
    return found == name_.after.end() ? nullptr : &*found;
  }

  std::uint32_t ttl() const {
    if (operation_.ttl) {
      return *operation_.ttl;
    }
    const auto first = std::find_if(name_.after.begin(), name_.after.end(),
                                    [&](const RecordRow& row) { return is_of_rrset(row); });
    return first == name_.after.end() ? draft_.zone.default_ttl : first->ttl;
  }

  std::optional<dsl::env::WallTime> lease_end() const {
    return operation_.lease ? std::optional(work_.now + *operation_.lease) : std::nullopt;
  }

  RecordRow made(const Bytes& rdata) const {
    return {.zone_id = draft_.zone.id,
            .name = name_.name,
            .type = operation_.type,
            .ttl = ttl(),
            .rdata = rdata,
            .canonical = canonical_rdata(operation_.type, rdata),
            .owner = work_.author.account,
            .lease_expires_at = lease_end(),
            .created_at = work_.now,
            .updated_at = work_.now};
  }

  // Another TTL or lease for a record that is there.
  Result<void> renew(RecordRow& row, std::uint32_t ttl, std::optional<dsl::env::WallTime> lease) {
    if (row.ttl != ttl || row.lease_expires_at != lease) {
      MC_TRY(work_.may_touch(row));
      row.ttl = ttl;
      row.lease_expires_at = lease;
    }
    return {};
  }

  Result<void> add() { return put(made(operation_.rdata.front())); }

  // The record itself, or its TTL and lease for the one that is there.
  Result<void> put(RecordRow row) {
    RecordRow* there = find(row.canonical);
    if (there != nullptr && there->ttl == row.ttl && !there->lease_expires_at &&
        !row.lease_expires_at) {
      return fail(Code::kAlreadyExists, "{} is there already", writer::text(*there))
          .hint("`mcns record set` replaces what a name has of a type");
    }
    const std::uint32_t wanted = row.ttl;
    if (there != nullptr) {
      MC_TRY(renew(*there, wanted, row.lease_expires_at));
    }
    MC_TRY(move_ttl(wanted));
    if (there == nullptr) {
      name_.after.push_back(std::move(row));
    }
    return {};
  }

  // A number is that of one name, type and value for ever, so who has another value is another
  // record: the one goes and the other comes.
  Result<void> change() {
    const auto found = std::find_if(name_.after.begin(), name_.after.end(),
                                    [&](const RecordRow& row) { return row.id == operation_.id; });
    if (found == name_.after.end()) {
      return fail(Code::kNotFound, "zone {} has no record {}", draft_.zone.origin.text(),
                  operation_.id)
          .hint("a record that was changed has another number: mcns record list shows it");
    }
    const RecordRow was = *found;
    const std::uint32_t wanted = operation_.ttl.value_or(was.ttl);
    const auto lease =
        operation_.keeps_lease && !operation_.lease ? was.lease_expires_at : lease_end();
    if (operation_.rdata.empty() ||
        canonical_rdata(operation_.type, operation_.rdata.front()) == was.canonical) {
      MC_TRY(renew(*found, wanted, lease));
      return move_ttl(wanted);
    }
    MC_TRY(remove_if([&](const RecordRow& row) { return row.id == was.id; }));
    RecordRow row = made(operation_.rdata.front());
    row.ttl = wanted;
    row.lease_expires_at = lease;
    return put(std::move(row));
  }

  // RFC 2181 section 5.2: the records of an RRset have one TTL.
  Result<void> move_ttl(std::uint32_t ttl) {
    std::size_t moved = 0;
    for (RecordRow& row : name_.after) {
      if (is_of_rrset(row) && row.ttl != ttl) {
        MC_TRY(work_.may_touch(row));
        row.ttl = ttl;
        ++moved;
      }
    }
    if (moved > 0) {
      work_.warnings.push_back(dsl::text("the TTL of the {} other {} record{} of {} became {}",
                                         moved, mcns::text(operation_.type), moved == 1 ? "" : "s",
                                         name_.name.text(), ttl));
    }
    return {};
  }

  Result<void> set() {
    const std::uint32_t wanted = ttl();
    std::set<Bytes> kept;
    for (const Bytes& rdata : operation_.rdata) {
      RecordRow row = made(rdata);
      if (!kept.insert(row.canonical).second) {
        continue;
      }
      if (RecordRow* there = find(row.canonical)) {
        MC_TRY(renew(*there, wanted, lease_end()));
      } else {
        name_.after.push_back(std::move(row));
      }
    }
    return remove_if(
        [&](const RecordRow& row) { return is_of_rrset(row) && !kept.contains(row.canonical); });
  }

  Result<void> remove_records() {
    for (const Bytes& rdata : operation_.rdata) {
      const Bytes canonical = canonical_rdata(operation_.type, rdata);
      if (find(canonical) == nullptr) {
        return fail(Code::kNotFound, "there is no record {} {} {}", name_.name.text(),
                    mcns::text(operation_.type), rdata_text(operation_.type, rdata))
            .hint(hint());
      }
      MC_TRY(remove_if(
          [&](const RecordRow& row) { return is_of_rrset(row) && row.canonical == canonical; }));
    }
    return {};
  }

  Result<void> remove_rrset() {
    if (!name_.has(operation_.type)) {
      return fail(Code::kNotFound, "{} has no {} record", name_.name.text(),
                  mcns::text(operation_.type))
          .hint(hint());
    }
    return remove_if([&](const RecordRow& row) { return is_of_rrset(row); });
  }

  Result<void> remove_name() {
    if (name_.after.empty()) {
      return fail(Code::kNotFound, "{} has no record", name_.name.text()).hint(hint());
    }
    return remove_if([](const RecordRow&) { return true; });
  }

  std::string hint() const {
    return dsl::text("`mcns record list {}` shows what the zone has", draft_.zone.origin.text());
  }

  template <class Which>
  Result<void> remove_if(const Which& which) {
    for (const RecordRow& row : name_.after) {
      if (which(row)) {
        MC_TRY(work_.may_touch(row));
      }
    }
    std::erase_if(name_.after, which);
    return {};
  }

  Work& work_;
  Draft& draft_;
  DraftName& name_;
  const Operation& operation_;
};

// It gives records values, and does not only name them.
bool is_write(const Operation& operation) {
  return operation.kind == Operation::Kind::kAdd || operation.kind == Operation::Kind::kSet ||
         operation.kind == Operation::Kind::kChange;
}

Result<void> check_operation(const Name& zone, const Operation& operation) {
  if (!operation.name.is_within(zone)) {
    return wrong_field("name", "{} is not in the zone {}", operation.name.text(), zone.text())
        .hint(dsl::text("a name that ends with {}, or one without a final dot", zone.text()));
  }
  if (operation.kind == Operation::Kind::kAdd && operation.rdata.size() != 1) {
    return wrong_field("value", "{} values to add", operation.rdata.size())
        .hint("one record at a time, for example 192.0.2.1; `set` takes several");
  }
  if (operation.kind == Operation::Kind::kChange && operation.id < 1) {
    // The records that its own batch has added have no number yet: that is not theirs.
    return wrong_field("id", "{} is no record's", operation.id)
        .hint("mcns record list --output wide shows the numbers");
  }
  if (operation.kind == Operation::Kind::kChange && operation.rdata.size() > 1) {
    return wrong_field("value", "{} values for one record", operation.rdata.size())
        .hint("one, for example 192.0.2.1, or none to keep it");
  }
  if (operation.kind == Operation::Kind::kSet && operation.rdata.empty()) {
    return wrong_field("values", "a set of records without a value")
        .hint("at least one, for example 192.0.2.1; delete the set to have none");
  }
  if (operation.lease && (operation.lease->count() < 1 || *operation.lease > kLeaseMax)) {
    return wrong_field("lease_seconds", "{} is not possible", operation.lease->count())
        .hint(dsl::text("1 to {}, for example 3600", kLeaseMax.count()));
  }
  if (operation.lease && operation.type == Type::kNs && operation.name == zone) {
    return wrong_field("lease_seconds", "the NS records of a zone itself must stay")
        .hint("leave it out");
  }
  MC_TRY(check_ttl("ttl", operation.ttl.value_or(0)));  // that of a change without a value too
  for (const Bytes& rdata : operation.rdata) {
    if (is_write(operation)) {
      MC_TRY(check_record(zone, operation.name, operation.type, operation.ttl.value_or(0), rdata));
    } else {
      // Its canonical form is asked for.
      MC_TRY(check_value(operation.type, rdata));
    }
  }
  return {};
}

std::string place(const Batch& batch, std::size_t i) {
  return batch.operations.size() == 1 ? std::string() : dsl::text("operations[{}]", i);
}

}  // namespace

Result<void> check_batch(const Batch& batch) {
  Problems problems;
  for (std::size_t i = 0; i < batch.operations.size(); ++i) {
    if (auto checked = check_operation(batch.zone, batch.operations[i]); !checked) {
      problems.add(checked.error(), place(batch, i));
    }
  }
  return std::move(problems).verdict();
}

Result<void> plan_batch(Work& work, const Batch& batch) {
  MC_ASSIGN(Draft * draft, work.begin(batch.zone, batch.if_serial));
  for (std::size_t i = 0; i < batch.operations.size(); ++i) {
    const Operation& operation = batch.operations[i];
    MC_ASSIGN(DraftName * name, draft->name(work.tx, operation.name));
    name->where = place(batch, i);
    // The first that fails is told alone: those after it were meant for what it leaves.
    if (auto done = Edit(work, *draft, *name, operation).run(); !done) {
      Problems problem;
      problem.add(done.error(), name->where);
      return std::move(problem).verdict();
    }
  }
  return {};
}

std::vector<RecordRow> stored_records(Work& work, const Batch& batch) {
  std::vector<RecordRow> records;
  Draft& draft = *work.drafts.front();
  for (const Operation& operation : batch.operations) {
    const auto name = draft.names().find(store::sort_key(operation.name, draft.zone.origin));
    if (name == draft.names().end()) {
      continue;
    }
    std::set<Bytes> wanted;
    for (const Bytes& rdata : operation.rdata) {
      wanted.insert(canonical_rdata(operation.type, rdata));
    }
    const auto is_meant = [&](const RecordRow& row) {
      // A change without a value leaves the record its number.
      return row.type == operation.type &&
             (wanted.contains(row.canonical) || (operation.kind == Operation::Kind::kChange &&
                                                 wanted.empty() && row.id == operation.id));
    };
    for (const RecordRow& row : name->second.after) {
      if (is_write(operation) && is_meant(row)) {
        records.push_back(row);
      }
    }
  }
  return records;
}

}  // namespace mcns::writer
