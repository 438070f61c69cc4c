// The agent's parts, wired: everything that works on the registry and the runtime.
#pragma once

#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/boot_runner.h"
#include "mcp/agent/config.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/data_watch.h"
#include "mcp/agent/definitions.h"
#include "mcp/agent/deploy.h"
#include "mcp/agent/events.h"
#include "mcp/agent/image_saver.h"
#include "mcp/agent/images.h"
#include "mcp/agent/locks.h"
#include "mcp/agent/mirror.h"
#include "mcp/agent/observer.h"
#include "mcp/agent/operations.h"
#include "mcp/agent/pre_upgrade.h"
#include "mcp/agent/recover.h"
#include "mcp/agent/registry.h"
#include "mcp/agent/runbook_file.h"
#include "mcp/agent/service_files.h"
#include "mcp/agent/service_ops.h"
#include "mcp/agent/socket_keeper.h"
#include "mcp/agent/uploads.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

struct Core {
  Core(dsl::env::Env& environment, const Config& configuration,
       std::unique_ptr<Registry> opened_registry, std::unique_ptr<runtime::Runtime> opened_runtime,
       std::string machine_boot_id);

  // What a start of the agent does once the parts are there: record the node, repair the mirror,
  // end operations that a crash left open, boot after a reboot or go on with an unfinished run, and
  // observe. On the same boot, and with nothing left open, it only observes.
  Result<void> begin();
  void stop(std::chrono::milliseconds grace);

  dsl::env::Env& env;
  const Config& config;
  std::unique_ptr<Registry> registry;
  std::unique_ptr<runtime::Runtime> runtime;
  const std::string boot_id;
  std::string runtime_mode;  // "socket" or "spawn"; for people

  ServiceLocks locks;
  EventLog events;
  Mirror mirror;
  RunbookFile runbook;
  SocketKeeper sockets;
  Containers containers;
  Images images;
  ImageSaver image_saver;
  NamespaceHelpers helpers;
  ServiceFiles files;
  Uploads uploads;
  Operations operations;
  PreUpgrade pre_upgrade;
  Deployer deployer;
  ServiceOps service_ops;
  Definitions definitions;
  BootRunner boot;
  Recovery recovery;
  Observer observer;     // its threads use those above
  DataWatch data_watch;  // its thread uses all of them

 private:
  std::vector<DataWatch::Wanted> wanted();
  Result<void> stop_for_data(const std::string& service);
  Result<void> replay_operations();
};

// Of this boot of the machine.
Result<std::string> read_boot_id(dsl::env::Env& env);

}  // namespace mcp::agent
