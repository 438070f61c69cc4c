// The bounded queue between those who log and the writer.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "dsl/log/log.h"

namespace dsl::log {

// When it is full a line of a lower level makes room, the oldest of the lowest level first; a line
// that finds none below it is dropped itself. Guarded by its owner.
class LineQueue {
 public:
  explicit LineQueue(std::size_t lines_max) : lines_max_(lines_max) {}

  void push(Level level, std::string line);
  // Everything queued, in order, as one text; empties the queue.
  std::string take();

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Entry {
    std::uint64_t number;
    std::string line;
  };

  std::size_t lines_max_;
  std::size_t size_ = 0;
  std::uint64_t next_number_ = 0;
  std::uint64_t dropped_ = 0;
  std::array<std::deque<Entry>, 4> by_level_;
};

}  // namespace dsl::log
