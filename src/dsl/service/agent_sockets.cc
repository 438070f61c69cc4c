#include "dsl/service/agent_sockets.h"

#include <algorithm>

#include "dsl/log/log.h"
#include "dsl/service/socket_exchange.h"

namespace dsl::service {

namespace {

const log::Logger logger("service");

constexpr std::chrono::milliseconds kToldEach{10000};

}  // namespace

Result<ActivatedSockets> wait_for_agent_sockets(
    env::Clock& clock, const std::string& directory,
    const std::function<bool(env::MonoTime)>& sleep_until, const AgentPatience& patience) {
  const env::MonoTime began = clock.mono_now();
  env::MonoTime told = env::MonoTime::min();
  std::chrono::milliseconds pause = patience.pause_first;
  while (true) {
    Result<std::vector<HandedSocket>> handed = fetch_sockets(directory, patience.answer);
    if (handed) {
      ActivatedSockets out;
      for (HandedSocket& socket : *handed) {
        out.add(socket.name, std::move(socket.fd));
      }
      logger.info("has the sockets that the agent holds", {{"sockets", handed->size()}});
      return out;
    }
    const env::MonoTime now = clock.mono_now();
    if (handed.error().code() != Code::kUnavailable || now - began >= patience.total) {
      return fail(std::move(handed).error())
          .hint(
              "mcp status and mcp doctor on the node tell whether its agent runs and holds the "
              "sockets of this component");
    }
    if (told == env::MonoTime::min() || now - told >= kToldEach) {
      const auto waited = std::chrono::duration_cast<std::chrono::seconds>(now - began);
      logger.warn("waits for its sockets",
                  {{"waited_s", waited.count()}, {"because", handed.error().message()}});
      told = now;
    }
    if (!sleep_until(now + pause)) {
      return fail(Code::kCancelled, "ended while it waited for its sockets");
    }
    pause = std::min(pause * 2, patience.pause_max);
  }
}

}  // namespace dsl::service
