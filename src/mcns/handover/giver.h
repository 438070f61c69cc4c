// The old process's side of a hand-over.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "mcns/handover/door.h"

namespace mcns::handover {

// What the heir gets. The descriptors of `fds` stay their owner's.
struct Holdings {
  std::vector<std::string> names;  // of `fds`, each: "dns", "rest", "metrics"
  std::vector<int> fds;
  dsl::env::UniqueFd cache;   // a sealed memory; may be absent
  std::string sources;        // identifies the upstreams that the cache was filled from
  bool unchangeable = false;  // the database is damaged, and the zones are those of an image
};

// What has to happen to the service, step by step. All on the thread that calls `give`.
class Owner {
 public:
  virtual ~Owner() = default;

  // Nothing is written any more, and the database is closed. Names are answered as before.
  virtual Holdings release() = 0;
  // Nobody of this process has the addresses of the API any more.
  virtual void leave_addresses() = 0;
  // No question is read any more, once it has returned. Connections with nothing under way go to
  // `take`, now and later, on any thread.
  virtual void stop_reading(std::function<bool(int fd)> take) = 0;
  // It came to nothing and the other process has ended: all is as it was before `release`.
  virtual void take_back() = 0;
  // Called while the other process is waited for.
  virtual void still_alive() = 0;
};

struct GiverOptions {
  std::string version;
  std::chrono::milliseconds timeout{30000};   // from the release until the heir is ready
  std::chrono::milliseconds end_grace{6000};  // for an heir that has failed
};

// Hands over to `heir`, or takes everything back and says why. An heir that fails is told, gets a
// few seconds to end and is killed then, so that never two processes have the database.
dsl::Result<void> give(Visit& heir, Owner& owner, const GiverOptions& options);

}  // namespace mcns::handover
