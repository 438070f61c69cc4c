#include "mcp/recovery/pipeline.h"

#include <algorithm>

namespace mcp::recovery {

using dsl::archive::Sink;
using dsl::archive::Source;

WriteBehind::WriteBehind(Sink sink, std::function<Result<void>()> at_mark)
    : sink_(std::move(sink)), at_mark_(std::move(at_mark)), thread_([this] { run(); }) {
  filling_.reserve(kPieceBytes);
}

WriteBehind::~WriteBehind() {
  {
    const std::lock_guard guard(mutex_);
    ended_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Result<void> WriteBehind::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes - filling_.size()));
    filling_.insert(filling_.end(), piece.begin(), piece.end());
    bytes = bytes.subspan(piece.size());
    if (filling_.size() == kPieceBytes) {
      MC_TRY(hand_over(false));
    }
  }
  return {};
}

Result<void> WriteBehind::mark() { return hand_over(true); }

Result<void> WriteBehind::hand_over(bool mark_after) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.size() < kPiecesMax || failed_; });
  if (failed_) {
    return tl::unexpected(*failed_);
  }
  waiting_.push_back({std::move(filling_), mark_after});
  lock.unlock();
  changed_.notify_all();
  filling_.clear();
  filling_.reserve(kPieceBytes);
  return {};
}

Result<void> WriteBehind::finish() {
  Result<void> handed = hand_over(false);
  {
    const std::lock_guard guard(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
  MC_TRY(std::move(handed));
  if (failed_) {
    return tl::unexpected(*failed_);
  }
  return {};
}

void WriteBehind::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !waiting_.empty() || ended_; });
    if (waiting_.empty()) {
      return;
    }
    const Piece piece = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    changed_.notify_all();
    Result<void> done = piece.bytes.empty() ? Result<void>() : sink_(piece.bytes);
    if (done && piece.mark_after) {
      done = at_mark_();
    }
    lock.lock();
    if (!done) {
      failed_ = done.error();
      waiting_.clear();
      changed_.notify_all();
      return;
    }
  }
}

ReadAhead::ReadAhead(Source source) : source_(std::move(source)), thread_([this] { run(); }) {}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Result<std::size_t> ReadAhead::read(std::span<std::byte> out) {
  if (taken_ == present_.size()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !waiting_.empty() || ended_ || failed_; });
    if (waiting_.empty()) {
      return failed_ ? Result<std::size_t>(tl::unexpected(*failed_)) : std::size_t{0};
    }
    present_ = std::move(waiting_.front());
    waiting_.pop_front();
    taken_ = 0;
    lock.unlock();
    changed_.notify_all();
  }
  const std::size_t count = std::min(out.size(), present_.size() - taken_);
  std::copy_n(present_.begin() + static_cast<std::ptrdiff_t>(taken_), count, out.begin());
  taken_ += count;
  return count;
}

void ReadAhead::run() {
  while (true) {
    std::vector<std::byte> piece(kPieceBytes);
    Result<std::size_t> count = dsl::archive::read_full(source_, piece);
    std::unique_lock lock(mutex_);
    if (!count) {
      failed_ = count.error();
    } else if (*count == 0) {
      ended_ = true;
    } else {
      piece.resize(*count);
      changed_.wait(lock, [this] { return waiting_.size() < kPiecesMax || stopped_; });
      waiting_.push_back(std::move(piece));
    }
    const bool more = count && *count == kPieceBytes && !stopped_;
    ended_ = ended_ || (count && *count < kPieceBytes);
    lock.unlock();
    changed_.notify_all();
    if (!more) {
      return;
    }
  }
}

}  // namespace mcp::recovery
