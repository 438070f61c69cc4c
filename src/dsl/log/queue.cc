#include "dsl/log/queue.h"

#include <algorithm>

namespace dsl::log {

namespace {

// What a burst has grown to is given back.
constexpr std::size_t kBytesKept = 256u << 10;

}  // namespace

void LineQueue::push(Level level, std::string_view line) {
  const auto rank = static_cast<std::size_t>(level);
  if (size_ >= lines_max_) {
    ++dropped_;
    if (!make_room(rank)) {
      return;
    }
  }
  text_ += line;
  entries_.push_back({line.size(), level});
  ++ranks_.at(rank).lines;
  ++size_;
}

// Drops the oldest line of the lowest level below `rank`; false when there is none.
bool LineQueue::make_room(std::size_t rank) {
  const auto own = ranks_.begin() + static_cast<std::ptrdiff_t>(rank);
  const auto lowest =
      std::find_if(ranks_.begin(), own, [](const Rank& each) { return each.lines > 0; });
  if (lowest == own) {
    return false;
  }
  const auto level = static_cast<Level>(lowest - ranks_.begin());
  const auto oldest = std::find_if(
      entries_.begin() + static_cast<std::ptrdiff_t>(lowest->search_from), entries_.end(),
      [&](const Entry& entry) { return entry.level == level && entry.kept; });
  oldest->kept = false;
  lowest->search_from = static_cast<std::size_t>(oldest - entries_.begin()) + 1;
  --lowest->lines;
  --size_;
  return true;
}

void LineQueue::take(std::string& out) {
  out.clear();
  if (out.capacity() > kBytesKept) {
    out.shrink_to_fit();
  }
  out.swap(text_);
  if (size_ < entries_.size()) {
    std::size_t to = 0;
    std::size_t from = 0;
    for (const Entry& entry : entries_) {
      if (entry.kept) {
        std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(from), entry.bytes,
                    out.begin() + static_cast<std::ptrdiff_t>(to));
        to += entry.bytes;
      }
      from += entry.bytes;
    }
    out.resize(to);
  }
  entries_.clear();
  if (entries_.capacity() > kBytesKept / sizeof(Entry)) {
    entries_.shrink_to_fit();
  }
  ranks_ = {};
  size_ = 0;
}

}  // namespace dsl::log
