#include "dsl/log/queue.h"

#include <algorithm>
#include <utility>

namespace dsl::log {

void LineQueue::push(Level level, std::string line) {
  const auto rank = static_cast<std::size_t>(level);
  if (size_ >= lines_max_) {
    ++dropped_;
    const auto own = by_level_.begin() + static_cast<std::ptrdiff_t>(rank);
    const auto lower = std::find_if(by_level_.begin(), own,
                                    [](const std::deque<Entry>& lines) { return !lines.empty(); });
    if (lower == own) {
      return;
    }
    lower->pop_front();
    --size_;
  }
  by_level_.at(rank).push_back({next_number_++, std::move(line)});
  ++size_;
}

std::string LineQueue::take() {
  std::string out;
  for (; size_ > 0; --size_) {
    std::deque<Entry>* first = nullptr;
    for (std::deque<Entry>& lines : by_level_) {
      if (!lines.empty() && (!first || lines.front().number < first->front().number)) {
        first = &lines;
      }
    }
    out += first->front().line;
    first->pop_front();
  }
  return out;
}

}  // namespace dsl::log
