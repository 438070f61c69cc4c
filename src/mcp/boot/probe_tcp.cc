#include "mcp/boot/probe_socket.h"
#include "mcp/boot/probes.h"

namespace mcp::boot {

namespace {

using dsl::text;
using dsl::env::MonoTime;

// The forwarder of a rootless container accepts on behalf of a port where nobody listens, and
// closes after about 0.2 s. Measured; hence a connection must last longer than that.
constexpr std::chrono::milliseconds kStayOpen{300};
constexpr std::size_t kExpectBytesMax = 4096;

Answer stays_open(ProbeSocket& socket, dsl::env::Clock& clock, const std::string& subject) {
  const auto bytes = socket.read(1, clock.mono_now() + kStayOpen);
  if (!bytes && bytes.error().code() == dsl::Code::kDeadlineExceeded) {
    return {.pass = true, .text = subject + "open"};
  }
  if (!bytes || bytes->empty()) {
    return {.text = subject + "accepted, then closed: nothing listens in the container"};
  }
  return {.pass = true, .text = subject + "answers"};
}

Answer says(ProbeSocket& socket, const std::string& expect, MonoTime deadline,
            const std::string& subject) {
  std::string seen;
  while (seen.size() < kExpectBytesMax) {
    const auto more = socket.read(kExpectBytesMax, deadline);
    if (!more || more->empty()) {
      const std::string why = more ? "closed by the other side" : more.error().message();
      return {.text = text("{}\"{}\" did not come: {}", subject, expect, why)};
    }
    seen += *more;
    if (seen.find(expect) != std::string::npos) {
      return {.pass = true, .text = text("{}\"{}\" came", subject, expect)};
    }
  }
  return {.text = text("{}\"{}\" did not come, but: {}", subject, expect, printable(seen, 60))};
}

}  // namespace

Answer probe_tcp(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint) {
  const std::string subject = text("tcp {}: ", show(endpoint));
  const MonoTime deadline = env.clock().mono_now() + gate.health.timeout;
  auto socket = ProbeSocket::connect(env.clock(), ProbeSocket::Kind::kTcp, endpoint, deadline);
  if (!socket) {
    return {.text = subject + socket.error().message()};
  }
  return gate.health.expect.empty() ? stays_open(*socket, env.clock(), subject)
                                    : says(*socket, gate.health.expect, deadline, subject);
}

}  // namespace mcp::boot
