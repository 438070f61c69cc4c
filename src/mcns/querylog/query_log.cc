#include "mcns/querylog/query_log.h"

#include <utility>

#include "dsl/log/log.h"
#include "mcns/events/anonymize.h"
#include "mcns/querylog/line.h"

namespace mcns::querylog {
namespace {

const dsl::log::Logger kLogger("querylog");

}  // namespace

void QueryLog::take(const Event& event, std::int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kWaitingMax) {
    lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Event shown = event;
  if (anonymize_) {
    shown.head.peer = anonymized(event.head.peer);
  }
  append_line(shown, at_ns, waiting_);
  ++waiting_lines_;
}

void QueryLog::work() {
  {
    const std::lock_guard lock(mutex_);
    writing_.swap(waiting_);
    writing_lines_ = std::exchange(waiting_lines_, 0);
    waiting_.clear();
  }
  if (writing_.empty()) {
    return;
  }
  const dsl::Result<void> written = file_.write(writing_);
  if (!written) {
    lost_.fetch_add(writing_lines_, std::memory_order_relaxed);
    if (!has_failed_) {
      kLogger.failure(dsl::log::Level::kWarn, "the query log cannot be written", written.error());
    }
  } else if (has_failed_) {
    kLogger.info("the query log is written again", {{"path", file_.path()}});
  }
  has_failed_ = !written;
}

}  // namespace mcns::querylog
