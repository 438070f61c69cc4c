#include "mcns/writer/rules.h"

#include <algorithm>

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::Result;
using store::RecordRow;

// An RRset has to fit into one message beside the question and EDNS; this many octets of records.
constexpr std::size_t kRrsetMax = 65000;
constexpr std::size_t kRecordHead = 12;

const RecordRow* find(const std::vector<RecordRow>& rows, Type type) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [type](const RecordRow& row) { return row.type == type; });
  return found == rows.end() ? nullptr : &*found;
}

bool is_new(const RecordRow& row) { return row.id == 0; }

// Of two that cannot be together: the one that was there, so that the message tells the other way
// round who came last.
Error beside(const RecordRow& a, const RecordRow& b, std::string_view rule) {
  const RecordRow& added = is_new(a) ? a : b;
  const RecordRow& there = is_new(a) ? b : a;
  return fail(Code::kConflict, "{} cannot stand beside {}", text(added), text(there))
      .hint(std::string(rule));
}

// Another one of the type of `row`.
const RecordRow* find_second(const std::vector<RecordRow>& rows, const RecordRow& row) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const RecordRow& other) {
    return other.type == row.type && &other != &row;
  });
  return found == rows.end() ? nullptr : &*found;
}

// An ALIAS says what the addresses of its name are, so nothing else says it.
void check_beside_alias(const DraftName& name, const RecordRow& alias, Problems& problems) {
  if (const RecordRow* second = find_second(name.after, alias)) {
    problems.add(beside(*second, alias,
                        "a name has one ALIAS at most: replace the one that is there (`mcns record "
                        "set`)"),
                 name.where);
    return;
  }
  for (const Type type : {Type::kA, Type::kAaaa}) {
    if (const RecordRow* address = find(name.after, type)) {
      problems.add(beside(*address, alias,
                          "the addresses of a name come from its ALIAS or from A and AAAA records: "
                          "delete the one or the others first"),
                   name.where);
      return;
    }
  }
}

void check_beside(const DraftName& name, bool is_apex, Problems& problems) {
  const std::vector<RecordRow>& rows = name.after;
  const RecordRow* cname = find(rows, Type::kCname);
  const RecordRow* dname = find(rows, Type::kDname);
  if (cname != nullptr && rows.size() > 1) {
    const auto other =
        std::find_if(rows.begin(), rows.end(), [&](const RecordRow& row) { return &row != cname; });
    problems.add(beside(*other, *cname,
                        "a CNAME stands alone at its name (RFC 1034 section 3.6.2): delete one of "
                        "them first, or use addresses instead of the CNAME"),
                 name.where);
    return;
  }
  if (const RecordRow* alias = find(rows, Type::kAlias)) {
    check_beside_alias(name, *alias, problems);
  }
  if (dname == nullptr) {
    return;
  }
  if (const RecordRow* second = find_second(rows, *dname)) {
    problems.add(beside(*second, *dname, "a name has one DNAME at most (RFC 6672 section 2.4)"),
                 name.where);
  }
  const RecordRow* ns = find(rows, Type::kNs);
  if (ns != nullptr && !is_apex) {
    problems.add(beside(*ns, *dname,
                        "a delegation has no DNAME beside it (RFC 6672 section 2.3): it belongs "
                        "into the zone below"),
                 name.where);
  }
}

void check_sizes(const DraftName& name, Problems& problems) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < name.after.size(); ++i) {
    const RecordRow& row = name.after[i];
    const bool same = i > 0 && name.after[i - 1].type == row.type;
    size = (same ? size : 0) + kRecordHead + row.rdata.size();
    if (size > kRrsetMax) {
      problems.add(fail(Code::kTooLarge, "the {} records of {} have more than {} octets together",
                        text(row.type), name.name.text(), kRrsetMax)
                       .hint("all records of a name and type have to fit into one answer"),
                   name.where);
      return;
    }
  }
}

// Whether there is none.
Result<bool> check_dname_above(Work& work, Draft& draft, const DraftName& name,
                               Problems& problems) {
  MC_ASSIGN(const DraftName* above, draft.find_dname_above(work.tx, name.name));
  if (above != nullptr) {
    problems.add(fail(Code::kConflict, "{} would lie below {}", text(name.after.front()),
                      text(*find(above->after, Type::kDname)))
                     .hint("a DNAME stands for all names below it (RFC 6672 section 2.4): delete "
                           "it first, or add the record where it leads to"),
                 name.where);
  }
  return above == nullptr;
}

Result<void> check_below_dname(Work& work, Draft& draft, const DraftName& name,
                               Problems& problems) {
  MC_ASSIGN(const auto below, draft.find_below(work.tx, name.name));
  if (below) {
    MC_ASSIGN(const DraftName* there, draft.name(work.tx, *below));
    problems.add(fail(Code::kConflict, "{} would have {} below it",
                      text(*find(name.after, Type::kDname)), text(there->after.front()))
                     .hint("nothing stands below a DNAME (RFC 6672 section 2.4): delete what is "
                           "there first"),
                 name.where);
  }
  return {};
}

void check_apex(const Draft& draft, const DraftName& apex, Problems& problems) {
  if (!apex.has(Type::kNs)) {
    problems.add(
        fail(Code::kConflict, "{} would be left without an NS record", draft.zone.origin.text())
            .hint("a zone keeps at least one: add the new one in the same change"),
        apex.where);
  }
}

// Most names of a large zone are plain: nothing that they have can be beside something wrong.
bool may_be_wrong(PackedRecords::List::const_iterator begin,
                  PackedRecords::List::const_iterator end) {
  std::size_t size = 0;
  bool stands_alone = false;
  for (auto record = begin; record != end; ++record) {
    size += kRecordHead + record->rdata().size();
    stands_alone = stands_alone || record->type == Type::kCname || record->type == Type::kAlias;
  }
  return size > kRrsetMax || (stands_alone && end - begin > 1);
}

// There is no DNAME.
void check_replacement(const Draft& draft, Problems& problems) {
  draft.replacement->each_changed(may_be_wrong, [&](const DraftName& name) {
    if (!problems.full()) {
      check_beside(name, name.name == draft.zone.origin, problems);
      check_sizes(name, problems);
    }
  });
  if (!problems.full()) {
    check_apex(draft, draft.replacement->name(draft.zone.origin), problems);
  }
}

// The key of the name above, see sort_key.h.
BytesView key_above(BytesView key) {
  const std::size_t end = key.rfind('\0');
  return key.substr(0, end == BytesView::npos ? 0 : end);
}

Result<void> check_draft(Work& work, Draft& draft, Problems& problems) {
  bool apex_touched = draft.kind == Draft::Kind::kCreated;
  bool may_have_dname = work.zones.may_have_dname(draft.zone.id);
  std::optional<Bytes> clear_above;  // at this name and above it there is no DNAME
  // Looking above and below adds names to the draft, which stay as they are.
  for (auto& [key, name] : draft.names()) {
    const NameDiff changes = diff(name);
    if (changes.empty()) {
      continue;
    }
    const bool is_apex = key.empty();
    apex_touched = apex_touched || is_apex;
    if (name.after.empty()) {
      continue;
    }
    std::stable_sort(name.after.begin(), name.after.end(),
                     [](const RecordRow& a, const RecordRow& b) { return a.type < b.type; });
    check_beside(name, is_apex, problems);
    check_sizes(name, problems);
    // One that this write adds comes before the names below it.
    may_have_dname = may_have_dname || name.has(Type::kDname);
    if (may_have_dname && name.before.empty() && !is_apex && clear_above != key_above(key)) {
      MC_ASSIGN(const bool clear, check_dname_above(work, draft, name, problems));
      clear_above = clear ? std::optional(Bytes(key_above(key))) : std::nullopt;
    }
    const bool had_dname = find(name.before, Type::kDname) != nullptr;
    if (!had_dname && name.has(Type::kDname)) {
      MC_TRY(check_below_dname(work, draft, name, problems));
    }
    if (problems.full()) {
      return {};
    }
  }
  if (apex_touched) {
    MC_ASSIGN(const DraftName* apex, draft.name(work.tx, draft.zone.origin));
    check_apex(draft, *apex, problems);
  }
  return {};
}

}  // namespace

Result<void> check_drafts(Work& work, Problems& problems) {
  for (const auto& draft : work.drafts) {
    if (draft->replacement) {
      check_replacement(*draft, problems);
    } else if (draft->kind != Draft::Kind::kDeleted && !problems.full()) {
      MC_TRY(check_draft(work, *draft, problems));
    }
  }
  return {};
}

}  // namespace mcns::writer
