// start, stop, restart and undeploy of a registered service.
#pragma once

#include <string>

#include "mcp/agent/containers.h"
#include "mcp/agent/events.h"
#include "mcp/agent/mirror.h"
#include "mcp/agent/operations.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

// Thread-safe. Each call is the work of an operation that holds the service's lock.
class ServiceOps {
 public:
  ServiceOps(dsl::env::Env& env, Registry& registry, Mirror& mirror, runtime::Runtime& runtime,
             Containers& containers, SocketKeeper& sockets, EventLog& events)
      : env_(env),
        registry_(registry),
        mirror_(mirror),
        runtime_(runtime),
        containers_(containers),
        sockets_(sockets),
        events_(events) {}

  // Desired state first, then effect. `component` empty = all, in the order of `after`.
  Result<void> start(const std::string& service, const std::string& component,
                     OperationContext& operation);
  Result<void> stop(const std::string& service, const std::string& component,
                    OperationContext& operation);
  Result<void> restart(const std::string& service, const std::string& component,
                       OperationContext& operation);
  // Containers and registry entry go, data and history stay.
  Result<void> undeploy(const std::string& service, const std::string& component,
                        OperationContext& operation);

 private:
  Result<ServiceRecord> find(const std::string& service, const std::string& component);
  Result<void> stop_containers(const ServiceRecord& record, const std::string& component,
                               OperationContext& operation);
  Result<void> start_containers(const ServiceRecord& record, const std::string& component,
                                OperationContext& operation);
  Result<void> set_desired(const ServiceRecord& record, const std::string& component, bool run);

  dsl::env::Env& env_;
  Registry& registry_;
  Mirror& mirror_;
  runtime::Runtime& runtime_;
  Containers& containers_;
  SocketKeeper& sockets_;
  EventLog& events_;
};

}  // namespace mcp::agent
