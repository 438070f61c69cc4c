#include "mcns/forward/outstanding.h"

#include <utility>

#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

constexpr std::size_t kOutstandingMax = 16384;  // so that a free id is found soon
constexpr std::uint8_t kResponse = 0x80;        // header octet 2
constexpr std::uint8_t kOpcode = 0x78;

}  // namespace

std::optional<std::uint16_t> Outstanding::add(Attempt attempt, Packet packet, RandomPool& random) {
  if (sent_.size() >= kOutstandingMax) {
    return std::nullopt;
  }
  std::uint16_t id = random.id();
  while (sent_.contains(id)) {
    id = random.id();
  }
  sent_[id] = {attempt, std::move(packet)};
  return id;
}

std::optional<Attempt> Outstanding::take(std::string_view message) {
  if (message.size() < kHeaderSize || (read8(message, 2) & (kResponse | kOpcode)) != kResponse ||
      read16(message, 4) != 1) {
    return std::nullopt;
  }
  const auto found = sent_.find(read16(message, 0));
  if (found == sent_.end() ||
      !message.substr(kHeaderSize).starts_with(question_section(*found->second.packet))) {
    return std::nullopt;
  }
  const Attempt attempt = found->second.attempt;
  sent_.erase(found);
  return attempt;
}

std::vector<Attempt> Outstanding::take_all() {
  std::vector<Attempt> attempts;
  for (const auto& [id, sent] : sent_) {
    attempts.push_back(sent.attempt);
  }
  sent_.clear();
  return attempts;
}

Bytes with_id(const Packet& packet, std::uint16_t id) {
  Bytes copy = *packet;
  write16(copy.data(), id);
  return copy;
}

}  // namespace mcns
