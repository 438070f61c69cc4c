#include "mcp/boot/settings.h"

#include <algorithm>
#include <set>
#include <string>

#include "dsl/result/text.h"
#include "mcp/model/words.h"

namespace mcp::boot {

namespace {

using dsl::text;
using model::FieldDifference;

std::string join(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    joined += (joined.empty() ? "" : " ") + word;
  }
  return joined;
}

// Published ports one by one, so that a range and its parts are equal.
std::vector<std::string> port_words(const std::vector<model::Port>& ports) {
  std::set<std::string> words;
  for (const model::Port& port : ports) {
    const std::string ip = port.host_ip == "0.0.0.0" ? "" : port.host_ip;
    for (int i = 0; i < std::max<int>(port.count, 1); ++i) {
      words.insert(text("{}:{}:{}/{}", ip, port.host + i, port.container + i, port.protocol));
    }
  }
  return {words.begin(), words.end()};
}

// Only "ro" changes what a container may do; relabelling options act once, at creation.
std::vector<std::string> mount_words(const std::vector<model::Volume>& volumes) {
  std::set<std::string> words;
  for (const model::Volume& volume : volumes) {
    const auto& options = volume.options;
    const bool read_only = std::find(options.begin(), options.end(), "ro") != options.end();
    words.insert(volume.host + ":" + volume.container + (read_only ? ":ro" : ""));
  }
  return {words.begin(), words.end()};
}

std::string normal_user(const std::string& user) {
  return user == "root" || user == "0" || user == "root:root" ? "0:0" : user;
}

std::string normal_restart(std::string_view policy) {
  const std::string word(policy.substr(0, policy.find(':')));
  return word.empty() ? "no" : word;
}

// Where `podman run` has published the ports in place of sockets, as the runbook does: it is what
// was asked for as far as podman alone can give it.
bool is_made_by_hand(const model::Component& component, const runtime::Container& container) {
  return std::none_of(
      container.mounts.begin(), container.mounts.end(), [&](const model::Volume& mount) {
        return !component.sockets_dir.empty() && mount.host == component.sockets_dir;
      });
}

std::string network_of(const runtime::Container& container, const std::string& wanted) {
  if (wanted == "host" || wanted == "none") {
    return container.network_mode;
  }
  const auto& networks = container.networks;
  const bool joined = std::find(networks.begin(), networks.end(), wanted) != networks.end();
  return joined ? wanted : networks.empty() ? container.network_mode : join(networks);
}

}  // namespace

std::vector<FieldDifference> compare_settings(const model::Component& component,
                                              const std::vector<model::Port>& ports,
                                              const runtime::Container& container) {
  std::vector<FieldDifference> differences;
  const auto expect = [&](const char* field, const std::string& want, const std::string& have) {
    if (want != have) {
      differences.push_back({field, want, have});
    }
  };
  if (normal_reference(component.image) != normal_reference(container.image)) {
    differences.push_back({"image", component.image, container.image});
  }
  if (component.cmd) {
    expect("cmd", join(*component.cmd), join(container.command));
  }
  if (component.entrypoint) {
    expect("entrypoint", join(*component.entrypoint), join(container.entrypoint));
  }
  if (!component.user.empty()) {
    expect("user", normal_user(component.user), normal_user(container.user));
  }
  if (component.network != "default") {
    expect("network", component.network, network_of(container, component.network));
  }
  std::vector<model::Port> published = ports;
  std::vector<model::Volume> volumes = component.volumes;
  auto variables = component.env;
  if (is_made_by_hand(component, container)) {
    for (const model::Socket& socket : component.sockets) {
      published.push_back(model::as_port(socket));
    }
  } else {
    for (model::Volume& mount : model::socket_mounts(component)) {
      volumes.push_back(std::move(mount));
    }
    for (auto& variable : model::socket_environment(component)) {
      variables.push_back(std::move(variable));
    }
  }
  if (component.network != "host") {
    expect("ports", join(port_words(published)), join(port_words(container.ports)));
  }
  expect("volumes", join(mount_words(volumes)), join(mount_words(container.mounts)));
  expect("restart", normal_restart(component.restart), normal_restart(container.restart_policy));
  for (const auto& [key, value] : variables) {
    const auto& env = container.env;
    if (std::find(env.begin(), env.end(), key + "=" + value) == env.end()) {
      // Values may be confidential: only the name is told.
      differences.push_back({"env." + key, "as defined", "absent or different"});
    }
  }
  return differences;
}

std::string normal_reference(std::string_view reference) {
  for (const std::string_view prefix : {"localhost/", "docker.io/library/"}) {
    if (reference.substr(0, prefix.size()) == prefix) {
      reference.remove_prefix(prefix.size());
    }
  }
  // A colon before the last slash belongs to the registry's port.
  const std::string_view last = reference.substr(reference.rfind('/') + 1);
  const bool tagged = last.find_first_of(":@") != std::string_view::npos;
  return std::string(reference) + (tagged ? "" : ":latest");
}

}  // namespace mcp::boot
