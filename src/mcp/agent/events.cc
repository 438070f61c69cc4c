#include "mcp/agent/events.h"

#include <algorithm>

#include "dsl/log/log.h"

namespace mcp::agent {

using dsl::db::Row;
using dsl::db::Transaction;

namespace {

const dsl::log::Logger logger("agent.events");
constexpr std::int64_t kRowsMax = 100000;
constexpr std::int64_t kAgeMaxMs = 90LL * 24 * 3600 * 1000;
constexpr std::int64_t kPruneEvery = 1000;
constexpr int kFollowBatch = 1000000;  // all there are

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarn:
      return "warn";
    case Severity::kError:
      return "error";
  }
  return "info";
}

void log_event(Severity severity, std::string_view message, dsl::log::Fields fields) {
  switch (severity) {
    case Severity::kInfo:
      logger.info(message, fields);
      return;
    case Severity::kWarn:
      logger.warn(message, fields);
      return;
    case Severity::kError:
      logger.error(message, fields);
      return;
  }
}

Result<std::vector<EventRecord>> select(Registry& registry, std::string_view order,
                                        std::int64_t since_id, std::string_view service,
                                        int limit) {
  std::vector<EventRecord> events;
  MC_TRY(registry.database().query(
      dsl::text("SELECT id, time, service, component, kind, severity, message, data FROM events "
                "WHERE id > ? AND (? = '' OR service = ?) {}",
                order),
      [&](Row& row) -> Result<void> {
        events.push_back({.id = row.integer(0),
                          .time_ms = row.integer(1),
                          .service = row.text(2),
                          .component = row.text(3),
                          .kind = row.text(4),
                          .severity = row.text(5),
                          .message = row.text(6),
                          .data = row.text(7)});
        return {};
      },
      since_id, service, service, limit));
  return events;
}

}  // namespace

void EventLog::add(Severity severity, std::string_view kind, std::string_view service,
                   std::string_view component, std::string_view message, std::string_view data) {
  log_event(severity, message, {{"event", kind}, {"service", service}, {"component", component}});
  const auto now = env_.clock().now();
  const bool prune = ++added_count_ % kPruneEvery == 0;
  const auto written = registry_.database().write([&](Transaction& tx) -> Result<std::int64_t> {
    MC_TRY(
        tx.run("INSERT INTO events(time, service, component, kind, severity, message, data) "
               "VALUES(?, ?, ?, ?, ?, ?, ?)",
               now, service, component, kind, name(severity), message, data));
    const std::int64_t id = tx.last_insert_id();
    if (prune) {
      MC_TRY(tx.run("DELETE FROM events WHERE id <= ? OR time < ?", id - kRowsMax,
                    now.time_since_epoch().count() - kAgeMaxMs));
    }
    return id;
  });
  if (!written) {
    logger.failure(dsl::log::Level::kWarn, "event not recorded", written.error());
    return;
  }
  const std::lock_guard lock(mutex_);
  last_id_ = std::max(last_id_, *written);
  added_.notify_all();
}

Result<std::vector<EventRecord>> EventLog::list(std::int64_t since_id, std::string_view service,
                                                int limit) {
  MC_ASSIGN(std::vector<EventRecord> events,
            select(registry_, "ORDER BY id DESC LIMIT ?", since_id, service, limit));
  std::reverse(events.begin(), events.end());
  return events;
}

Result<std::vector<EventRecord>> EventLog::after(std::int64_t since_id, std::string_view service) {
  return select(registry_, "ORDER BY id LIMIT ?", since_id, service, kFollowBatch);
}

std::int64_t EventLog::newest() {
  const std::lock_guard lock(mutex_);
  return last_id_;
}

void EventLog::wait_after(std::int64_t since_id, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const auto deadline = env_.clock().mono_now() + patience;
  while (last_id_ <= since_id && env_.clock().wait_until(added_, lock, deadline)) {
  }
}

}  // namespace mcp::agent
