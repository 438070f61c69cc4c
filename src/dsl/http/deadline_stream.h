// A byte stream over a non-blocking descriptor in which every wait obeys one deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "dsl/env/clock.h"
#include "dsl/env/unique_fd.h"
#include "dsl/http/client.h"
#include "dsl/net/stream.h"

namespace dsl::http {

using Deadline = env::MonoTime;

// The kernel's clock: what a peer does is outside any simulated time.
Deadline now();

// What ends a wait. Set anew for each step by the owner of the stream.
struct Patience {
  Deadline deadline = Deadline::max();
  // Asked at least every 200 ms; false ends the wait with kCancelled.
  std::function<bool()> keep_waiting;
};

// Wakes every wait of the streams that watch it, for good. `raise` is safe from any thread.
class AbortSignal {
 public:
  AbortSignal();
  void raise();
  bool raised() const;
  int fd() const { return fd_.get(); }

 private:
  env::UniqueFd fd_;
};

// TCP, TLS or unix. Confined to one thread at a time. Errors as
// promised by Connection. `abort` must outlive the stream.
class DeadlineStream {
 public:
  static Result<std::unique_ptr<DeadlineStream>> connect(const Target& target,
                                                         const Patience& patience,
                                                         const AbortSignal& abort);
  ~DeadlineStream();
  DeadlineStream(const DeadlineStream&) = delete;
  DeadlineStream& operator=(const DeadlineStream&) = delete;

  // Bytes read, at least 1; 0 at the orderly end of the stream.
  Result<std::size_t> read_some(std::span<char> out, const Patience& patience);
  Result<void> write_all(std::string_view data, const Patience& patience);
  // True when the peer has closed, or has sent something nobody asked for, while we were idle.
  bool is_stale();

 private:
  DeadlineStream(env::UniqueFd fd, const AbortSignal& abort);
  Result<void> wait(short events, const Patience& patience);
  Result<void> start_tls(const Target& target, const Patience& patience);
  // After a step that is not done: returns when it may be repeated, or says why it failed.
  Result<void> wait_for(net::Io io, std::string_view what, const Patience& patience);

  net::Stream stream_;
  const AbortSignal& abort_;
};

}  // namespace dsl::http
