// Notices that a service which is to run has lost its directory or a replicated database, and stops
// it: what it goes on writing would be lost, and some would begin with an empty database.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/events.h"
#include "mcp/agent/registry.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

inline constexpr const char* kDataLostEvent = "data_lost";

// Whether the last word about the service is that it was stopped for lost data.
Result<bool> halted_for_data(dsl::env::Env& env, Registry& registry, const std::string& service);

// One thread. What it cannot look at (a directory of another user) it leaves alone.
class DataWatch {
 public:
  // A container that is to run.
  struct Wanted {
    std::string service;
    std::string component;
    std::int64_t pid = 0;  // 0 = it does not run
  };
  DataWatch(dsl::env::Env& env, const Config& config, Registry& registry, EventLog& events,
            std::function<std::vector<Wanted>()> wanted,
            std::function<Result<void>(const std::string& service)> stop_service);
  ~DataWatch();

  void start();
  void stop();
  // One look; what it finds twice in a row is lost. For tests.
  void look();

 private:
  void watch_forever();
  std::string loss_of(const ServiceRecord& record, const Wanted& wanted);
  void tell(const std::string& service, const std::string& what, bool stopped);
  std::string lost_database(const std::string& service);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  EventLog& events_;
  const std::function<std::vector<Wanted>()> wanted_;
  const std::function<Result<void>(const std::string&)> stop_service_;
  // Confined to a look:
  std::map<std::string, std::string> suspected_;            // service, what the last look has found
  std::map<std::string, std::set<std::string>> databases_;  // service, paths seen so far
  std::set<std::string> directories_;                       // of volumes, seen as such
  std::map<std::string, std::string> told_;                 // service, what cannot be helped

  std::mutex mutex_;
  std::condition_variable ended_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace mcp::agent
