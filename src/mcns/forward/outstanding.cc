#include "mcns/forward/outstanding.h"

#include <utility>

#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

constexpr std::size_t kOutstandingMax = 16384;  // so that a free id is found soon
constexpr std::uint8_t kResponse = 0x80;        // header octet 2
constexpr std::uint8_t kOpcode = 0x78;
constexpr std::size_t kTypeAndClass = 4;

// To a query with one question.
bool is_response(std::string_view message) {
  return message.size() >= kHeaderSize &&
         (read8(message, 2) & (kResponse | kOpcode)) == kResponse && read16(message, 4) == 1;
}

// Of two question sections: the type and the class are no letters.
bool equal_but_for_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  const std::size_t name_size = b.size() - kTypeAndClass;
  return equal_ignoring_case(a.substr(0, name_size), b.substr(0, name_size)) &&
         a.substr(name_size) == b.substr(name_size);
}

}  // namespace

std::optional<std::uint16_t> Outstanding::add(Attempt attempt, Packet packet, RandomPool& random,
                                              LetterCase letters) {
  if (sent_.size() >= kOutstandingMax) {
    return std::nullopt;
  }
  std::uint16_t id = random.id();
  while (sent_.contains(id)) {
    id = random.id();
  }
  sent_[id] = {attempt, std::move(packet), letters};
  return id;
}

std::optional<Outstanding::Taken> Outstanding::take(std::string_view message) {
  if (!is_response(message)) {
    return std::nullopt;
  }
  const auto found = sent_.find(read16(message, 0));
  if (found == sent_.end()) {
    return std::nullopt;
  }
  const std::string_view asked = question_section(*found->second.packet);
  const std::string_view answered = message.substr(kHeaderSize, asked.size());
  const bool same_case = answered == asked;
  if (!same_case &&
      (found->second.letters != LetterCase::kRandom || !equal_but_for_letters(answered, asked))) {
    return std::nullopt;
  }
  const Taken taken{found->second.attempt, same_case};
  sent_.erase(found);
  return taken;
}

std::vector<Attempt> Outstanding::take_all() {
  std::vector<Attempt> attempts;
  for (const auto& [id, sent] : sent_) {
    attempts.push_back(sent.attempt);
  }
  sent_.clear();
  return attempts;
}

bool is_answer_to(const Packet& packet, std::string_view message) {
  const std::string_view asked = question_section(*packet);
  return is_response(message) && message.substr(kHeaderSize, asked.size()) == asked;
}

Bytes with_id(const Packet& packet, std::uint16_t id) {
  Bytes copy = *packet;
  write16(copy.data(), id);
  return copy;
}

}  // namespace mcns
