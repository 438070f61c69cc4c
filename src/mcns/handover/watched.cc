#include "mcns/handover/watched.h"

#include <future>

#include "dsl/env/env.h"

namespace mcns::handover {

void do_watched(const std::function<void()>& work, const std::function<void()>& still_alive,
                const WatchOptions& options) {
  dsl::env::Clock& clock = dsl::env::system_env().clock();
  const dsl::env::MonoTime deadline = clock.mono_now() + options.patience;
  const std::future<void> done = std::async(std::launch::async, work);
  while (done.wait_for(options.slice) != std::future_status::ready) {
    if (clock.mono_now() < deadline) {
      still_alive();
    }
  }
}

}  // namespace mcns::handover
