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

// How the letters of a question's name went out.
enum class LetterCase {
  kAsAsked,
  kRandom,  // (0x20): so that whoever forges an answer has to guess more
};

// Confined to its loop.
class Outstanding {
 public:
  struct Taken {
    Attempt attempt = 0;
    bool same_case = true;  // false only for letters in random case
  };

  // A random id that no other question has; nothing when there are too many of them.
  std::optional<std::uint16_t> add(Attempt attempt, Packet packet, RandomPool& random,
                                   LetterCase letters = LetterCase::kAsAsked);
  // The attempt that `message` answers, which is then no longer outstanding. Nothing for what is no
  // response, or has an id or a question that was not sent.
  std::optional<Taken> take(std::string_view message);
  void remove(std::uint16_t id) { sent_.erase(id); }
  std::vector<Attempt> take_all();
  bool empty() const { return sent_.empty(); }

 private:
  struct Sent {
    Attempt attempt = 0;
    Packet packet;
    LetterCase letters = LetterCase::kAsAsked;
  };
  std::unordered_map<std::uint16_t, Sent> sent_;
};

// Whether `message` is a response with the question of `packet`, byte for byte, whatever its id.
bool is_answer_to(const Packet& packet, std::string_view message);

// `packet` with that id.
Bytes with_id(const Packet& packet, std::uint16_t id);

}  // namespace mcns
