#include "mcns/forward/packet.h"

#include <array>

#include "mcns/forward/loop_options.h"
#include "mcns/wire/message.h"
#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

constexpr std::uint8_t kRecursionDesired = 0x01;  // header octet 2
constexpr std::uint8_t kCheckingDisabled = 0x10;  // header octet 3
constexpr std::uint16_t kDnssecOk = 0x8000;
// What arrives in one piece on any network (DNS flag day 2020).
constexpr std::uint16_t kUdpSize = 1232;
constexpr std::uint8_t kAuthenticData = 0x20;  // header octet 3
constexpr std::size_t kPaddedTo = 128;
constexpr std::size_t kOptionHead = 4;
constexpr std::size_t kOptHead =
    11;  // of our OPT record, its owner and the size of its options too

void append16(Bytes& out, std::uint16_t number) {
  std::array<char, 2> octets{};
  write16(octets.data(), number);
  out.append(octets.data(), octets.size());
}

}  // namespace

Packet make_packet(const ForwardQuestion& question, std::optional<std::uint64_t> nonce, Role role) {
  Bytes options;
  append_hops(options, question.hops + 1);
  if (nonce) {
    append_loop_nonce(options, *nonce);
  }
  Bytes packet;
  append16(packet, 0);
  packet += static_cast<char>(role == Role::kResolver ? kRecursionDesired : 0);
  packet += static_cast<char>(question.checking_disabled ? kCheckingDisabled : 0);
  append16(packet, 1);  // questions
  append16(packet, 0);
  append16(packet, 0);
  append16(packet, 1);  // additional records: OPT
  packet += question.name.wire();
  append16(packet, static_cast<std::uint16_t>(question.type));
  append16(packet, static_cast<std::uint16_t>(question.dns_class));
  // RFC 6891 section 6.1.2.
  packet += '\0';
  append16(packet, static_cast<std::uint16_t>(Type::kOpt));
  append16(packet, kUdpSize);
  append16(packet, 0);
  append16(packet, question.dnssec_ok ? kDnssecOk : std::uint16_t{0});
  append16(packet, static_cast<std::uint16_t>(options.size()));
  packet += options;
  return std::make_shared<const Bytes>(std::move(packet));
}

Packet sealed_packet(const Packet& packet) {
  Bytes sealed = *packet;
  sealed[3] = static_cast<char>(read8(sealed, 3) | kAuthenticData);
  const std::size_t size = sealed.size() + kOptionHead;
  const std::size_t padding = (kPaddedTo - size % kPaddedTo) % kPaddedTo;
  // The OPT record ends the packet, and its options end the record.
  const std::size_t options_size_at =
      kHeaderSize + question_section(sealed).size() + kOptHead - sizeof(std::uint16_t);
  const std::size_t options_size = read16(sealed, options_size_at) + kOptionHead + padding;
  write16(sealed.data() + options_size_at, static_cast<std::uint16_t>(options_size));
  append16(sealed, kOptionPadding);
  append16(sealed, static_cast<std::uint16_t>(padding));
  sealed.append(padding, '\0');
  return std::make_shared<const Bytes>(std::move(sealed));
}

std::string_view question_section(const Bytes& packet) {
  const std::string_view rest = std::string_view(packet).substr(kHeaderSize);
  std::size_t size = 0;
  while (rest[size] != '\0') {
    size += 1U + read8(rest, size);
  }
  return rest.substr(0, size + 1 + 4);
}

}  // namespace mcns
