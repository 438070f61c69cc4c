// Sockets to literal addresses whose every step ends by a deadline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/env/clock.h"
#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"
#include "mcp/boot/gate.h"

namespace mcp::boot {

using dsl::Result;

// A connected TCP or UDP socket. Errors: kUnavailable (refused, reset), kDeadlineExceeded,
// kInvalidArgument (no literal address).
//
// Confined to one thread.
class ProbeSocket {
 public:
  enum class Kind { kTcp, kUdp };

  static Result<ProbeSocket> connect(dsl::env::Clock& clock, Kind kind, const Endpoint& endpoint,
                                     dsl::env::MonoTime deadline);

  Result<void> write(std::string_view bytes, dsl::env::MonoTime deadline);
  // What comes next: a datagram, or some bytes. Empty at the end of a TCP stream.
  Result<std::string> read(std::size_t bytes_max, dsl::env::MonoTime deadline);
  // Exactly `count` bytes; kUnavailable when the stream ends before.
  Result<std::string> read_exactly(std::size_t count, dsl::env::MonoTime deadline);

 private:
  ProbeSocket(dsl::env::Clock& clock, dsl::env::UniqueFd fd) : clock_(&clock), fd_(std::move(fd)) {}

  Result<void> wait(short events, dsl::env::MonoTime deadline) const;

  dsl::env::Clock* clock_;
  dsl::env::UniqueFd fd_;
};

}  // namespace mcp::boot
