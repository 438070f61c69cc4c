#include "mcns/handover/message.h"

#include <algorithm>
#include <optional>

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::string_view kMagic = "MCHO";
constexpr char kVersion = 1;
constexpr std::size_t kHeadSize = 7;
constexpr std::size_t kTextsMax = dsl::net::kPacketFdsMax;

struct Bounds {
  std::size_t least = 0;
  std::size_t most = 0;
};

// How many texts a message of that kind has; nothing for a kind that there is not.
std::optional<Bounds> texts_of(Kind kind) {
  switch (kind) {
    case Kind::kTake:
      return Bounds{1, 1};
    case Kind::kEstate:
      return Bounds{2, 2};
    case Kind::kSockets:
      return Bounds{1, kTextsMax};
    case Kind::kServing:
    case Kind::kFree:
    case Kind::kReady:
    case Kind::kYours:
    case Kind::kConnection:
    case Kind::kUpgrade:
    case Kind::kUnchangeable:
      return Bounds{0, 0};
    case Kind::kRefused:
      return Bounds{2, 2};
    case Kind::kUpgraded:
      return Bounds{4, 4};
  }
  return std::nullopt;
}

std::size_t octet(std::string_view from, std::size_t at) {
  return static_cast<std::uint8_t>(from[at]);
}

}  // namespace

std::string encode(const Message& message) {
  std::string out(kMagic);
  out += kVersion;
  out += static_cast<char>(message.kind);
  out += static_cast<char>(message.texts.size());
  for (const std::string& text : message.texts) {
    const std::string_view kept = std::string_view(text).substr(0, kTextMax);
    out += static_cast<char>(kept.size() >> 8U);
    out += static_cast<char>(kept.size() & 0xffU);
    out += kept;
  }
  return out;
}

Result<Message> decode(std::string_view packet) {
  if (packet.size() < kHeadSize || !packet.starts_with(kMagic)) {
    return fail(Code::kInvalidArgument, "this is no message of a hand-over");
  }
  if (packet[4] != kVersion) {
    return fail(Code::kInvalidArgument, "the other process hands over by version {}, not {}",
                octet(packet, 4), static_cast<int>(kVersion))
        .hint("stop the old process and start the new one");
  }
  Message out;
  out.kind = static_cast<Kind>(packet[5]);
  const std::size_t count = octet(packet, 6);
  const std::optional<Bounds> bounds = texts_of(out.kind);
  if (!bounds || count < bounds->least || count > bounds->most) {
    return fail(Code::kInvalidArgument, "a message of kind {} with {} texts means nothing",
                octet(packet, 5), count);
  }
  std::string_view rest = packet.substr(kHeadSize);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = rest.size() < 2 ? 0 : (octet(rest, 0) << 8U) | octet(rest, 1);
    if (rest.size() < 2 + size || size > kTextMax) {
      return fail(Code::kInvalidArgument, "text {} of a message is cut off or too long", i);
    }
    out.texts.emplace_back(rest.substr(2, size));
    rest.remove_prefix(2 + size);
  }
  if (!rest.empty()) {
    return fail(Code::kInvalidArgument, "{} octets follow the end of a message", rest.size());
  }
  return out;
}

dsl::Failure refusal(const Message& message) {
  return fail(Code::kFailedPrecondition, "{}", message.texts.at(0)).hint(message.texts.at(1));
}

Message refused(const dsl::Error& error) {
  return {Kind::kRefused, {error.message(), error.hint()}};
}

Result<Said> hear(const dsl::net::PacketLink& link, std::chrono::milliseconds timeout) {
  MC_ASSIGN(dsl::net::Packet packet, link.receive(timeout));
  Said out;
  MC_ASSIGN(out.message, decode(packet.bytes));
  out.fds = std::move(packet.fds);
  return out;
}

Result<Said> expect(const dsl::net::PacketLink& link, Kind kind,
                    std::chrono::milliseconds timeout) {
  MC_ASSIGN(Said said, hear(link, timeout));
  if (said.message.kind == Kind::kRefused) {
    return refusal(said.message);
  }
  if (said.message.kind != kind) {
    return fail(Code::kInvalidArgument, "the other process says {} where {} is due",
                static_cast<int>(said.message.kind), static_cast<int>(kind));
  }
  return said;
}

}  // namespace mcns::handover
