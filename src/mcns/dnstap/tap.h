// Messages of clients and upstreams for programs of others: dnstap over Frame Streams.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcns/dnstap/encode.h"
#include "mcns/dnstap/output.h"
#include "mcns/events/query_events.h"

namespace mcns::dnstap {

struct TapOptions {
  std::string place;  // "unix:/run/dnstap.sock", or the path of a file
  Identity identity;
  bool anonymize = false;
};

// kInvalidArgument for what is no place of a tap.
dsl::Result<void> check_place(std::string_view place);
// Whether it is the path of a file, and not a socket.
bool is_file(std::string_view place);

// Thread-safe, apart from `work` and `finish`, which are its writer's.
class Tap final : public EventSink {
 public:
  // `env` outlives it; `options.place` has been checked.
  Tap(dsl::env::Env& env, const TapOptions& options);

  void take(const Event& event, std::int64_t at_ns) override;
  // Writes what can be written now.
  void work();
  // Writes the rest and ends the stream; within two seconds.
  void finish();
  // Messages that nobody took.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  // Octets of frames: a reader that is away for a moment, or an upgrade of it, loses nothing.
  static constexpr std::size_t kWaitingMax = std::size_t{4} << 20U;

  bool has_more();
  void leave_torn_frame();

  dsl::env::Env& env_;
  const TapOptions options_;
  const std::unique_ptr<TapOutput> output_;
  std::string writing_;  // of whoever works, and how much of it was taken
  std::size_t taken_ = 0;
  std::atomic<std::uint64_t> lost_{0};
  std::mutex mutex_;
  std::string waiting_;  // guarded by mutex_
};

}  // namespace mcns::dnstap
