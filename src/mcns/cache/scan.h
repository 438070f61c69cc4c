// One pass over a response, for what the cache has to know of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mcns/wire/codes.h"

namespace mcns {

// Of a response with one question that is not compressed. Places are counted from the end of the
// question.
struct Scan {
  Rcode rcode = Rcode::kNoError;  // of the header
  bool truncated = false;
  std::array<std::uint16_t, 3> counts{};  // of records: answer, authority, additional section
  std::array<std::size_t, 3> ends{};      // of the sections
  std::vector<std::size_t> ttls;          // where they stand
  std::uint32_t smallest_ttl = UINT32_MAX;
  bool has_answer = false;  // of the type asked for, not only aliases that lead nowhere
  // RFC 2308 section 5: min(TTL, MINIMUM) of the SOA in the authority section.
  std::optional<std::uint32_t> negative_ttl;
};

// `question_size`: octets of the question section. Nothing when `response` is not whole, has octets
// left over, or has an OPT record.
std::optional<Scan> scan_response(std::string_view response, std::size_t question_size, Type asked);

// How many sections of a response fit into `room_bytes` behind its question; nothing when it is
// truncated then, and has none. `ends` as of Scan; `answers_alone_do`: it is positive, and its
// authority section proves nothing.
std::optional<std::size_t> sections_that_fit(const std::array<std::size_t, 3>& ends,
                                             bool answers_alone_do, std::size_t room_bytes);

// RFC 2181 section 8: with the sign bit it is 0.
std::uint32_t read_ttl(std::string_view octets, std::size_t at);

}  // namespace mcns
