// The new process's side of a hand-over.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mcns/handover/message.h"

namespace mcns::handover {

struct Estate {
  std::vector<std::pair<std::string, dsl::env::UniqueFd>> sockets;  // by name: "dns", ...
  dsl::env::UniqueFd cache;  // a memory; absent when there is none
  std::string version;       // of the old process
  std::string sources;       // as of Holdings
  bool unchangeable = false;
};

struct HeirOptions {
  std::string version;
  // For each answer of his; twice that for the estate, before which he ends his running calls and
  // closes the database.
  std::chrono::milliseconds timeout{30000};
};

// Whether somebody listens at `path`: a look only, which asks nothing of him.
dsl::Result<bool> is_served(const std::string& path);

// Confined to the thread that starts the service; it has one of its own for late connections.
class Heir {
 public:
  // Asks whoever listens at `path` for his place, and returns when he has let go of the database;
  // null when nobody is there. kPermissionDenied, kFailedPrecondition, kDeadlineExceeded: he keeps
  // it.
  static dsl::Result<std::unique_ptr<Heir>> ask(const std::string& path,
                                                const HeirOptions& options);
  ~Heir();
  Heir(const Heir&) = delete;
  Heir& operator=(const Heir&) = delete;

  Estate& estate() { return estate_; }

  // We answer on the same sockets. Returns when the addresses of the API are free.
  dsl::Result<void> serving();
  // We can do all that he could. Returns when he reads no more: from then on what is written here
  // is seen by everybody. `adopt` gets connections of his, on another thread, also later.
  dsl::Result<void> ready(std::function<void(dsl::env::UniqueFd)> adopt);

 private:
  Heir(dsl::net::PacketLink link, std::chrono::milliseconds timeout)
      : link_(std::move(link)), timeout_(timeout) {}
  dsl::Result<void> receive_estate();
  void run(const std::function<void(dsl::env::UniqueFd)>& adopt);

  dsl::net::PacketLink link_;
  const std::chrono::milliseconds timeout_;
  Estate estate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<dsl::Result<void>> outcome_;  // guarded by mutex_
  std::thread thread_;
};

// The client's side of `mcns upgrade`.
struct Upgraded {
  std::string from;
  std::string to;
  std::string took_ms;
  std::string pid;
};
// kNotFound when no server listens at `path`; the server's reason when it goes on as it was.
dsl::Result<Upgraded> request_upgrade(const std::string& path, std::chrono::milliseconds timeout);

}  // namespace mcns::handover
