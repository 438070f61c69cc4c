// What two processes say to each other while one takes the other's place.
//
// One packet a message:
//
//   "MCHO"      4 octets
//   version     1: of this form, 1
//   kind        1
//   count       1: of texts
//   each text: its octets (2, the high one first), then itself
//
// Descriptors travel beside the packet. The talk, `heir` being the new process:
//
// clang-format off
//   heir   take(version)                 giver stops writing and closes the database
//   giver  sockets(names)...             with a descriptor for each name
//   giver  unchangeable                  its database is damaged: the zones are those of an image
//   giver  estate(version, sources)      with the cache's memory, or without
//   heir   serving                       it has the zones and reads the same sockets
//   giver  free                          nobody has the addresses of the API any more
//   heir   ready                         no way back from here
//   giver  yours                         it reads no more; connection... may come before and after
//   giver  ends the connection
// clang-format on
//
// Either may say `refused` in place of anything, and that is the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/net/packet_link.h"
#include "dsl/result/result.h"

namespace mcns::handover {

enum class Kind : std::uint8_t {
  kTake = 1,      // version of the new process
  kSockets,       // a name for each descriptor
  kEstate,        // version of the old process, where its cache came from
  kServing,       //
  kFree,          //
  kReady,         //
  kYours,         //
  kConnection,    // with a TCP connection
  kRefused,       // message, hint
  kUpgrade,       // a client asks for all this: start your own successor
  kUpgraded,      // old version, new version, milliseconds, process
  kUnchangeable,  //
};

struct Message {
  Kind kind = Kind::kRefused;
  std::vector<std::string> texts;
  bool operator==(const Message&) const = default;
};

constexpr std::size_t kTextMax = 4096;  // octets; longer ones are cut when they are written

std::string encode(const Message& message);
// kInvalidArgument for anything else than what `encode` makes, or a kind with other texts than its
// own.
dsl::Result<Message> decode(std::string_view packet);

// The other process's refusal as an error.
dsl::Failure refusal(const Message& message);
Message refused(const dsl::Error& error);

// A message and the descriptors that came with it.
struct Said {
  Message message;
  std::vector<dsl::env::UniqueFd> fds;
};
dsl::Result<Said> hear(const dsl::net::PacketLink& link, std::chrono::milliseconds timeout);
// Hears this kind: the error of a refusal, kInvalidArgument for another kind.
dsl::Result<Said> expect(const dsl::net::PacketLink& link, Kind kind,
                         std::chrono::milliseconds timeout);

}  // namespace mcns::handover
