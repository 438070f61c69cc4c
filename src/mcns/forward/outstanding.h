// Questions sent on one socket that may still be answered, by their ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mcns/forward/packet.h"
#include "mcns/forward/random_pool.h"

namespace mcns {

using Attempt = std::uint64_t;  // a question on its way to one upstream

// Confined to its loop.
class Outstanding {
 public:
  // A random id that no other question has; nothing when there are too many of them.
  std::optional<std::uint16_t> add(Attempt attempt, Packet packet, RandomPool& random);
  // The attempt that `message` answers, which is then no longer outstanding. Nothing for what is no
  // response, has an id or a question that was not sent, or another case of its letters.
  std::optional<Attempt> take(std::string_view message);
  void remove(std::uint16_t id) { sent_.erase(id); }
  std::vector<Attempt> take_all();
  bool empty() const { return sent_.empty(); }

 private:
  struct Sent {
    Attempt attempt = 0;
    Packet packet;
  };
  std::unordered_map<std::uint16_t, Sent> sent_;
};

// `packet` with that id.
Bytes with_id(const Packet& packet, std::uint16_t id);

}  // namespace mcns
