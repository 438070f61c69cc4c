#include "mcns/writer/publish.h"

#include <algorithm>
#include <map>
#include <optional>

#include "mcns/wire/query.h"

namespace mcns::writer {
namespace {

using store::RecordRow;
using store::ZoneRow;

Rrset soa_rrset(const ZoneRow& zone) {
  return {
      .name = zone.origin, .type = Type::kSoa, .ttl = zone.soa_ttl, .rdata = {zone.soa.rdata()}};
}

// Without those that are at or below another of them, each once.
std::vector<Name> highest(std::vector<Name> names) {
  std::sort(names.begin(), names.end());  // canonical order: what is below a name follows it
  std::vector<Name> out;
  for (Name& name : names) {
    if (out.empty() || !name.is_within(out.back())) {
      out.push_back(std::move(name));
    }
  }
  return out;
}

// The edit, made when there is the first change.
class Publication {
 public:
  explicit Publication(zone::Store& store) : store_(store) {}

  void add(Draft& draft) {
    const Name& origin = draft.zone.origin;
    if (draft.kind == Draft::Kind::kDeleted) {
      edit().remove(origin);
      moved_.erase(origin);
      answered_otherwise_.push_back(origin);
      return;
    }
    if (draft.kind == Draft::Kind::kCreated) {
      edit().create(draft.zone.id, origin);
      answered_otherwise_.push_back(origin);
    }
    for (auto& [key, name] : draft.names()) {
      add(origin, name, draft.kind == Draft::Kind::kCreated);
    }
    if (draft.replacement) {
      draft.replacement->publish(edit());
      answered_otherwise_.push_back(origin);  // which of its delegations moved is not looked up
    }
    if (draft.kind == Draft::Kind::kCreated || draft.zone.soa.serial != draft.before().soa.serial) {
      moved_.insert_or_assign(origin, soa_rrset(draft.zone));
    }
  }

  // Of several changes of a zone the last serial is enough. Returns the names at and below which
  // others answer than before.
  std::vector<Name> finish() {
    for (const auto& [origin, soa] : moved_) {
      edit().put(origin, soa);
    }
    if (edit_) {
      edit_->publish();
    }
    if (!hosts_.empty()) {
      zone::Reader reader(store_);
      const zone::Pin version(reader);
      for (const Name& host : hosts_) {
        note_delegation_to(host, *version);
      }
    }
    return highest(std::move(answered_otherwise_));
  }

 private:
  zone::Edit& edit() { return edit_ ? *edit_ : edit_.emplace(store_); }

  // `is_new`: the zone is, and noted as a whole.
  void add(const Name& origin, DraftName& name, bool is_new) {
    const NameDiff changes = diff(name);
    types_.clear();
    for (const RecordRow* row : changes.removed) {
      note(row->type);
    }
    for (const RecordRow* row : changes.added) {
      note(row->type);
    }
    for (const auto& [before, after] : changes.changed) {
      if (before->ttl != after->ttl) {
        note(after->type);
      }
    }
    for (const Type type : types_) {
      put(origin, name, type);
      if (type == Type::kNs && name.name != origin) {
        answered_otherwise_.push_back(name.name);
      } else if (!is_new && (type == Type::kA || type == Type::kAaaa)) {
        hosts_.push_back(name.name);
      }
    }
  }

  // The delegation that the host lies below, when it is one of its servers: its addresses are glue,
  // by which others are found.
  void note_delegation_to(const Name& host, const zone::Version& version) {
    QueryName name;
    (void)read_query_name(host.wire(), name);  // names of ours are well formed
    const zone::Zone* zone = version.find_zone(name);
    if (zone == nullptr) {
      return;
    }
    for (std::size_t depth = 1; depth <= zone->deepest_cut(); ++depth) {
      const std::size_t labels = zone->origin_labels() + depth;
      const bool may_be = labels <= name.labels && zone->has_cut_at(depth);
      const zone::Node node = may_be ? zone->find(name, labels) : zone::Node();
      const auto servers = node ? node.find(Type::kNs) : std::nullopt;
      if (!servers) {
        continue;
      }
      bool serves = false;
      servers->each([&](std::string_view, std::string_view rdata) {
        const auto server = Name::from_wire(rdata);
        serves = serves || (server && *server == host);
      });
      if (serves) {
        auto cut = Name::from_wire(name.suffix(labels));
        MC_ASSERT(cut.has_value(), "a name of ours is a name");
        answered_otherwise_.push_back(*std::move(cut));
      }
      return;  // what is below belongs to others
    }
  }

  void note(Type type) {
    if (std::find(types_.begin(), types_.end(), type) == types_.end()) {
      types_.push_back(type);
    }
  }

  void put(const Name& origin, const DraftName& name, Type type) {
    std::vector<const RecordRow*> rows;
    for (const RecordRow& row : name.after) {
      if (row.type == type) {
        rows.push_back(&row);
      }
    }
    if (rows.empty()) {
      edit().erase(origin, name.name, type);
      return;
    }
    // As they come out of the database at the next start.
    std::sort(rows.begin(), rows.end(),
              [](const RecordRow* a, const RecordRow* b) { return a->canonical < b->canonical; });
    Rrset rrset{.name = name.name, .type = type, .ttl = rows.front()->ttl};
    for (const RecordRow* row : rows) {
      rrset.rdata.push_back(row->rdata);
    }
    edit().put(origin, rrset);
  }

  zone::Store& store_;
  std::optional<zone::Edit> edit_;
  std::map<Name, Rrset> moved_;  // zones with another serial
  std::vector<Type> types_;      // that differ, of one name
  std::vector<Name> hosts_;      // with other addresses
  std::vector<Name> answered_otherwise_;
};

}  // namespace

std::vector<Name> publish(zone::Store& store, const std::vector<std::unique_ptr<Draft>>& drafts) {
  Publication publication(store);
  for (const auto& draft : drafts) {
    publication.add(*draft);
  }
  return publication.finish();
}

}  // namespace mcns::writer
