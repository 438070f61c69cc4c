#include "mcns/cache/entry.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "dsl/result/result.h"
#include "mcns/wire/lower.h"
#include "mcns/wire/octets.h"

namespace mcns {
namespace {

constexpr std::size_t kAllocatorBytes = 16;  // its header, and rounding
constexpr std::uint8_t kHitsToRenew = 2;
constexpr std::int64_t kLastPartToRenew = 10;  // the last tenth of the TTL
constexpr std::uint8_t kResponse = 0x80;       // header octet 2
constexpr std::uint8_t kTruncated = 0x02;
constexpr std::uint8_t kRecursionDesired = 0x01;
constexpr std::uint8_t kRecursionAvailable = 0x80;  // header octet 3
constexpr std::uint8_t kCheckingDisabled = 0x10;
constexpr std::uint8_t kAuthenticData = 0x20;

std::uint64_t word_at(const char* octets) {
  std::uint64_t word = 0;
  std::memcpy(&word, octets, sizeof word);
  return word;
}

// `lower` is in lower case already. Length octets are below 'A', so they stay what they are.
bool equals_lower(std::string_view name, std::string_view lower) {
  if (name.size() != lower.size()) {
    return false;
  }
  std::size_t at = 0;
  for (; at + 8 <= name.size(); at += 8) {
    if (lower8(word_at(name.data() + at)) != word_at(lower.data() + at)) {
      return false;
    }
  }
  for (; at < name.size(); ++at) {
    if (to_lower(name[at]) != lower[at]) {
      return false;
    }
  }
  return true;
}

}  // namespace

void Entry::Free::operator()(Entry* entry) const {
  entry->~Entry();
  ::operator delete(entry);
}

Entry::Owner Entry::make(const Query& query, std::string_view response, const Scan& scan,
                         const Lifetime& lifetime, std::uint64_t hash, std::int64_t now_ms) {
  const std::string_view name = query.name.wire;
  const std::string_view records = response.substr(response.size() - scan.ends[2]);
  Entry shape;
  shape.place.hash = hash;
  shape.stored_ms_ = now_ms;
  shape.expires_ms_ = now_ms + std::int64_t{lifetime.ttl_s} * 1000;
  shape.dead_ms_ = shape.expires_ms_ + std::int64_t{lifetime.stale_s} * 1000;
  shape.counts_ = scan.counts;
  for (std::size_t i = 0; i < scan.ends.size(); ++i) {
    shape.ends_[i] = static_cast<std::uint16_t>(scan.ends[i]);
  }
  shape.size_ = static_cast<std::uint16_t>(records.size());
  shape.ttl_count_ = static_cast<std::uint16_t>(scan.ttls.size());
  shape.type_ = query.type;
  shape.dns_class_ = query.dns_class;
  shape.name_size_ = static_cast<std::uint8_t>(name.size());
  shape.rcode_ = static_cast<std::uint8_t>(scan.rcode);
  shape.authentic_data_ = read8(response, 3) & kAuthenticData;
  shape.dnssec_ok_ = query.edns.dnssec_ok;
  shape.checking_disabled_ = query.checking_disabled();
  shape.failure_ = lifetime.failure;
  shape.positive_ = scan.has_answer && scan.rcode == Rcode::kNoError;

  Owner entry(new (::operator new(shape.own_bytes())) Entry(shape));
  auto* ttls = const_cast<std::uint16_t*>(entry->ttls());
  char* copy = const_cast<char*>(entry->name_begin());
  std::transform(name.begin(), name.end(), copy, to_lower);
  copy += name.size();
  std::copy(records.begin(), records.end(), copy);
  for (const std::size_t at : scan.ttls) {
    *ttls++ = static_cast<std::uint16_t>(at);
    write32(copy + at, record_ttl(read_ttl(records, at), lifetime));
  }
  return entry;
}

bool Entry::matches(const Query& query) const {
  return type_ == query.type && dns_class_ == query.dns_class &&
         dnssec_ok_ == query.edns.dnssec_ok && checking_disabled_ == query.checking_disabled() &&
         equals_lower(query.name.wire, name());
}

bool Entry::is_within(std::string_view lower_name) const {
  std::string_view rest = name();
  while (rest.size() > lower_name.size()) {
    rest.remove_prefix(1U + read8(rest, 0));
  }
  return rest == lower_name;
}

std::uint32_t Entry::age_s(std::int64_t now_ms) const {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, now_ms - stored_ms_) / 1000);
}

bool Entry::hit(std::int64_t now_ms) {
  if (hits_ < kHitsToRenew) {
    ++hits_;
  }
  if (renewed_ || failure_ || hits_ < kHitsToRenew ||
      (expires_ms_ - now_ms) * kLastPartToRenew > expires_ms_ - stored_ms_) {
    return false;
  }
  renewed_ = true;
  return true;
}

std::size_t Entry::write(const Query& query, std::int64_t now_ms, std::uint32_t stale_ttl_s,
                         char* buffer, std::size_t size_max) const {
  const std::size_t question_end = kHeaderSize + name_size_ + 4U;
  MC_ASSERT(size_max >= question_end, "a response has room for its question");

  const std::optional<std::size_t> fitting = sections_that_fit(
      {ends_[0], ends_[1], ends_[2]}, positive_ && !dnssec_ok_, size_max - question_end);
  const bool truncated = !fitting;
  const std::size_t sections = fitting.value_or(0);
  const std::size_t size = sections == 0 ? 0 : ends_[sections - 1];

  write16(buffer, query.id);
  buffer[2] = static_cast<char>(kResponse | (query.flags1 & kRecursionDesired) |
                                (truncated ? kTruncated : 0U));
  const bool fresh = is_fresh(now_ms);
  // RFC 6840 section 5.8: for who asks for it. What is past its time nobody vouches for.
  const unsigned authentic =
      fresh ? authentic_data_ & (dnssec_ok_ ? kAuthenticData : query.flags2) : 0U;
  buffer[3] = static_cast<char>(kRecursionAvailable | authentic |
                                (query.flags2 & kCheckingDisabled) | rcode_);
  write16(buffer + 4, 1);
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    write16(buffer + 6 + 2 * i, i < sections ? counts_[i] : std::uint16_t{0});
  }
  std::memcpy(buffer + kHeaderSize, query.name.wire.data(), name_size_);
  write16(buffer + kHeaderSize + name_size_, static_cast<std::uint16_t>(type_));
  write16(buffer + kHeaderSize + name_size_ + 2, static_cast<std::uint16_t>(dns_class_));

  char* copy = buffer + question_end;
  std::memcpy(copy, records(), size);
  const std::uint32_t age = age_s(now_ms);
  const std::string_view stored(records(), size_);
  for (std::size_t i = 0; i < ttl_count_ && ttls()[i] < size; ++i) {
    const std::uint32_t ttl = read32(stored, ttls()[i]);
    write32(copy + ttls()[i], fresh ? ttl - std::min(age, ttl) : stale_ttl_s);
  }
  return question_end + size;
}

Cache::Kept Entry::kept(std::span<char> room) const {
  const std::size_t question_end = kHeaderSize + name_size_ + 4U;
  MC_ASSERT(room.size() >= question_end + size_, "a message is at most so long");
  char* to = room.data();
  write16(to, 0);
  to[2] = static_cast<char>(kResponse | kRecursionDesired);
  to[3] = static_cast<char>(kRecursionAvailable | authentic_data_ |
                            (checking_disabled_ ? kCheckingDisabled : 0U) | rcode_);
  write16(to + 4, 1);
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    write16(to + 6 + 2 * i, counts_[i]);
  }
  std::memcpy(to + kHeaderSize, name_begin(), name_size_);
  write16(to + kHeaderSize + name_size_, static_cast<std::uint16_t>(type_));
  write16(to + kHeaderSize + name_size_ + 2, static_cast<std::uint16_t>(dns_class_));
  std::memcpy(to + question_end, records(), size_);
  return {.stored_ms = stored_ms_,
          .dnssec_ok = dnssec_ok_,
          .checking_disabled = checking_disabled_,
          .response = {to, question_end + size_}};
}

std::size_t Entry::block_bytes() const { return own_bytes() + kAllocatorBytes; }

}  // namespace mcns
