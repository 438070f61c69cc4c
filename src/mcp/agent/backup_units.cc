#include "mcp/agent/backup_units.h"

#include <algorithm>
#include <set>

#include "dsl/env/path.h"
#include "dsl/service/version.h"
#include "mcp/boot/planner.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::env::folder_of;

namespace {

constexpr std::chrono::minutes kSaveTime{30};
constexpr std::string_view kZonePrefix = "svc.mcp.";

bool mounts(const ServiceRecord& record, const std::string& directory) {
  const auto& components = record.service.components;
  return std::any_of(components.begin(), components.end(), [&](const model::Component& component) {
    return std::any_of(
        component.volumes.begin(), component.volumes.end(), [&](const model::Volume& volume) {
          return volume.host == directory || volume.host.starts_with(directory + "/");
        });
  });
}

std::size_t stage_of(const Config& config, const ServiceRecord& record) {
  const auto& stages = config.boot_stages;
  return static_cast<std::size_t>(std::find(stages.begin(), stages.end(), record.service.tier) -
                                  stages.begin());
}

std::string recovery_directory(const Config& config) {
  return config.backup.directory.empty() ? folder_of(config.database_path) + "/recovery"
                                         : config.backup.directory;
}

// The first directory on the way to `path` that lies in `root`: "/srv/mcp/.local" of the store.
std::string top_of(const std::string& root, const std::string& path) {
  if (!path.starts_with(root + "/")) {
    return {};
  }
  return path.substr(0, path.find('/', root.size() + 1));
}

// The agent's directory is also its user's home: podman's store lies there, and stays.
Result<recovery::Unit> agent_unit(const Config& config, Registry& registry) {
  recovery::Unit unit;
  unit.name = kAgentUnit;
  unit.root = folder_of(config.database_path);
  unit.version = dsl::build_info().version;
  unit.shares_root = true;
  const std::string& root = unit.root;
  unit.leave_out = {root + "/.local", root + "/.cache", root + "/lost+found",
                    recovery_directory(config) + "/work"};
  MC_ASSIGN(const std::optional<NodeRecord> node, registry.node());
  std::vector<std::string> kept_elsewhere = config.image_dirs;
  if (node) {
    kept_elsewhere.push_back(node->graph_root);
    kept_elsewhere.push_back(node->run_root);
  }
  for (const std::string& directory : config.replica.directories()) {
    kept_elsewhere.push_back(directory);
  }
  for (const std::string& target : config.backup.targets) {
    kept_elsewhere.push_back(target.starts_with("file://") ? target.substr(7) : target);
  }
  for (const std::string& directory : kept_elsewhere) {
    if (std::string top = top_of(root, directory); !top.empty()) {
      unit.leave_out.push_back(std::move(top));
    }
  }
  return unit;
}

}  // namespace

std::string domain_of(const Config& config) {
  const std::string& zone = config.service_zone;
  return zone.starts_with(kZonePrefix) ? zone.substr(kZonePrefix.size()) : zone;
}

recovery::Settings backup_settings(const Config& config) {
  return {.domain = domain_of(config),
          .node = config.node_name,
          .tool = text("mcp-agent {}", dsl::build_info().version),
          .directory = recovery_directory(config),
          .targets = config.backup.targets,
          .ssh = config.backup.ssh,
          .retention = config.backup.retention()};
}

std::vector<std::string> replica_directories(const Config& config) {
  return config.backup.replicas.empty() ? std::vector<std::string>{config.data_root + "/replicas"}
                                        : config.backup.replicas;
}

Result<std::vector<recovery::Unit>> backup_units(const Config& config, Registry& registry,
                                                 const std::vector<std::string>& only) {
  MC_ASSIGN(std::vector<ServiceRecord> records, registry.services());
  std::set<std::string> unknown(only.begin(), only.end());
  std::stable_sort(records.begin(), records.end(), [&](const auto& a, const auto& b) {
    return stage_of(config, a) > stage_of(config, b);
  });
  std::vector<recovery::Unit> units;
  const auto is_wanted = [&](const std::string& name) {
    return unknown.erase(name) > 0 || only.empty();
  };
  for (const ServiceRecord& record : records) {
    recovery::Unit unit;
    unit.name = record.service.name;
    unit.root = config.data_root + "/" + unit.name;
    unit.version = record.service.version;
    unit.generation = record.generation;
    unit.spec_sha256 = record.sha256;
    // One that mounts nothing of its directory may have none; who names it wants it all the same.
    if (is_wanted(unit.name) && (!only.empty() || mounts(record, unit.root))) {
      units.push_back(std::move(unit));
    }
  }
  if (is_wanted(kAgentUnit)) {
    MC_ASSIGN(recovery::Unit unit, agent_unit(config, registry));
    units.push_back(std::move(unit));
  }
  if (!unknown.empty()) {
    return fail(Code::kNotFound, "service {} is not registered on this node", *unknown.begin())
        .hint("mcp list shows the services; the agent itself is called mcp");
  }
  return units;
}

Result<std::vector<recovery::CreateRequest::Image>> backup_images(
    dsl::env::Env& env, Registry& registry, const std::vector<recovery::Unit>& units) {
  MC_ASSIGN(const std::vector<ServiceRecord> records, registry.services());
  std::map<std::string, recovery::CreateRequest::Image> images;
  for (const ServiceRecord& record : records) {
    const bool is_wanted = std::any_of(units.begin(), units.end(), [&](const auto& unit) {
      return unit.name == record.service.name;
    });
    for (const ComponentRecord& component : record.components) {
      if (!is_wanted) {
        continue;
      }
      const std::string reference = component.image;
      images[reference] = {
          .reference = reference,
          .digest = component.image_digest,
          .file = boot::archive_stem(reference) + ".tar",
          .save = [&env, reference](const std::string& path) -> Result<void> {
            MC_ASSIGN(const dsl::env::Output output,
                      env.processes().run({.argv = {"podman", "save", "--quiet", "--format",
                                                    "docker-archive", "--output", path, reference}},
                                          kSaveTime));
            return output.exit_code == 0 ? Result<void>()
                                         : fail(Code::kUnavailable, "podman save: {}", output.err);
          }};
    }
  }
  std::vector<recovery::CreateRequest::Image> out;
  for (auto& [reference, image] : images) {
    out.push_back(std::move(image));
  }
  return out;
}

}  // namespace mcp::agent
