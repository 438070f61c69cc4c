// What is told of an answer, or of a message to or from an upstream.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <sys/socket.h>

#include "mcns/wire/codes.h"

namespace mcns {

// Who had the answer.
enum class AnswerPath : std::uint8_t { kZone, kSpecial, kCache, kForward };
std::string_view text(AnswerPath path);  // "zone"

// What response rate limiting made of an answer.
enum class Limited : std::uint8_t {
  kNone,
  kSlipped,  // sent without records
  kDropped,  // not sent
};
std::string_view text(Limited limited);  // "slipped"; empty for kNone

// Of an IPv4 address the first four octets. An IPv4 address inside an IPv6 one counts as IPv4.
struct EventAddress {
  std::array<std::uint8_t, 16> octets{};
  std::uint16_t port = 0;
  bool is_v6 = false;

  static EventAddress of(const sockaddr& address);
  std::string_view bytes() const;  // 4 or 16, in network order; valid as long as this
  std::string text() const;        // without the port
};

// Trivially copyable: this is what lies in a ring, with the octets behind it.
struct EventHead {
  enum class Kind : std::uint8_t { kAnswer, kUpstream };
  // Bits of `readers`.
  static constexpr std::uint8_t kWatcher = 1;
  static constexpr std::uint8_t kLog = 2;
  static constexpr std::uint8_t kTap = 4;

  Kind kind = Kind::kAnswer;
  AnswerPath path = AnswerPath::kZone;  // of an answer
  std::uint8_t readers = 0;             // whom it is for
  bool stream = false;                  // TCP
  Rcode rcode = Rcode::kNoError;        // of an answer; of one that was dropped what it had
  Limited limited = Limited::kNone;     // of an answer
  EventAddress peer;                    // the client, or the upstream
  std::int64_t asked_ns = 0;            // when it was read, or sent to an upstream: monotonic
  std::int64_t took_ns = 0;             // from then until the answer
  std::uint32_t response_bytes = 0;     // of the response as it was sent
};

// For a tap `query` and `response` are whole messages; of what has only one of them the other is
// empty. Else `query` is its header and question, and there is no response. Views into the ring.
struct Event {
  EventHead head;
  std::string_view query;
  std::string_view response;
};

}  // namespace mcns
