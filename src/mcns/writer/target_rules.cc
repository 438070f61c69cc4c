// Records that lead to another name of ours.
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

// The name that `target` is a CNAME for, when it is one of ours.
Result<const RecordRow*> find_cname(Work& work, const Name& target) {
  const store::ZoneRow* zone = work.zones.enclosing(target);
  for (const auto& draft : work.drafts) {
    // A zone that this write creates is not among them yet.
    if (draft->kind == Draft::Kind::kCreated && target.is_within(draft->zone.origin) &&
        (zone == nullptr || draft->zone.origin.size() > zone->origin.size())) {
      zone = &draft->zone;
    }
  }
  if (zone == nullptr) {
    return nullptr;
  }
  MC_ASSIGN(const DraftName* there, work.draft(*zone).name(work.tx, target));
  return there->has(Type::kCname) ? &there->after.front() : nullptr;
}

}  // namespace

Result<void> check_targets(Work& work, bool strict, Problems& problems) {
  // Looking at another zone adds a draft of it, which stays as it is.
  const std::size_t drafts = work.drafts.size();
  for (std::size_t i = 0; i < drafts && !problems.full(); ++i) {
    for (auto& [key, name] : work.drafts[i]->names()) {
      if (!name.has(Type::kNs) && !name.has(Type::kMx) && !name.has(Type::kSrv)) {
        continue;
      }
      for (const RecordRow* added : diff(name).added) {
        const auto target = leads_to_host(added->type)
                                ? additional_target(added->type, added->rdata)
                                : std::nullopt;
        if (!target) {
          continue;
        }
        MC_ASSIGN(const RecordRow* cname, find_cname(work, *target));
        if (cname == nullptr) {
          continue;
        }
        const std::string finding = dsl::text("{} leads to {}", text(*added), text(*cname));
        if (strict) {
          problems.add(fail(Code::kConflict, "{}", finding)
                           .hint("name the host itself: an NS, MX or SRV may not lead to a CNAME "
                                 "(RFC 2181 section 10.3)"),
                       name.where);
        } else {
          work.warnings.push_back(finding + ", which many resolvers do not follow");
        }
      }
    }
  }
  return {};
}

}  // namespace mcns::writer
