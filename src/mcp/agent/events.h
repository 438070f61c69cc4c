// What happened on this node, for people: recorded, bounded, and followed live.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

enum class Severity { kInfo, kWarn, kError };

struct EventRecord {
  std::int64_t id = 0;
  std::int64_t time_ms = 0;
  std::string service;
  std::string component;
  std::string kind;      // deploy, died, flap, boot_hold, drift, alert, ...
  std::string severity;  // info, warn, error
  std::string message;
  std::string data;  // JSON or empty
};

// Thread-safe. Kept 90 days or 100 000 rows, whichever is less.
class EventLog {
 public:
  EventLog(dsl::env::Env& env, Registry& registry) : env_(env), registry_(registry) {}

  // Also logged. A failure to record is logged, never fatal.
  void add(Severity severity, std::string_view kind, std::string_view service,
           std::string_view component, std::string_view message, std::string_view data = "");

  // The last `limit` events after `since_id`, oldest first; `service` empty = all.
  Result<std::vector<EventRecord>> list(std::int64_t since_id, std::string_view service, int limit);
  // All events after `since_id`, oldest first: for who follows.
  Result<std::vector<EventRecord>> after(std::int64_t since_id, std::string_view service);
  // Id of the newest event that this process has added; 0 before the first.
  std::int64_t newest();
  // Blocks until there is an event after `since_id`, or `patience` has passed.
  void wait_after(std::int64_t since_id, std::chrono::milliseconds patience);

 private:
  dsl::env::Env& env_;
  Registry& registry_;
  std::mutex mutex_;
  std::condition_variable added_;
  std::int64_t last_id_ = 0;  // guarded by mutex_
  std::atomic<std::int64_t> added_count_ = 0;
};

}  // namespace mcp::agent
