#include "mcns/events/ring.h"

#include <cstring>
#include <type_traits>

namespace mcns {
namespace {

constexpr std::size_t kAlign = 8;

// In front of each event. Of a place that is left out only `size` is there, as 0.
struct Slot {
  std::uint32_t size = 0;  // with the slot
  std::uint32_t query_size = 0;
  std::uint32_t response_size = 0;
  EventHead head;
};
static_assert(std::is_trivially_copyable_v<Slot>);
static_assert(EventRing::kSize % kAlign == 0 && sizeof(std::uint32_t) <= kAlign);

}  // namespace

// Not emptied: pages that are never used are never there.
EventRing::EventRing() : memory_(new char[kSize]) {}

bool EventRing::put(const EventHead& head, std::string_view query, std::string_view response) {
  const std::size_t size = sizeof(Slot) + query.size() + response.size();
  const std::size_t total = (size + kAlign - 1) / kAlign * kAlign;
  const std::uint64_t from = head_.load(std::memory_order_relaxed);
  const std::size_t at = from % kSize;
  const std::size_t left_out = kSize - at < total ? kSize - at : 0;
  const auto has_room = [&] { return from + left_out + total - tail_seen_ <= kSize; };
  if (!has_room()) {
    tail_seen_ = tail_.load(std::memory_order_acquire);
    if (!has_room()) {
      lost_.add();
      return false;
    }
  }
  if (left_out > 0) {
    constexpr std::uint32_t kLeftOut = 0;
    std::memcpy(memory_.get() + at, &kLeftOut, sizeof(kLeftOut));
  }
  const Slot slot{static_cast<std::uint32_t>(total), static_cast<std::uint32_t>(query.size()),
                  static_cast<std::uint32_t>(response.size()), head};
  char* place = memory_.get() + (left_out > 0 ? 0 : at);
  std::memcpy(place, &slot, sizeof(slot));
  query.copy(place + sizeof(slot), query.size());
  response.copy(place + sizeof(slot) + query.size(), response.size());
  head_.store(from + left_out + total, std::memory_order_release);
  return true;
}

std::size_t EventRing::read(std::uint64_t tail, Event& event) const {
  const char* place = memory_.get() + tail % kSize;
  std::uint32_t size = 0;
  std::memcpy(&size, place, sizeof(size));
  if (size == 0) {
    return 0;
  }
  Slot slot;
  std::memcpy(&slot, place, sizeof(slot));
  event.head = slot.head;
  event.query = {place + sizeof(slot), slot.query_size};
  event.response = {place + sizeof(slot) + slot.query_size, slot.response_size};
  return size;
}

}  // namespace mcns
