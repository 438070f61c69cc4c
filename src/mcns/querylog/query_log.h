// The query log: answers as JSON lines in a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "mcns/events/query_events.h"
#include "mcns/querylog/log_file.h"

namespace mcns::querylog {

// Thread-safe, apart from `work`, which is its writer's.
class QueryLog final : public EventSink {
 public:
  QueryLog(dsl::env::Env& env, std::string path, bool anonymize)
      : file_(env, std::move(path)), anonymize_(anonymize) {}

  void take(const Event& event, std::int64_t at_ns) override;
  // Writes what was taken. What cannot be written is lost: the next try is the next lines'.
  void work();
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kWaitingMax = std::size_t{1} << 20U;  // octets of lines

  LogFile file_;
  const bool anonymize_;
  std::string writing_;  // of whoever works
  std::uint64_t writing_lines_ = 0;
  bool has_failed_ = false;
  std::atomic<std::uint64_t> lost_{0};  // lines
  std::mutex mutex_;
  std::string waiting_;              // guarded by mutex_
  std::uint64_t waiting_lines_ = 0;  // guarded by mutex_
};

}  // namespace mcns::querylog
