// Two ends of a stream on threads of their own, so that packing, sealing and hashing use more than
// one core. Private to mcp::recovery.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

// Pieces on their way, at most kPiecesMax of kPieceBytes.
constexpr std::size_t kPieceBytes = 1u << 20;
constexpr std::size_t kPiecesMax = 4;

// What is written goes to `sink` on another thread, in order. Confined to its owner; `sink` and
// `at_mark` are called on the other thread only. Destroyed before `finish`, it drops what waits.
class WriteBehind {
 public:
  WriteBehind(dsl::archive::Sink sink, std::function<Result<void>()> at_mark);
  ~WriteBehind();
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  // May tell of a failure of what was written before.
  Result<void> write(std::span<const std::byte> bytes);
  // `at_mark` is called between what was written before and what will be.
  Result<void> mark();
  // All of it went to the sink.
  Result<void> finish();

 private:
  struct Piece {
    std::vector<std::byte> bytes;
    bool mark_after = false;
  };
  Result<void> hand_over(bool mark_after);
  void run();

  const dsl::archive::Sink sink_;
  const std::function<Result<void>()> at_mark_;
  std::vector<std::byte> filling_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Piece> waiting_;
  bool ended_ = false;
  std::optional<dsl::Error> failed_;
  std::thread thread_;
};

// Reads `source` on another thread, ahead of who wants it. Confined to its owner.
class ReadAhead {
 public:
  explicit ReadAhead(dsl::archive::Source source);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  Result<std::size_t> read(std::span<std::byte> out);  // a Source

 private:
  void run();

  const dsl::archive::Source source_;
  std::vector<std::byte> present_;
  std::size_t taken_ = 0;  // of `present_`
  std::mutex mutex_;       // guards all below
  std::condition_variable changed_;
  std::deque<std::vector<std::byte>> waiting_;
  bool ended_ = false;    // the source has no more
  bool stopped_ = false;  // nobody wants more
  std::optional<dsl::Error> failed_;
  std::thread thread_;
};

}  // namespace mcp::recovery
