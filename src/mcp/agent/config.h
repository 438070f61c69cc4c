// /srv/mcp/mcp-agent.toml
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dsl/config/config.h"
#include "dsl/endpoint/endpoint.h"
#include "dsl/replica/config.h"
#include "mcp/boot/engine.h"
#include "mcp/model/model.h"
#include "mcp/recovery/config.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

struct Config {
  std::string file;  // that it was read from; empty = the default one
  dsl::endpoint::Config face{.socket_path = "/srv/mcp/admin.sock",
                             .socket_group = "mcp-admin",
                             .grpc_addr = ":9444",
                             .rest_addr = ":9445"};
  std::string tokens_path = "/srv/mcp/tokens";
  std::string database_path = "/srv/mcp/mcp.db";
  dsl::replica::Config replica;              // of the registry
  std::string specs_dir = "/srv/mcp/specs";  // the mirror
  recovery::Config backup;

  std::string node_name;
  std::map<std::string, std::string> node_addresses;

  std::string podman_mode = "auto";
  std::string podman_socket;
  std::int64_t podman_parallel = 6;
  std::chrono::milliseconds pull_timeout{600000};

  std::string registry = "mcr.svc.mcp.metacircular.net:8443";
  std::string service_zone = "svc.mcp.metacircular.net";
  std::string ca_cert;  // platform CA; empty = gates verify nothing
  std::vector<std::string> volume_roots = {"/srv"};
  std::string data_root = "/srv";
  std::int64_t port_offset = 0;
  std::int64_t port_min = 10000;
  std::int64_t port_max = 60000;
  std::chrono::milliseconds watch_interval{30000};
  std::vector<std::string> image_dirs = {"/srv/mcp/images"};
  std::vector<std::string> auto_save_tiers = {"foundation", "core"};
  std::string runbook;  // empty = RUNBOOK.md beside the registry
  std::int64_t flap_deaths = 5;
  std::chrono::milliseconds flap_window{60000};

  std::vector<std::string> boot_stages = {"foundation", "core", "management", "services"};
  std::chrono::milliseconds boot_stage_timeout{300000};
  std::string boot_on_timeout = "hold";

  std::int64_t uid = 850;
  std::int64_t gid = 850;

  void bind(dsl::config::Table& table);

  std::string runbook_path() const;
  model::Platform platform() const;
  model::Node node() const;
  boot::EngineOptions engine_options() const;
  runtime::PodmanOptions podman_options() const;
};

}  // namespace mcp::agent
