// Where whoever wants the place of this process knocks: the socket, and a thread that reads the
// first word of each visitor.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "mcns/handover/message.h"

namespace mcns::handover {

// A visitor with a right to what he asks for: kTake from our own user, kUpgrade from him or root.
struct Visit {
  dsl::net::PacketLink link;
  Message asks;
  pid_t pid = 0;
  dsl::env::UniqueFd process;  // a pidfd; only with kTake
};

// Thread-safe.
class Door {
 public:
  // `came` is called on the thread of the door whenever there is a visit to take.
  static dsl::Result<std::unique_ptr<Door>> open(const std::string& path,
                                                 std::function<void()> came);
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // The visit that has waited longest, or the one that comes within `timeout`.
  std::optional<Visit> next(std::chrono::milliseconds timeout);
  // The file goes with the door, unless it belongs to a successor.
  void keep_file() { keeps_file_ = true; }

 private:
  Door(std::string path, dsl::net::PacketListener listener, std::function<void()> came);
  void run();
  void receive(dsl::net::PacketLink link);

  const std::string path_;
  const dsl::net::PacketListener listener_;
  const std::function<void()> came_;
  dsl::env::UniqueFd wake_;  // eventfd
  bool keeps_file_ = false;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Visit> visits_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace mcns::handover
