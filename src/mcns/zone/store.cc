#include "mcns/zone/store.h"

#include <algorithm>
#include <bit>

#include "dsl/result/result.h"

namespace mcns::zone {
namespace {

constexpr std::uint64_t kNobody = ~std::uint64_t{0};

}  // namespace

const Zone* Version::find_zone(const QueryName& name, std::size_t labels_max) const {
  for (std::size_t labels = std::min(labels_max, labels_max_) + 1; labels-- > 0;) {
    const std::uint64_t hash = name.suffix_hash[labels];
    for (std::size_t i = hash & (slots_.size() - 1); slots_[i].zone != nullptr;
         i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].hash == hash &&
          equal_ignoring_case(slots_[i].zone->origin().wire(), name.suffix(labels))) {
        return slots_[i].zone;
      }
    }
  }
  return nullptr;
}

const Zone* Version::zone(const Name& origin) const {
  const auto found = std::lower_bound(zones_.begin(), zones_.end(), origin,
                                      [](const std::shared_ptr<const Zone>& zone,
                                         const Name& name) { return zone->origin() < name; });
  return found != zones_.end() && (*found)->origin() == origin ? found->get() : nullptr;
}

void Version::index() {
  // At least twice as many slots as zones, so that a chain always ends.
  slots_.assign(std::bit_ceil(2 * zones_.size() + 1), Slot());
  labels_max_ = 0;
  for (const auto& zone : zones_) {
    const std::uint64_t hash = suffix_hash(zone->origin().wire());
    std::size_t i = hash & (slots_.size() - 1);
    while (slots_[i].zone != nullptr) {
      i = (i + 1) & (slots_.size() - 1);
    }
    slots_[i] = {hash, zone.get()};
    labels_max_ = std::max(labels_max_, zone->origin_labels());
  }
}

Store::Store() {
  auto first = std::make_unique<Version>();
  first->number_ = number_.load();
  first->index();
  owned_ = std::move(first);
  current_.store(owned_.get());
}

Store::~Store() = default;

Store::Memory Store::memory() const { return {arena_.used_bytes(), arena_.resident_bytes()}; }

std::uint64_t Store::lag() const {
  const std::uint64_t oldest = oldest_pinned();
  return oldest == kNobody ? 0 : newest() - std::min(oldest, newest());
}

Store::Slot& Store::take_slot() {
  const std::lock_guard lock(mutex_);
  for (Slot& slot : slots_) {
    if (!slot.taken) {
      slot.taken = true;
      return slot;
    }
  }
  Slot& slot = slots_.emplace_back();
  slot.taken = true;
  return slot;
}

std::uint64_t Store::oldest_pinned() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t oldest = kNobody;
  for (const Slot& slot : slots_) {
    const std::uint64_t pinned = slot.pinned.load(std::memory_order_seq_cst);
    oldest = pinned == 0 ? oldest : std::min(oldest, pinned);
  }
  return oldest;
}

std::uint64_t Store::replace(std::unique_ptr<const Version> version, std::vector<Block> garbage) {
  retired_.push_back({std::move(owned_), std::move(garbage)});
  owned_ = std::move(version);
  current_.store(owned_.get(), std::memory_order_seq_cst);
  number_.store(owned_->number(), std::memory_order_seq_cst);
  collect();
  return owned_->number();
}

void Store::collect() {
  const std::uint64_t oldest = oldest_pinned();
  while (!retired_.empty() && retired_.front().version->number() < oldest) {
    for (const Block& block : retired_.front().blocks) {
      arena_.release(block.at, block.size_bytes);
    }
    retired_.pop_front();
  }
}

Reader::~Reader() {
  const std::lock_guard lock(store_.mutex_);
  slot_.taken = false;
}

// The number is said before the version is taken: whoever replaces that version looks for numbers
// afterwards, so either it sees ours, or we get the newer version. All in one order (seq_cst).
Pin::Pin(Reader& reader) : slot_(reader.slot_) {
  MC_ASSERT(slot_.pinned.load(std::memory_order_relaxed) == 0, "one pin at a time");
  slot_.pinned.store(reader.store_.number_.load(std::memory_order_seq_cst),
                     std::memory_order_seq_cst);
  version_ = reader.store_.current_.load(std::memory_order_seq_cst);
}

}  // namespace mcns::zone
