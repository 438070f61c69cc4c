#include "mcns/forward/tcp_line.h"

#include <array>
#include <utility>

#include "mcns/wire/octets.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kLengthSize = 2;

}  // namespace

Result<std::uint32_t> TcpLine::send(Attempt attempt, const Packet& packet) {
  MC_TRY(prepare());
  const auto id = outstanding_.add(attempt, packet, random_);
  if (!id) {
    return fail(Code::kUnavailable, "too many questions are under way");
  }
  std::array<char, kLengthSize> length{};
  write16(length.data(), static_cast<std::uint16_t>(packet->size()));
  output_.append(length.data(), length.size());
  output_ += with_id(packet, *id);
  want_write();
  return *id;
}

void TcpLine::produce(Bytes& output) { output += std::exchange(output_, {}); }

void TcpLine::take(std::string_view more) {
  input_ += more;
  const Bytes input = std::exchange(input_, {});
  std::string_view rest = input;
  while (rest.size() >= kLengthSize && rest.size() - kLengthSize >= read16(rest, 0)) {
    const std::string_view message = rest.substr(kLengthSize, read16(rest, 0));
    rest.remove_prefix(kLengthSize + message.size());
    if (const auto taken = outstanding_.take(message)) {
      answered();
      events().on_message(taken->attempt, message);
    }
  }
  if (is_open()) {
    input_ = rest;
  }
}

void TcpLine::ended() {
  output_.clear();
  input_.clear();
}

}  // namespace mcns
