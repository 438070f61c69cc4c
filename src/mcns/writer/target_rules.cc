// Records that lead to another name of ours.
#include <algorithm>
#include <optional>

#include "mcns/rdata/rdata.h"
#include "mcns/writer/rules.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using store::RecordRow;

bool leads_to_host(Type type) {
  return type == Type::kNs || type == Type::kMx || type == Type::kSrv;
}

std::optional<RecordRow> cname_of(const DraftName& name) {
  return name.has(Type::kCname) ? std::optional(name.after.front()) : std::nullopt;
}

// The CNAME at `target`, when that is a name of ours.
Result<std::optional<RecordRow>> find_cname(Work& work, const Name& target) {
  const store::ZoneRow* zone = work.zones.enclosing(target);
  for (const auto& draft : work.drafts) {
    // A zone that this write creates is not among them yet.
    if (draft->kind == Draft::Kind::kCreated && target.is_within(draft->zone.origin) &&
        (zone == nullptr || draft->zone.origin.size() > zone->origin.size())) {
      zone = &draft->zone;
    }
  }
  if (zone == nullptr) {
    return std::nullopt;
  }
  Draft& draft = work.draft(*zone);
  if (draft.replacement) {
    return cname_of(draft.replacement->name(target));
  }
  MC_ASSIGN(const DraftName* there, draft.name(work.tx, target));
  return cname_of(*there);
}

class TargetCheck {
 public:
  TargetCheck(Work& work, bool strict, Problems& problems)
      : work_(work), strict_(strict), problems_(problems) {}

  Result<void> run(const RecordRow& added, const std::string& where) {
    const auto target =
        leads_to_host(added.type) ? additional_target(added.type, added.rdata) : std::nullopt;
    if (!target) {
      return {};
    }
    MC_ASSIGN(const auto cname, find_cname(work_, *target));
    if (!cname) {
      return {};
    }
    const std::string finding = dsl::text("{} leads to {}", text(added), text(*cname));
    if (strict_) {
      problems_.add(fail(Code::kConflict, "{}", finding)
                        .hint("name the host itself: an NS, MX or SRV may not lead to a CNAME "
                              "(RFC 2181 section 10.3)"),
                    where);
    } else {
      work_.warnings.push_back(finding + ", which many resolvers do not follow");
    }
    return {};
  }

 private:
  Work& work_;
  const bool strict_;
  Problems& problems_;
};

bool has_host_targets(PackedRecords::List::const_iterator begin,
                      PackedRecords::List::const_iterator end) {
  return std::any_of(begin, end,
                     [](const PackedRecord& record) { return leads_to_host(record.type); });
}

Result<void> check_replacement(const Replacement& replacement, TargetCheck& check) {
  Result<void> result;
  replacement.each_changed(has_host_targets, [&](const DraftName& name) {
    for (const RecordRow& row : name.after) {
      if (result && row.id == 0) {
        result = check.run(row, name.where);
      }
    }
  });
  return result;
}

}  // namespace

Result<void> check_targets(Work& work, bool strict, Problems& problems) {
  TargetCheck check(work, strict, problems);
  // Looking at another zone adds a draft of it, which stays as it is.
  const std::size_t drafts = work.drafts.size();
  for (std::size_t i = 0; i < drafts && !problems.full(); ++i) {
    if (work.drafts[i]->replacement) {
      MC_TRY(check_replacement(*work.drafts[i]->replacement, check));
    }
    for (auto& [key, name] : work.drafts[i]->names()) {
      if (!name.has(Type::kNs) && !name.has(Type::kMx) && !name.has(Type::kSrv)) {
        continue;
      }
      for (const RecordRow* added : diff(name).added) {
        MC_TRY(check.run(*added, name.where));
      }
    }
  }
  return {};
}

}  // namespace mcns::writer
