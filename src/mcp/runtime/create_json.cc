// ContainerSpec to libpod's SpecGenerator (podman, pkg/specgen/specgen.go).
#include <algorithm>
#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mcp/runtime/libpod_json.h"

namespace mcp::runtime {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;

namespace {

json::array texts(const std::vector<std::string>& items) {
  json::array out;
  for (const auto& item : items) {
    out.emplace_back(item);
  }
  return out;
}

template <class Pairs>
json::object text_map(const Pairs& pairs) {
  json::object out;
  for (const auto& [name, value] : pairs) {
    out[name] = value;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (true) {
    const auto at = text.find(separator);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) {
      return out;
    }
    text.remove_prefix(at + 1);
  }
}

// "on-failure:3" is a policy and a count.
Result<void> add_restart(json::object& out, const std::string& restart) {
  const auto parts = split(restart, ':');
  out["restart_policy"] = parts[0];
  if (parts.size() == 2) {
    if (parts[0] != "on-failure" || parts[1].empty() || parts[1].size() > 9 ||
        parts[1].find_first_not_of("0123456789") != std::string::npos) {
      return fail(Code::kInvalidArgument, "'{}' is not a restart policy", restart);
    }
    out["restart_tries"] = std::stoul(parts[1]);
  }
  return {};
}

void add_network(json::object& out, const model::Component& component) {
  const std::string& network = component.network;
  if (network == "default") {
    return;
  }
  if (network == "host" || network == "none" || network.rfind("slirp4netns", 0) == 0) {
    out["netns"] = {{"nsmode", network}};
    return;
  }
  out["netns"] = {{"nsmode", "bridge"}};
  json::object settings;
  settings["aliases"] = texts(component.aliases);
  json::object networks;
  networks[network] = std::move(settings);
  out["Networks"] = std::move(networks);
}

json::array port_mappings(const std::vector<model::Port>& ports) {
  json::array out;
  for (const auto& port : ports) {
    json::object mapping;
    if (!port.host_ip.empty()) {
      mapping["host_ip"] = port.host_ip;
    }
    mapping["host_port"] = port.host;
    mapping["container_port"] = port.container;
    mapping["protocol"] = port.protocol;
    if (port.count > 1) {
      mapping["range"] = port.count;
    }
    out.emplace_back(std::move(mapping));
  }
  return out;
}

json::object mount(const std::string& type, const std::string& source,
                   const std::string& destination, const std::vector<std::string>& options) {
  return {{"type", type},
          {"source", source},
          {"destination", destination},
          {"options", texts(options)}};
}

// What `podman run --tmpfs` adds to the options given.
json::object tmpfs_mount(const std::string& entry) {
  const auto colon = entry.find(':');
  std::vector<std::string> options;
  if (colon != std::string::npos) {
    options = split(std::string_view(entry).substr(colon + 1), ',');
  }
  if (std::find(options.begin(), options.end(), "ro") == options.end() &&
      std::find(options.begin(), options.end(), "rw") == options.end()) {
    options.emplace_back("rw");
  }
  for (const char* added : {"rprivate", "nosuid", "nodev", "tmpcopyup"}) {
    options.emplace_back(added);
  }
  return mount("tmpfs", "tmpfs", entry.substr(0, colon), options);
}

json::array mounts(const model::Component& component) {
  json::array out;
  std::vector<std::string> taken;
  for (const auto& volume : component.volumes) {
    std::vector<std::string> options = volume.options;
    options.emplace_back("rprivate");
    options.emplace_back("rbind");
    out.emplace_back(mount("bind", volume.host, volume.container, options));
    taken.push_back(volume.container);
  }
  for (const auto& entry : component.tmpfs) {
    out.emplace_back(tmpfs_mount(entry));
    taken.push_back(entry.substr(0, entry.find(':')));
  }
  // `podman run --read-only` leaves these three writable (--read-only-tmpfs, on by default).
  for (const char* path : {"/run", "/tmp", "/var/tmp"}) {
    if (component.read_only && std::find(taken.begin(), taken.end(), path) == taken.end()) {
      out.emplace_back(tmpfs_mount(path));
    }
  }
  return out;
}

void add_limits(json::object& out, const model::Component& component) {
  json::object limits;
  if (component.memory_bytes > 0) {
    limits["memory"] = {{"limit", component.memory_bytes}};
  }
  if (component.cpus > 0) {
    // A period of 100 ms, as podman and docker use for --cpus.
    const auto quota_us = static_cast<std::int64_t>(std::llround(component.cpus * 100000));
    limits["cpu"] = {{"period", 100000}, {"quota", quota_us}};
  }
  if (component.pids > 0) {
    limits["pids"] = {{"limit", component.pids}};
  }
  if (!limits.empty()) {
    out["resource_limits"] = std::move(limits);
  }
}

void add_secrets(json::object& out, const model::Component& component) {
  json::object variables;
  json::array files;
  for (const auto& use : component.secrets) {
    if (!use.env.empty()) {
      variables[use.env] = use.name;
    }
    if (!use.file.empty()) {
      files.emplace_back(json::object{{"Source", use.name}, {"Target", use.file}, {"Mode", 0400}});
    }
  }
  if (!variables.empty()) {
    out["secret_env"] = std::move(variables);
  }
  if (!files.empty()) {
    out["secrets"] = std::move(files);
  }
}

}  // namespace

Result<std::string> encode_create(const ContainerSpec& spec, const std::vector<Ulimit>& ulimits) {
  const model::Component& component = spec.component;
  json::object out;
  out["name"] = component.container;
  if (spec.rootfs.empty()) {
    out["image"] = component.image;
  } else {
    out["rootfs"] = spec.rootfs;
  }
  if (spec.remove_at_end) {
    out["remove"] = true;
  }
  out["labels"] = text_map(spec.labels);
  out["env"] = text_map(spec.env);
  out["sdnotifyMode"] = "container";
  if (component.cmd) {
    out["command"] = texts(*component.cmd);
  }
  if (component.entrypoint) {
    out["entrypoint"] = texts(*component.entrypoint);
  }
  if (!component.user.empty()) {
    out["user"] = component.user;
  }
  if (!component.workdir.empty()) {
    out["work_dir"] = component.workdir;
  }
  if (!component.hostname.empty()) {
    out["hostname"] = component.hostname;
  }
  MC_TRY(add_restart(out, component.restart));
  add_network(out, component);
  out["portmappings"] = port_mappings(spec.ports);
  out["mounts"] = mounts(component);
  out["dns_server"] = texts(component.dns);
  out["hostadd"] = texts(component.extra_hosts);
  out["sysctl"] = text_map(component.sysctls);
  out["cap_add"] = texts(component.cap_add);
  out["cap_drop"] = texts(component.cap_drop);
  out["read_only_filesystem"] = component.read_only;
  out["no_new_privileges"] = component.no_new_privileges;
  json::array devices;
  for (const auto& device : component.devices) {
    devices.emplace_back(json::object{{"path", device}});
  }
  out["devices"] = std::move(devices);
  // Podman counts in seconds; a fraction is rounded up, never cut.
  out["stop_timeout"] = std::chrono::ceil<std::chrono::seconds>(component.stop_timeout).count();
  MC_ASSIGN(out["stop_signal"], signal_number(component.stop_signal));
  add_limits(out, component);
  add_secrets(out, component);
  json::array limits;
  for (const auto& limit : ulimits) {
    limits.emplace_back(
        json::object{{"type", limit.name}, {"soft", limit.soft}, {"hard", limit.hard}});
  }
  out["r_limits"] = std::move(limits);
  return json::serialize(out);
}

std::string encode_network(std::string_view name) {
  const json::object out = {{"name", json::string_view(name.data(), name.size())},
                            {"driver", "bridge"},
                            {"dns_enabled", true}};
  return json::serialize(out);
}

std::string encode_exec(const std::vector<std::string>& argv) {
  const json::object out = {{"AttachStdout", true}, {"AttachStderr", true}, {"Cmd", texts(argv)}};
  return json::serialize(out);
}

}  // namespace mcp::runtime
