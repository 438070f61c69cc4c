#include "mcns/rrl/classify.h"

#include <algorithm>
#include <optional>

#include "mcns/wire/octets.h"

namespace mcns::rrl {
namespace {

constexpr std::uint8_t kTruncated = 0x02;

struct Owner {
  std::size_t labels = 0;
  std::size_t end = 0;  // behind it, where its record goes on
};

// Of the record at `at`; nothing when it is not whole.
std::optional<Owner> read_owner(std::string_view response, std::size_t at) {
  Owner out;
  std::size_t part = at;
  while (at < response.size()) {
    const std::uint8_t size = read8(response, at);
    if (size == 0) {
      out.end = out.end != 0 ? out.end : at + 1;
      return out;
    }
    if ((size & 0xc0U) == 0xc0U) {
      if (response.size() - at < 2) {
        return std::nullopt;
      }
      out.end = out.end != 0 ? out.end : at + 2;
      const std::size_t target = read16(response, at) & 0x3fffU;
      if (target >= part) {  // RFC 1035 section 4.1.4: what was there before
        return std::nullopt;
      }
      at = part = target;
      continue;
    }
    ++out.labels;
    at += 1U + size;
  }
  return std::nullopt;
}

}  // namespace

Counted classify(const Query& query, Rcode rcode, std::string_view response, std::uint8_t labels) {
  if ((rcode != Rcode::kNoError && rcode != Rcode::kNxDomain) || response.size() < kHeaderSize) {
    return {Kind::kError, 0};
  }
  const bool has_answer = read16(response, 6) != 0;
  const bool is_truncated = (read8(response, 2) & kTruncated) != 0;
  if (rcode == Rcode::kNoError && (has_answer || is_truncated)) {
    return {Kind::kPositive, labels};
  }
  const Kind negative = rcode == Rcode::kNoError ? Kind::kNoData : Kind::kNxDomain;
  const std::uint8_t all = query.name.labels;
  const auto above = static_cast<std::uint8_t>(all == 0 ? 0 : all - 1);
  if (has_answer) {
    return {negative, std::min(labels, above)};  // a chain that leads nowhere
  }
  const auto owner = read16(response, 8) == 0
                         ? std::nullopt
                         : read_owner(response, kHeaderSize + query.question_size);
  if (!owner || response.size() - owner->end < 2) {
    return {negative, above};
  }
  const auto type = static_cast<Type>(read16(response, owner->end));
  const auto shared = static_cast<std::uint8_t>(std::min<std::size_t>(owner->labels, all));
  if (type == Type::kNs && negative == Kind::kNoData) {
    return {Kind::kReferral, shared};
  }
  return {negative, type == Type::kSoa ? shared : above};
}

}  // namespace mcns::rrl
