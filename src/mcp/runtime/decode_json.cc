#include <algorithm>
#include <limits>
#include <tuple>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

#include "mcp/runtime/json_fields.h"
#include "mcp/runtime/libpod_json.h"

namespace mcp::runtime {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;

namespace {

State state_of(std::string_view text) {
  constexpr std::pair<std::string_view, State> kStates[] = {
      {"created", State::kCreated},     {"configured", State::kCreated},
      {"initialized", State::kCreated}, {"running", State::kRunning},
      {"stopping", State::kRunning},    {"paused", State::kPaused},
      {"exited", State::kExited},       {"stopped", State::kStopped},
      {"removing", State::kRemoving},
  };
  for (const auto& [name, state] : kStates) {
    if (name == text) {
      return state;
    }
  }
  return State::kUnknown;
}

std::uint16_t port_number(std::int64_t value) {
  const bool fits = value >= 0 && value <= std::numeric_limits<std::uint16_t>::max();
  return fits ? static_cast<std::uint16_t>(value) : std::uint16_t{0};
}

std::uint16_t port_number(const std::string& digits) {
  const bool number = !digits.empty() && digits.size() <= 5 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  return number ? port_number(std::stol(digits)) : std::uint16_t{0};
}

int exit_code_of(const json::value& value) { return static_cast<int>(integer_of(value)); }

std::int32_t pid_of(const json::value& value) {
  return static_cast<std::int32_t>(integer_of(value));
}

// {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18081"}]}; ranges come one by one and are put
// together again.
std::vector<model::Port> ports_of(const json::value& bindings) {
  std::vector<model::Port> ports;
  for (const auto& field : members_of(bindings)) {
    const std::string key(field.key());
    const auto slash = key.find('/');
    for (const auto& binding : items_of(field.value())) {
      model::Port port;
      port.container = port_number(key.substr(0, slash));
      port.protocol = slash == std::string::npos ? "tcp" : key.substr(slash + 1);
      port.host_ip = text_of(member(binding, "HostIp"));
      port.host = port_number(text_of(member(binding, "HostPort")));
      ports.push_back(std::move(port));
    }
  }
  std::sort(ports.begin(), ports.end(), [](const model::Port& a, const model::Port& b) {
    return std::tie(a.protocol, a.host_ip, a.container, a.host) <
           std::tie(b.protocol, b.host_ip, b.container, b.host);
  });
  std::vector<model::Port> merged;
  for (auto& port : ports) {
    if (!merged.empty()) {
      auto& last = merged.back();
      if (last.protocol == port.protocol && last.host_ip == port.host_ip &&
          last.container + last.count == port.container && last.host + last.count == port.host) {
        ++last.count;
        continue;
      }
    }
    merged.push_back(std::move(port));
  }
  return merged;
}

std::vector<std::string> keys_of(const json::value& object) {
  std::vector<std::string> out;
  for (const auto& field : members_of(object)) {
    out.emplace_back(field.key());
  }
  return out;
}

// Podman prints the entry point as one string; the argument vector tells where its words end.
std::vector<std::string> entrypoint_of(const std::string& joined,
                                       const std::vector<std::string>& argv) {
  std::vector<std::string> words;
  std::string so_far;
  for (const auto& word : argv) {
    if (so_far == joined) {
      break;
    }
    so_far += (words.empty() ? "" : " ") + word;
    words.push_back(word);
  }
  if (so_far == joined) {
    return words;
  }
  return joined.empty() ? std::vector<std::string>{} : std::vector<std::string>{joined};
}

void read_process(const json::value& root, Container& container) {
  const json::value& config = member(root, "Config");
  std::vector<std::string> argv = {text_of(member(root, "Path"))};
  for (auto& word : texts_of(member(root, "Args"))) {
    argv.push_back(std::move(word));
  }
  container.entrypoint = entrypoint_of(text_of(member(config, "Entrypoint")), argv);
  container.command = texts_of(member(config, "Cmd"));
  container.user = text_of(member(config, "User"));
  container.env = texts_of(member(config, "Env"));
  container.labels = text_map_of(member(config, "Labels"));
}

void read_mounts(const json::value& root, Container& container) {
  for (const auto& mount : items_of(member(root, "Mounts"))) {
    if (text_of(member(mount, "Type")) != "bind") {
      continue;
    }
    model::Volume volume;
    volume.host = text_of(member(mount, "Source"));
    volume.container = text_of(member(mount, "Destination"));
    if (!flag_of(member(mount, "RW"))) {
      volume.options.emplace_back("ro");
    }
    container.mounts.push_back(std::move(volume));
  }
}

void read_host(const json::value& root, Container& container) {
  const json::value& host = member(root, "HostConfig");
  container.ports = ports_of(member(host, "PortBindings"));
  container.network_mode = text_of(member(host, "NetworkMode"));
  container.networks = keys_of(member(member(root, "NetworkSettings"), "Networks"));
  if (container.networks.empty() &&
      (container.network_mode == "host" || container.network_mode == "none")) {
    container.networks = {container.network_mode};
  }
  const json::value& policy = member(host, "RestartPolicy");
  container.restart_policy = text_of(member(policy, "Name"));
  if (const auto tries = integer_of(member(policy, "MaximumRetryCount")); tries > 0) {
    container.restart_policy += dsl::text(":{}", tries);
  }
}

Image image_of(const json::value& root) {
  Image image;
  image.id = text_of(member(root, "Id"));
  image.digest = text_of(member(root, "Digest"));
  image.names = texts_of(member(root, "RepoTags"));
  image.digests = texts_of(member(root, "RepoDigests"));
  image.size_bytes =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer_of(member(root, "Size"))));
  image.entrypoint = texts_of(member(member(root, "Config"), "Entrypoint"));
  image.command = texts_of(member(member(root, "Config"), "Cmd"));
  return image;
}

Container list_entry(const json::value& item) {
  Container container;
  container.id = text_of(member(item, "Id"));
  const auto names = texts_of(member(item, "Names"));
  container.name = names.empty() ? "" : names.front();
  container.image = text_of(member(item, "Image"));
  container.image_id = text_of(member(item, "ImageID"));
  const std::string state = text_of(member(item, "State"));
  container.storage_only = state == "storage";
  container.state = state_of(state);
  container.exit_code = exit_code_of(member(item, "ExitCode"));
  container.pid = pid_of(member(item, "Pid"));
  container.created = parse_time(text_of(member(item, "Created")));
  const auto started_s = integer_of(member(item, "StartedAt"));
  container.started =
      dsl::env::WallTime(std::chrono::seconds(std::max<std::int64_t>(0, started_s)));
  container.labels = text_map_of(member(item, "Labels"));
  container.networks = texts_of(member(item, "Networks"));
  for (const auto& mapping : items_of(member(item, "Ports"))) {
    model::Port port;
    port.host_ip = text_of(member(mapping, "host_ip"));
    port.host = port_number(integer_of(member(mapping, "host_port")));
    port.container = port_number(integer_of(member(mapping, "container_port")));
    port.protocol = text_of(member(mapping, "protocol"));
    port.count = std::max<std::uint16_t>(1, port_number(integer_of(member(mapping, "range"))));
    container.ports.push_back(std::move(port));
  }
  return container;
}

}  // namespace

Result<std::vector<Container>> decode_list(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::array));
  std::vector<Container> containers;
  for (const auto& item : root.get_array()) {
    containers.push_back(list_entry(item));
  }
  return containers;
}

Result<Container> decode_inspect(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::object));
  Container container;
  container.id = text_of(member(root, "Id"));
  if (container.id.empty()) {
    return fail(Code::kDataLoss, "podman describes a container without an id");
  }
  container.name = text_of(member(root, "Name"));
  container.image = text_of(member(root, "ImageName"));
  container.image_id = text_of(member(root, "Image"));
  container.restarts = static_cast<int>(integer_of(member(root, "RestartCount")));
  container.conmon_pidfile = text_of(member(root, "ConmonPidFile"));
  container.created = parse_time(text_of(member(root, "Created")));
  const json::value& state = member(root, "State");
  container.state = state_of(text_of(member(state, "Status")));
  container.exit_code = exit_code_of(member(state, "ExitCode"));
  container.pid = pid_of(member(state, "Pid"));
  container.conmon_pid = pid_of(member(state, "ConmonPid"));
  container.started = parse_time(text_of(member(state, "StartedAt")));
  read_process(root, container);
  read_mounts(root, container);
  read_host(root, container);
  return container;
}

Result<Image> decode_image(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::object));
  return image_of(root);
}

Result<std::vector<Image>> decode_images(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::array));
  std::vector<Image> images;
  for (const auto& item : root.get_array()) {
    images.push_back(image_of(item));
  }
  return images;
}

Result<RuntimeEvent> decode_event(std::string_view line) {
  MC_ASSIGN(const json::value root, parse_json(line, json::kind::object));
  RuntimeEvent event;
  event.type = text_of(member(root, "Type"));
  event.action = text_of(member(root, "Action"));
  const json::value& actor = member(root, "Actor");
  event.id = text_of(member(actor, "ID"));
  event.attributes = text_map_of(member(actor, "Attributes"));
  if (const auto name = event.attributes.find("name"); name != event.attributes.end()) {
    event.name = name->second;
  }
  event.time_ns = integer_of(member(root, "timeNano"));
  const std::chrono::nanoseconds since_epoch(event.time_ns);
  event.time =
      dsl::env::WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch));
  return event;
}

Result<RuntimeInfo> decode_info(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::object));
  RuntimeInfo info;
  const json::value& host = member(root, "host");
  const json::value& store = member(root, "store");
  info.version = text_of(member(member(root, "version"), "Version"));
  info.api_version = text_of(member(member(root, "version"), "APIVersion"));
  info.graph_root = text_of(member(store, "graphRoot"));
  info.run_root = text_of(member(store, "runRoot"));
  info.driver = text_of(member(store, "graphDriverName"));
  info.cgroup_version = text_of(member(host, "cgroupVersion"));
  info.rootless = flag_of(member(member(host, "security"), "rootless"));
  return info;
}

Result<std::vector<std::string>> decode_network_names(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::array));
  std::vector<std::string> names;
  for (const auto& item : root.get_array()) {
    names.push_back(text_of(member(item, "name")));
  }
  return names;
}

Result<std::string> decode_id(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::object));
  std::string id = text_of(member(root, "Id"));
  if (id.empty()) {
    return fail(Code::kDataLoss, "podman's reply has no id");
  }
  return id;
}

Result<std::vector<std::string>> decode_loaded_names(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::object));
  return texts_of(member(root, "Names"));
}

Result<ExecState> decode_exec(std::string_view body) {
  MC_ASSIGN(const json::value root, parse_json(body, json::kind::object));
  ExecState state;
  state.running = flag_of(member(root, "Running"));
  state.exit_code = exit_code_of(member(root, "ExitCode"));
  state.pid = pid_of(member(root, "Pid"));
  return state;
}

}  // namespace mcp::runtime
