#include "mcp/agent/drift.h"

#include <algorithm>
#include <set>

#include "mcp/agent/containers.h"

namespace mcp::agent {

using dsl::text;
using model::FieldDifference;

namespace {

std::string join(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

std::string in_order(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

std::string ports_text(const std::vector<model::Port>& ports) {
  std::vector<std::string> words;
  for (const model::Port& port : ports) {
    for (std::uint16_t i = 0; i < port.count; ++i) {
      model::Port one = port;
      one.host = static_cast<std::uint16_t>(port.host + i);
      one.container = static_cast<std::uint16_t>(port.container + i);
      one.count = 1;
      words.push_back(port_text(one));
    }
  }
  return join(std::move(words));
}

std::string mounts_text(const std::vector<model::Volume>& volumes) {
  std::vector<std::string> words;
  for (const model::Volume& volume : volumes) {
    const bool read_only =
        std::find(volume.options.begin(), volume.options.end(), "ro") != volume.options.end();
    words.push_back(text("{}:{}{}", volume.host, volume.container, read_only ? ":ro" : ""));
  }
  return join(std::move(words));
}

std::string network_text(const runtime::Container& live) {
  if (live.network_mode == "host" || live.network_mode == "none") {
    return live.network_mode;
  }
  return live.networks.empty() ? "default" : join(live.networks);
}

void add(std::vector<FieldDifference>& out, std::string field, std::string want, std::string have) {
  if (want != have) {
    out.push_back({std::move(field), std::move(want), std::move(have)});
  }
}

}  // namespace

std::string port_text(const model::Port& port) {
  const std::string ip = port.host_ip == "0.0.0.0" ? "" : port.host_ip;
  const std::string host = ip.find(':') == std::string::npos ? ip : text("[{}]", ip);
  const std::string range = port.count > 1 ? text("-{}", port.host + port.count - 1) : "";
  return text("{}{}{}{}->{}/{}", host, host.empty() ? "" : ":", port.host, range, port.container,
              port.protocol);
}

std::vector<FieldDifference> settings_drift(const ServiceRecord& record,
                                            const model::Component& component,
                                            const runtime::Container& live) {
  std::vector<FieldDifference> out;
  if (live.networks.empty() && live.network_mode == "host") {
    add(out, "network", component.network, "host");
  } else {
    add(out, "network", component.network, network_text(live));
  }
  if (component.network != "host") {
    add(out, "ports", ports_text(published_ports(record, component)), ports_text(live.ports));
  }
  add(out, "volumes", mounts_text(component.volumes), mounts_text(live.mounts));
  if (!component.user.empty()) {
    add(out, "user", component.user, live.user);
  }
  if (component.cmd) {
    add(out, "cmd", in_order(*component.cmd), in_order(live.command));
  }
  const std::string restart = component.restart.substr(0, component.restart.find(':'));
  add(out, "restart", restart, live.restart_policy.empty() ? "no" : live.restart_policy);
  return out;
}

std::vector<FieldDifference> drift(const ServiceRecord& record, const ComponentRecord& wanted,
                                   const runtime::Container& live,
                                   const std::string& live_image_digest) {
  std::vector<FieldDifference> out;
  const model::Component* component = record.service.find(wanted.name);
  if (component == nullptr) {
    return out;
  }
  const bool labelled = !label(live, kLabelManaged).empty();
  if (labelled) {
    add(out, "spec", wanted.sha256, label(live, kLabelSpec));
  }
  if (!wanted.image_digest.empty() && !live_image_digest.empty()) {
    add(out, "image", wanted.image_digest, live_image_digest);
  }
  for (FieldDifference& difference : settings_drift(record, *component, live)) {
    out.push_back(std::move(difference));
  }
  return out;
}

}  // namespace mcp::agent
