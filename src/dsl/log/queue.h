// The bounded queue between those who log and the writer.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/log/log.h"

namespace dsl::log {

// When it is full a line of a lower level makes room, the oldest of the lowest level first; a line
// that finds none below it is dropped itself. Guarded by its owner.
//
// Lines are kept as one text, so that a line costs no allocation and taking all of them none
// either. A line that made room is cut out when the text is taken; its bytes wait until then, which
// at most three lines of rising level can do for each place of the queue.
class LineQueue {
 public:
  explicit LineQueue(std::size_t lines_max) : lines_max_(lines_max) {}

  void push(Level level, std::string_view line);
  // Puts everything queued, in order, in place of `out`, whose memory the queue goes on with.
  void take(std::string& out);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Entry {
    std::size_t bytes;
    Level level;
    bool kept = true;
  };
  // Of one level: how many there are, and before which entry there is none.
  struct Rank {
    std::size_t lines = 0;
    std::size_t search_from = 0;
  };

  bool make_room(std::size_t rank);

  std::size_t lines_max_;
  std::size_t size_ = 0;
  std::uint64_t dropped_ = 0;
  std::string text_;
  std::vector<Entry> entries_;
  std::array<Rank, 4> ranks_;
};

}  // namespace dsl::log
