// Which source is believed, service by service.
#include <algorithm>
#include <map>
#include <set>

#include "mcp/agent/rebuild.h"
#include "mcp/agent/rebuild_record.h"

namespace mcp::agent {

using dsl::text;

namespace {

// How many differing fields a note names.
constexpr std::size_t kNoteFieldsMax = 3;

std::string joined(const std::set<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : between) + word;
  }
  return out;
}

std::int64_t newest_of(const std::vector<const Finding*>& findings) {
  std::int64_t newest = 0;
  for (const Finding* finding : findings) {
    newest = std::max(newest, finding->generation);
  }
  return newest;
}

std::string differing_fields(const model::Service& one, const model::Service& other) {
  const std::vector<model::FieldDifference> differences = model::compare(one, other);
  std::string fields;
  for (std::size_t i = 0; i < differences.size() && i < kNoteFieldsMax; ++i) {
    fields += (i == 0 ? "" : ", ") + differences[i].field;
  }
  return differences.size() > kNoteFieldsMax ? fields + ", ..." : fields;
}

// The one to be believed, or null with a note that says between what a person must choose.
// Of equals the mirror goes first, then a definition: both hold the definition's text.
const Finding* choose(const std::vector<const Finding*>& contenders, std::optional<Source> prefer,
                      std::string& note) {
  const Finding* first = nullptr;
  for (const Source source : {Source::kMirror, Source::kDefinitions, Source::kLabels}) {
    first = first == nullptr ? of_source(contenders, source) : first;
  }
  std::vector<const Finding*> candidates = contenders;
  if (prefer && of_source(contenders, *prefer) != nullptr) {
    first = of_source(contenders, *prefer);
    std::erase_if(candidates, [&](const Finding* f) { return f->source != *prefer; });
  }
  std::set<std::string> sources;
  const Finding* other = nullptr;
  for (const Finding* candidate : candidates) {
    sources.insert(std::string(name(candidate->source)));
    other = candidate->sha256 != first->sha256 ? candidate : other;
  }
  if (other == nullptr) {
    return first;
  }
  if (sources.size() == 1) {
    add_note(note,
             text("{} and {} differ at one generation in {}: --prefer another source", first->place,
                  other->place, differing_fields(first->service, other->service)));
  } else {
    add_note(note, text("they differ in {}: --prefer {}",
                        differing_fields(first->service, other->service), joined(sources, " or ")));
  }
  return nullptr;
}

// Who claims what another service has claimed already.
class Claims {
 public:
  // Empty when nothing of it is taken; then it has what it claims.
  std::string claim(const ServiceRecord& record) {
    std::map<std::string, std::string> wanted;
    for (const model::Component& component : record.service.components) {
      wanted[text("container {}", component.container)] = record.service.name;
      for (const model::Port& port : model::host_addresses(component)) {
        for (std::uint32_t i = 0; i < port.count; ++i) {
          wanted[text("port {}:{}/{}", port.host_ip, port.host + i, port.protocol)] =
              record.service.name;
        }
      }
    }
    for (const model::Allocation& port : record.ports) {
      wanted[text("port 127.0.0.1:{}/tcp", port.host_port)] = record.service.name;
    }
    for (const auto& [what, service] : wanted) {
      const auto holder = holders_.find(what);
      if (holder != holders_.end()) {
        return text("{} is also claimed by {}: move what is left of one of them away", what,
                    holder->second);
      }
    }
    holders_.merge(wanted);
    return "";
  }

 private:
  std::map<std::string, std::string> holders_;
};

// Dependencies that nothing is left of.
std::string missing_dependencies(const ServiceRecord& record, const RebuildPlan& plan) {
  std::set<std::string> missing;
  for (const std::string& edge : record.service.depends_on) {
    const std::string needed = edge.substr(0, edge.find('/'));
    const bool there = std::any_of(plan.rows.begin(), plan.rows.end(), [&](const RebuildRow& row) {
      return row.service == needed && row.action != RebuildAction::kSkipped;
    });
    if (!there) {
      missing.insert(needed);
    }
  }
  return missing.empty() ? ""
                         : text("it needs {}, of which nothing is left", joined(missing, ", "));
}

}  // namespace

std::string_view name(RebuildAction action) {
  return action == RebuildAction::kAdd        ? "add"
         : action == RebuildAction::kConflict ? "conflict"
                                              : "skipped";
}

bool RebuildPlan::has_conflicts() const {
  return std::any_of(rows.begin(), rows.end(),
                     [](const RebuildRow& row) { return row.action == RebuildAction::kConflict; });
}

Merged merge_service(const std::vector<const Finding*>& findings, const Remains& remains,
                     std::optional<Source> prefer) {
  MC_ASSERT(!findings.empty(), "a service that something is left of");
  const std::int64_t newest = newest_of(findings);
  std::vector<const Finding*> contenders = findings;
  std::erase_if(contenders, [&](const Finding* finding) {
    return finding->source != Source::kDefinitions && finding->generation != newest;
  });

  Merged merged;
  merged.row.service = findings.front()->service.name;
  merged.row.generation = std::max<std::int64_t>(newest, 1);
  const Finding* winner = choose(contenders, prefer, merged.row.note);
  std::set<std::string> sources;
  for (const Finding* contender : contenders) {
    if (winner == nullptr || contender->sha256 == winner->sha256) {
      sources.insert(std::string(name(contender->source)));
    }
  }
  merged.row.source = joined(sources, "+");
  if (winner == nullptr) {
    merged.row.action = RebuildAction::kConflict;
    return merged;
  }
  // A definition that nothing of the newest generation equals is a change.
  const bool confirmed =
      newest == 0 || std::any_of(contenders.begin(), contenders.end(), [&](const Finding* f) {
        return f->generation == newest && f->sha256 == winner->sha256;
      });
  merged.row.generation += confirmed ? 0 : 1;
  for (const Finding* finding : findings) {
    if (finding->generation != 0 && finding->generation != newest &&
        finding->sha256 != winner->sha256) {
      add_note(merged.row.note,
               text("{} hold{} generation {}", name(finding->source),
                    finding->source == Source::kMirror ? "s" : "", finding->generation));
    }
  }
  Recorded recorded = record_from(*winner, merged.row.generation, findings, remains);
  merged.record = std::move(recorded.record);
  if (!recorded.note.empty()) {
    add_note(merged.row.note, recorded.note);
  }
  return merged;
}

RebuildPlan merge(const Remains& remains, std::optional<Source> prefer) {
  std::map<std::string, std::vector<const Finding*>> by_service;
  for (const Finding& finding : remains.findings) {
    by_service[finding.service.name].push_back(&finding);
  }
  RebuildPlan plan;
  Claims claims;
  for (const auto& [service, findings] : by_service) {
    Merged merged = merge_service(findings, remains, prefer);
    const std::string taken = merged.record ? claims.claim(*merged.record) : "";
    if (!taken.empty()) {
      merged.row.action = RebuildAction::kConflict;
      merged.row.note = taken;
    } else if (merged.record) {
      plan.records.push_back(std::move(*merged.record));
    }
    plan.rows.push_back(std::move(merged.row));
  }
  for (const ServiceRecord& record : plan.records) {
    const std::string missing = missing_dependencies(record, plan);
    const auto row = std::find_if(plan.rows.begin(), plan.rows.end(), [&](const RebuildRow& each) {
      return each.service == record.service.name;
    });
    if (!missing.empty()) {
      add_note(row->note, missing);
    }
  }
  for (const LeftOut& left : remains.left_out) {
    plan.rows.push_back({.service = left.service,
                         .generation = 0,
                         .source = std::string(name(left.source)),
                         .action = RebuildAction::kSkipped,
                         .note = text("{}: {}", left.place, left.reason)});
  }
  return plan;
}

}  // namespace mcp::agent
