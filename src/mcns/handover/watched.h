// Steps of a hand-over that may take long while a watchdog watches the process.
#pragma once

#include <chrono>
#include <functional>

namespace mcns::handover {

struct WatchOptions {
  std::chrono::milliseconds slice{1000};  // between two signs of life
  // After it there are none: what hangs is the watchdog's to end.
  std::chrono::milliseconds patience{30000};
};

// Runs `work` on a thread of its own and returns when it has ended; meanwhile `still_alive` is
// called on the caller's.
void do_watched(const std::function<void()>& work, const std::function<void()>& still_alive,
                const WatchOptions& options);

}  // namespace mcns::handover
