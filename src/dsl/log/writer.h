// The thread that writes the log, and the queue in front of it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/log/limiter.h"
#include "dsl/log/log.h"
#include "dsl/log/queue.h"

namespace dsl::log {

// What happens to lines that repeat themselves.
enum class Repeats { kSilenced, kKept };

// Thread-safe.
class Writer {
 public:
  explicit Writer(const Options& options);
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Queues one line; after `stop` writes it at once.
  void write(Level level, std::string_view component, std::string_view message,
             std::span<const Field> outer, std::span<const Field> inner,
             Repeats repeats = Repeats::kSilenced);
  // Writes what is queued and what is left to report, and joins the thread. Safe to call twice.
  void stop();
  std::uint64_t dropped();

 private:
  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void gather(std::unique_lock<std::mutex>& lock);
  std::string take_reports(const std::vector<Limiter::Suppressed>& suppressed);
  std::string format(Level level, std::string_view component, std::string_view message,
                     std::span<const Field> outer, std::span<const Field> inner) const;

  const Options options_;
  env::Clock& clock_;
  const bool color_;

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  Limiter limiter_;
  LineQueue queue_;
  std::uint64_t dropped_reported_ = 0;
  bool idle_ = false;  // the thread waits until it is told of a line
  bool stopping_ = false;
  bool stopped_ = false;

  std::thread thread_;
};

// Writes one line to `options.fd` now, past any queue.
void write_now(const Options& options, Level level, std::string_view component,
               std::string_view message, std::span<const Field> outer,
               std::span<const Field> inner);

}  // namespace dsl::log
