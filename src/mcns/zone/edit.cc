#include <algorithm>

#include "dsl/result/result.h"
#include "mcns/zone/draft.h"
#include "mcns/zone/store.h"

namespace mcns::zone {

Edit::Edit(Store& store) : store_(store), garbage_(std::make_unique<Garbage>(store.arena_)) {}

Edit::~Edit() { MC_ASSERT(published_ || drafts_.empty(), "an edit is published"); }

void Edit::create(std::int64_t id, const Name& origin) {
  remove(origin);
  auto made = std::make_unique<Draft>(*garbage_, id, origin);
  latest_ = {origin, made.get()};
  drafts_[origin] = std::move(made);
}

void Edit::remove(const Name& origin) {
  const auto found = drafts_.find(origin);
  if (found != drafts_.end() && found->second != nullptr) {
    found->second->discard();
  } else if (const Zone* zone = store_.owned_->zone(origin);
             zone != nullptr && found == drafts_.end()) {
    Draft(*garbage_, *zone).discard();
  }
  drafts_[origin] = nullptr;
  latest_ = {};
}

void Edit::put(const Name& origin, const Rrset& rrset) { draft(origin).put(rrset); }

void Edit::erase(const Name& origin, const Name& name, Type type) {
  draft(origin).erase(name, type);
}

Draft& Edit::draft(const Name& origin) {
  if (latest_.second != nullptr && latest_.first == origin) {
    return *latest_.second;
  }
  auto found = drafts_.find(origin);
  if (found == drafts_.end()) {
    const Zone* zone = store_.owned_->zone(origin);
    MC_ASSERT(zone != nullptr, "the zone is there");
    found = drafts_.emplace(origin, std::make_unique<Draft>(*garbage_, *zone)).first;
  }
  MC_ASSERT(found->second != nullptr, "the zone was not removed");
  latest_ = {origin, found->second.get()};
  return *latest_.second;
}

void Edit::give_up() {
  drafts_.clear();
  latest_ = {};
  garbage_->forget();
}

std::uint64_t Edit::publish() {
  auto next = std::make_unique<Version>();
  next->number_ = store_.owned_->number_ + 1;
  next->zones_ = store_.owned_->zones_;
  for (auto& [origin, draft] : drafts_) {
    auto& zones = next->zones_;
    auto at = std::lower_bound(zones.begin(), zones.end(), origin,
                               [](const std::shared_ptr<const Zone>& zone, const Name& name) {
                                 return zone->origin() < name;
                               });
    const bool is_there = at != zones.end() && (*at)->origin() == origin;
    if (draft == nullptr) {
      if (is_there) {
        zones.erase(at);
      }
    } else if (is_there) {
      *at = draft->finish();
    } else {
      zones.insert(at, draft->finish());
    }
  }
  next->index();
  published_ = true;
  return store_.replace(std::move(next), garbage_->take());
}

}  // namespace mcns::zone
