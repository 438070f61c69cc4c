#include "mcp/agent/data_watch.h"

#include <algorithm>
#include <sstream>

#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "mcp/agent/backup_units.h"
#include "mcp/recovery/unit_data.h"

namespace mcp::agent {

using dsl::Code;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.data");
constexpr std::chrono::milliseconds kEvery{3000};  // two looks and a stop are done within 10 s
constexpr int kEventsLookedAt = 200;

bool is_read_only(const model::Volume& volume) {
  return std::find(volume.options.begin(), volume.options.end(), "ro") != volume.options.end();
}

// Whether what the process has mounted there has no name any more (proc_pid_mountinfo(5): mount
// point and root are the fifth and fourth fields).
bool has_removed_mount(dsl::env::FileSystem& files, std::int64_t pid, const std::string& place) {
  std::istringstream lines(files.read_file(text("/proc/{}/mountinfo", pid)).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id;
    std::string parent;
    std::string device;
    std::string root;
    std::string point;
    fields >> id >> parent >> device >> root >> point;
    if (point == place && root.ends_with("//deleted")) {
      return true;
    }
  }
  return false;
}

bool lies_in(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

}  // namespace

Result<bool> halted_for_data(dsl::env::Env& env, Registry& registry, const std::string& service) {
  EventLog events(env, registry);
  MC_ASSIGN(const std::vector<EventRecord> recent, events.list(0, service, kEventsLookedAt));
  for (auto event = recent.rbegin(); event != recent.rend(); ++event) {
    for (const char* kind : {"start", "stop", "restart", "deploy"}) {
      if (event->kind == kind) {
        return false;
      }
    }
    if (event->kind == kDataLostEvent) {
      return true;
    }
  }
  return false;
}

DataWatch::DataWatch(dsl::env::Env& env, const Config& config, Registry& registry, EventLog& events,
                     std::function<std::vector<Wanted>()> wanted,
                     std::function<Result<void>(const std::string& service)> stop_service)
    : env_(env),
      config_(config),
      registry_(registry),
      events_(events),
      wanted_(std::move(wanted)),
      stop_service_(std::move(stop_service)) {}

DataWatch::~DataWatch() { stop(); }

void DataWatch::start() {
  thread_ = std::thread([this] { watch_forever(); });
}

void DataWatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ended_.notify_all();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void DataWatch::watch_forever() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look();
    lock.lock();
    const auto until = env_.clock().mono_now() + kEvery;
    while (!stopping_ && env_.clock().wait_until(ended_, lock, until)) {
    }
  }
}

void DataWatch::look() {
  std::map<std::string, std::string> suspected;
  std::set<std::string> seen;
  for (const Wanted& wanted : wanted_()) {
    seen.insert(wanted.service);
    const Result<std::optional<ServiceRecord>> record = registry_.service(wanted.service);
    if (!record || !*record || suspected.contains(wanted.service)) {
      continue;
    }
    std::string loss = loss_of(**record, wanted);
    if (loss.empty()) {
      loss = lost_database(wanted.service);
    }
    if (!loss.empty()) {
      suspected[wanted.service] = loss;
    }
  }
  // What is not to run is none of ours: a restore may be at work on it.
  std::erase_if(databases_, [&](const auto& entry) { return !seen.contains(entry.first); });
  for (const auto& [service, loss] : suspected) {
    if (!suspected_.contains(service)) {
      continue;  // it may be on its way: once more
    }
    const Result<void> stopped = stop_service_(service);
    tell(service, stopped ? loss : loss + ": " + stopped.error().message(), stopped.has_value());
  }
  std::erase_if(told_, [&](const auto& entry) { return !suspected.contains(entry.first); });
  suspected_ = std::move(suspected);
}

// What stays as it is is told once.
void DataWatch::tell(const std::string& service, const std::string& what, bool stopped) {
  if (stopped) {
    events_.add(Severity::kError, kDataLostEvent, service, "",
                text("{}, so it was stopped: mcp recover {}", what, service));
  } else if (told_[service] != what) {
    told_[service] = what;
    events_.add(Severity::kError, "data_lost_runs", service, "",
                text("{}; it could not be stopped yet", what));
  }
}

// Directories alone: a file or a link is replaced on purpose by many. A directory that was removed
// and made anew is still the removed one for the container.
std::string DataWatch::loss_of(const ServiceRecord& record, const Wanted& wanted) {
  const model::Component* component = record.service.find(wanted.component);
  if (component == nullptr) {
    return {};
  }
  const std::string root = config_.data_root + "/" + wanted.service;
  for (const model::Volume& volume : component->volumes) {
    if (!lies_in(volume.host, root) || is_read_only(volume)) {
      continue;
    }
    const Result<dsl::env::FileInfo> named = env_.files().stat(volume.host, false);
    if (!named && named.error().code() == Code::kNotFound &&
        (volume.host == root || directories_.contains(volume.host))) {
      return text("{} is gone", volume.host);
    }
    if (!named || named->kind != dsl::env::FileKind::kDirectory) {
      directories_.erase(volume.host);
      continue;
    }
    directories_.insert(volume.host);
    if (wanted.pid != 0 && has_removed_mount(env_.files(), wanted.pid, volume.container)) {
      return text("{} was removed and made anew while {} runs", volume.host, wanted.service);
    }
  }
  return {};
}

std::string DataWatch::lost_database(const std::string& service) {
  recovery::UnitPlace unit{.name = service, .root = config_.data_root + "/" + service};
  for (const std::string& directory : replica_directories(config_)) {
    unit.mirrors.push_back(directory + "/" + service);
  }
  const auto replicas = recovery::find_replicas(env_, unit, nullptr);
  if (!replicas) {
    logger.debug("replicas are not looked at",
                 {{"service", service}, {"why", replicas.error().message()}});
    return {};
  }
  std::set<std::string>& known = databases_[service];
  for (const recovery::UnitReplica& replica : *replicas) {
    const std::string path = unit.root + "/" + replica.database;
    const Result<dsl::env::FileInfo> info = env_.files().stat(path);
    if (info) {
      known.insert(path);
    } else if (info.error().code() == Code::kNotFound && known.contains(path)) {
      return text("the database {} is gone", path);
    }
  }
  return {};
}

}  // namespace mcp::agent
