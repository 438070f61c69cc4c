#include "dsl/transcode/event_pump.h"

namespace dsl::transcode {

namespace {

// Often enough for the proxies on the way, which cut what is silent for a minute.
constexpr std::chrono::seconds kHeartbeat{15};
constexpr char kComment[] = ":\n\n";  // an empty comment: EventSource ignores it

}  // namespace

Result<void> EventPump::put(std::string piece) {
  std::unique_lock lock(mutex_);
  if (gone_) {
    return fail(Code::kCancelled, "the client has gone");
  }
  piece_ = std::move(piece);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !piece_; });
  return outcome_;
}

void EventPump::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool EventPump::run() {
  while (const std::optional<std::string> piece = next()) {
    Result<void> sent = send(piece->empty() ? kComment : *piece);
    const std::lock_guard lock(mutex_);
    if (piece->empty() && sent) {
      continue;  // a piece that came meanwhile is still to be sent
    }
    gone_ = !sent;
    outcome_ = std::move(sent);
    piece_.reset();
    changed_.notify_all();
  }
  return begun_;
}

bool EventPump::gone() {
  const std::lock_guard lock(mutex_);
  return gone_;
}

std::optional<std::string> EventPump::next() {
  std::unique_lock lock(mutex_);
  // Who has gone needs no heartbeat; the handler learns of it from `gone`.
  const env::MonoTime silence_ends = gone_ ? env::MonoTime::max() : clock_.mono_now() + kHeartbeat;
  while (!ended_ && !piece_) {
    if (!clock_.wait_until(changed_, lock, silence_ends) && !piece_ && !ended_) {
      return std::string();
    }
  }
  // What the handler wrote before it ended has been taken: it waits for that.
  return ended_ ? std::nullopt : piece_;
}

Result<void> EventPump::send(std::string_view piece) {
  if (!begun_) {
    begun_ = true;
    MC_TRY(exchange_.begin(200,
                           {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}}));
  }
  return exchange_.write(piece);
}

}  // namespace dsl::transcode
