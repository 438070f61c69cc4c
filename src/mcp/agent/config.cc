#include "mcp/agent/config.h"

#include "dsl/env/path.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::Result;

void Config::bind(dsl::config::Table& table) {
  face.bind(table);
  table.text("auth.tokens", &tokens_path)
      .help("operator tokens that calls over the network carry; made by mcp token add");
  table.text("database.path", &database_path).help("the registry");
  table.text("database.specs_dir", &specs_dir).help("mirror of every resolved specification");

  replica.bind(table);
  backup.bind(table);

  table.text("node.name", &node_name).help("this node's name").required();
  table.table("node.addresses", &node_addresses)
      .help("label = IP literal; definitions use them as @lan, @overlay, @loopback");

  table.text("podman.mode", &podman_mode)
      .help("socket: the user manager's; spawn: a service process of ours; auto tries both")
      .one_of({"auto", "socket", "spawn"});
  table.text("podman.socket", &podman_socket).help("path of podman's API socket; empty = found");
  table.integer("podman.parallel", &podman_parallel)
      .help("containers created at once")
      .range("1", "64");
  table.duration("podman.pull_timeout", &pull_timeout).help("bound on one image pull");

  table.text("agent.registry", &registry).help("image registry that image names default to");
  table.text("agent.service_zone", &service_zone).help("DNS zone of the services");
  table.text("agent.ca_cert", &ca_cert).help("platform CA that https gates verify with");
  table.list("agent.volume_roots", &volume_roots).help("host paths that may be mounted lie here");
  table.text("agent.data_root", &data_root)
      .help("host side of the default volume <data_root>/<service>:/srv/<service>");
  table.integer("agent.port_offset", &port_offset)
      .help("added to every fixed host port; for a platform without privileged ports")
      .range("0", "60000");
  table.integer("agent.port_min", &port_min).help("first host port for routes").range("1", "65535");
  table.integer("agent.port_max", &port_max).help("last host port for routes").range("1", "65535");
  table.duration("agent.watch_interval", &watch_interval)
      .help("full look at the containers and their gates")
      .range("1s", "1h")
      .reloadable();
  table.list("agent.image_dirs", &image_dirs)
      .help("image archives for recovery without a registry; mcp image save writes to the first");
  table.list("agent.auto_save_tiers", &auto_save_tiers)
      .help("after a deploy the images of services of these tiers are archived; empty = of none");
  table.text("agent.runbook", &runbook)
      .help(
          "page that tells how to bring every service back by hand; empty = RUNBOOK.md beside "
          "the registry");
  table.integer("agent.flap_deaths", &flap_deaths)
      .help("deaths within flap_window that stop a container")
      .range("2", "1000")
      .reloadable();
  table.duration("agent.flap_window", &flap_window).help("see flap_deaths").reloadable();

  table.list("boot.stages", &boot_stages).help("boot stages in order");
  table.duration("boot.stage_timeout", &boot_stage_timeout)
      .help("after it: alert, then on_timeout");
  table.text("boot.on_timeout", &boot_on_timeout)
      .help("hold: later stages wait; proceed: open the next stage")
      .one_of({"hold", "proceed"});

  table.integer("identity.uid", &uid)
      .help("uid that owns the containers; it may never change")
      .range("0", "4294967294");
  table.integer("identity.gid", &gid).help("gid, likewise").range("0", "4294967294");

  table.check([this]() -> Result<void> {
    if (port_min > port_max) {
      return fail(Code::kInvalidArgument, "agent.port_min {} is above agent.port_max {}", port_min,
                  port_max);
    }
    return {};
  });
}

std::string Config::runbook_path() const {
  return runbook.empty() ? dsl::env::folder_of(database_path) + "/RUNBOOK.md" : runbook;
}

model::Platform Config::platform() const {
  return {.registry = registry,
          .service_zone = service_zone,
          .stages = boot_stages,
          .volume_roots = volume_roots,
          .data_root = data_root,
          .port_offset = static_cast<std::uint16_t>(port_offset)};
}

model::Node Config::node() const { return {.name = node_name, .addresses = node_addresses}; }

boot::EngineOptions Config::engine_options() const {
  boot::EngineOptions options;
  options.parallel = static_cast<int>(podman_parallel);
  options.stage_timeout = boot_stage_timeout;
  options.proceed_on_timeout = boot_on_timeout == "proceed";
  return options;
}

runtime::PodmanOptions Config::podman_options() const {
  runtime::PodmanOptions options;
  options.mode = podman_mode;
  options.socket = podman_socket;
  return options;
}

}  // namespace mcp::agent
