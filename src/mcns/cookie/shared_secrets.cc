#include "mcns/cookie/shared_secrets.h"

namespace mcns::cookie {
namespace {

SipKey key_of(const dsl::Secret& secret) {
  const std::span<const std::byte> octets = secret.expose();
  return SipKey::from({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

}  // namespace

void SharedSecrets::publish(const dsl::Secret& current, const dsl::Secret& previous) {
  const SipKey now = key_of(current);
  const SipKey before = key_of(previous);
  const std::uint64_t version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_relaxed);
  // A reader that sees one of the new words sees the odd number, too.
  words_[0].store(now.k0, std::memory_order_release);
  words_[1].store(now.k1, std::memory_order_release);
  words_[2].store(before.k0, std::memory_order_release);
  words_[3].store(before.k1, std::memory_order_release);
  version_.store(version + 2, std::memory_order_release);
}

bool SharedSecrets::refresh(std::uint64_t& version, Secrets& secrets) const {
  std::uint64_t found = version_.load(std::memory_order_acquire);
  while (found != version) {
    const std::array<std::uint64_t, 4> words = {
        words_[0].load(std::memory_order_acquire), words_[1].load(std::memory_order_acquire),
        words_[2].load(std::memory_order_acquire), words_[3].load(std::memory_order_acquire)};
    const std::uint64_t after = version_.load(std::memory_order_relaxed);
    if (after == found && found % 2 == 0) {
      secrets = {{words[0], words[1]}, {words[2], words[3]}};
      version = found;
    } else {
      found = version_.load(std::memory_order_acquire);
    }
  }
  return version != 0;
}

}  // namespace mcns::cookie
