// One component with every default written out.
#include <algorithm>
#include <cmath>
#include <set>

#include "dsl/config/units.h"
#include "mcp/model/resolve_parts.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

constexpr std::string_view kDefaultNetwork = "mcpnet";
constexpr std::size_t kSocketsMax = 64;  // of one exchange (docs/formats/sockets.md)

class ComponentResolver {
 public:
  ComponentResolver(ResolveScope& scope, const Service& service, const TomlValue& table)
      : scope_(scope), service_(service), table_(table) {}

  Component run(const std::string& name, bool is_main) {
    component_.name = name;
    component_.container = read_text(
        table_, "container", name == service_.name ? service_.name : service_.name + "-" + name);
    image(is_main);
    volumes();
    network();
    process();
    ports();
    sockets();
    environment();
    secrets();
    limits();
    routes();
    strategy();
    component_.after = read_texts(table_, "after");
    return std::move(component_);
  }

 private:
  void problem(std::string_view key, const char* id, std::string message) {
    scope_.problems.add(position_of(table_, key), id, std::move(message));
  }
  void problem(std::string_view key, std::string message) {
    problem(key, code::kDefinitionInvalid, std::move(message));
  }

  void image(bool is_main) {
    if (table_.find("image") != nullptr) {
      component_.image = read_text(table_, "image", "");
    } else {
      const std::string version = read_text(table_, "version", service_.version);
      if (version.empty() && !scope_.allow_floating) {
        problem("version", code::kFloatingTag,
                dsl::text("component \"{}\" needs `image` or `version`", component_.name));
        return;
      }
      component_.image = scope_.platform.registry + "/" + service_.name +
                         (is_main ? "" : "-" + component_.name) +
                         (version.empty() ? "" : ":" + version);
      if (version == "latest" && version == service_.version) {
        return;  // reported at the service's `version`
      }
    }
    const auto reference = parse_image(component_.image);
    if (!reference) {
      problem("image", dsl::text("\"{}\" is not an image reference", component_.image));
    } else if (reference->floating() && !scope_.allow_floating) {
      problem(table_.find("image") != nullptr ? "image" : "version", code::kFloatingTag,
              dsl::text("image \"{}\" has a floating tag: name a version or a digest, or say "
                        "`allow_floating = true`",
                        component_.image));
    }
  }

  void volumes() {
    if (read_bool(table_, "default_volume", true)) {
      component_.volumes.push_back({normal_path(scope_.platform.data_root + "/" + service_.name),
                                    "/srv/" + service_.name,
                                    {}});
      check_roots(component_.volumes.back(), table_.position);
    }
    const TomlValue* list = table_.find("volumes");
    if (list == nullptr) {
      return;
    }
    const std::size_t inherited = component_.volumes.size();
    std::set<std::string> targets;
    for (const TomlValue& item : list->items) {
      const auto volume = parse_volume(item.string);
      if (!volume) {
        scope_.problems.add(item.position, volume.error().message());
        continue;
      }
      check_roots(*volume, item.position);
      if (!targets.insert(volume->container).second) {
        scope_.problems.add(item.position,
                            dsl::text("two volumes are mounted at {}", volume->container));
      } else if (inherited == 1 && component_.volumes[0].container == volume->container) {
        component_.volumes[0] = *volume;  // an own entry takes the place of the default
      } else {
        component_.volumes.push_back(*volume);
      }
    }
  }

  void check_roots(const Volume& volume, dsl::config::Position where) {
    const std::string problem = volume_problem(scope_.platform, volume.host);
    if (!problem.empty()) {
      scope_.problems.add(where, code::kVolumeOutsideRoots,
                          dsl::text("volume {} {}", volume.host, problem));
    }
  }

  void network() {
    component_.network = read_text(table_, "network", std::string(kDefaultNetwork));
    const bool shared = component_.network != "host" && component_.network != "none" &&
                        component_.network != "default";
    if (table_.find("aliases") != nullptr) {
      component_.aliases = read_texts(table_, "aliases");
      if (!shared && !component_.aliases.empty()) {
        problem("aliases",
                dsl::text("network \"{}\" has no names, so no aliases", component_.network));
      }
      return;
    }
    if (component_.network == kDefaultNetwork) {
      for (const std::string& alias : {component_.name, service_.name, component_.container}) {
        auto& aliases = component_.aliases;
        if (std::find(aliases.begin(), aliases.end(), alias) == aliases.end()) {
          aliases.push_back(alias);
        }
      }
    }
  }

  void process() {
    component_.user = read_text(table_, "user", "0:0");
    if (component_.user == "image") {
      component_.user.clear();
    }
    component_.restart = read_text(table_, "restart", "unless-stopped");
    if (table_.find("cmd") != nullptr) {
      component_.cmd = read_texts(table_, "cmd");
    }
    if (table_.find("entrypoint") != nullptr) {
      component_.entrypoint = read_texts(table_, "entrypoint");
    }
    component_.workdir = read_text(table_, "workdir", "");
    component_.hostname = read_text(table_, "hostname", "");
    component_.dns = read_texts(table_, "dns");
    component_.extra_hosts = read_texts(table_, "extra_hosts");
    component_.tmpfs = read_texts(table_, "tmpfs");
    component_.devices = read_texts(table_, "devices");
    component_.sysctls = read_text_table(table_, "sysctls");
    component_.cap_add = read_texts(table_, "cap_add");
    component_.cap_drop = read_texts(table_, "cap_drop");
    component_.read_only = read_bool(table_, "read_only", false);
    component_.no_new_privileges = read_bool(table_, "no_new_privileges", true);
    component_.stop_timeout = read_duration(table_, "stop_timeout", component_.stop_timeout);
    component_.stop_signal = read_text(table_, "stop_signal", "TERM");
  }

  void ports() {
    const TomlValue* list = table_.find("ports");
    if (list == nullptr) {
      return;
    }
    for (const TomlValue& item : list->items) {
      auto port = parse_port(item.string);
      if (!port) {
        scope_.problems.add(item.position, code::kBadPort, port.error().message());
      } else if (resolve_address(item.position, *port) && in_range(item.position, *port)) {
        component_.ports.push_back(std::move(*port));
      }
    }
    if (!list->items.empty() && (component_.network == "host" || component_.network == "none")) {
      problem("ports", code::kBadPort,
              dsl::text("`ports` have no effect with network = \"{}\"", component_.network));
    }
  }

  void sockets() {
    const std::vector<const TomlValue*> tables = read_tables(table_, "sockets");
    for (const TomlValue* each : tables) {
      const dsl::config::Position where = position_of(*each, "listen");
      auto socket = parse_listen(read_text(*each, "listen", ""));
      if (!socket) {
        scope_.problems.add(where, code::kBadSocket, socket.error().message());
      } else if (resolve_address(where, *socket) && in_range(where, as_port(*socket))) {
        socket->name = read_text(*each, "name", "");
        component_.sockets.push_back(std::move(*socket));
      }
    }
    if (tables.empty()) {
      return;
    }
    component_.sockets_dir = sockets_directory(scope_.platform, service_.name, component_.name);
    if (tables.size() > kSocketsMax) {
      problem("sockets", code::kBadSocket,
              dsl::text("a component has at most {} sockets", kSocketsMax));
    }
    if (component_.user != "0:0") {
      problem("user", code::kBadSocket,
              "a component with `sockets` needs user = \"0:0\": the agent hands them to its own "
              "user alone, which is root of the container");
    }
  }

  // @label -> the node's literal.
  template <class Address>
  bool resolve_address(dsl::config::Position where, Address& port) {
    if (!port.host_ip.starts_with('@')) {
      return true;
    }
    std::map<std::string, std::string> addresses = scope_.node.addresses;
    addresses.emplace("loopback", "127.0.0.1");
    const auto found = addresses.find(port.host_ip.substr(1));
    if (found != addresses.end()) {
      port.host_ip = found->second;
      return true;
    }
    std::string known;
    for (const auto& [label, address] : addresses) {
      (void)address;
      known += (known.empty() ? "@" : ", @") + label;
    }
    scope_.problems.add(where, code::kUnknownAddressLabel,
                        dsl::text("node \"{}\" has no address {}; known are {}", scope_.node.name,
                                  port.host_ip, known));
    return false;
  }

  bool in_range(dsl::config::Position where, const Port& port) {
    if (port.host + port.count - 1 + scope_.platform.port_offset <= 65535) {
      return true;
    }
    scope_.problems.add(where, code::kBadPort,
                        dsl::text("port {} plus the platform's offset {} is above 65535",
                                  format_port(port), scope_.platform.port_offset));
    return false;
  }

  void environment() {
    const TomlValue* env = table_.find("env");
    if (env == nullptr) {
      return;
    }
    for (const auto& member : env->members) {
      component_.env.emplace_back(member.key, member.value.string);
    }
    std::set<std::string> seen;
    for (const TomlValue& item : env->items) {
      const std::size_t equals = item.string.find('=');
      if (equals == std::string::npos) {
        continue;  // refused by the grammar
      }
      std::string key = item.string.substr(0, equals);
      if (!seen.insert(key).second) {
        scope_.problems.add(item.position, dsl::text("`env` sets {} twice", key));
      }
      component_.env.emplace_back(std::move(key), item.string.substr(equals + 1));
    }
    for (const auto& [own, value] : socket_environment(component_)) {
      for (const auto& [key, other] : component_.env) {
        if (key == own) {
          problem("env", code::kBadSocket,
                  dsl::text("`env` sets {}, which tells the component its `sockets`", key));
        }
      }
    }
  }

  void secrets() {
    for (const TomlValue* each : read_tables(table_, "secrets")) {
      SecretUse use{read_text(*each, "name", ""), read_text(*each, "env", ""),
                    read_text(*each, "file", "")};
      if (use.env.empty() == use.file.empty()) {
        scope_.problems.add(each->position,
                            dsl::text("secret \"{}\" needs either `env` or `file`", use.name));
      }
      component_.secrets.push_back(std::move(use));
    }
  }

  void limits() {
    if (const TomlValue* memory = table_.find("memory")) {
      component_.memory_bytes = memory->kind == TomlValue::Kind::kInteger
                                    ? static_cast<std::uint64_t>(memory->integer)
                                    : dsl::config::parse_size(memory->string).value_or(0);
    }
    if (const TomlValue* cpus = table_.find("cpus")) {
      const double given = cpus->kind == TomlValue::Kind::kInteger
                               ? static_cast<double>(cpus->integer)
                               : cpus->number;
      // Thousandths: exact in every text form, so that the identity never depends on rounding.
      component_.cpus = std::round(given * 1000) / 1000;
      if (component_.cpus <= 0) {
        problem("cpus", "`cpus` must be at least 0.001");
      }
    }
    component_.pids = read_integer(table_, "pids", 0);
  }

  void routes() {
    const std::vector<const TomlValue*> tables = read_tables(table_, "routes");
    std::set<std::string> seen;
    for (const TomlValue* each : tables) {
      Route route;
      route.name = read_text(*each, "name", "");
      route.port = static_cast<std::uint16_t>(read_integer(*each, "port", route.port));
      route.mode = read_text(*each, "mode", route.mode);
      route.hostnames = read_texts(*each, "hostname");
      if (route.hostnames.empty()) {
        route.hostnames.push_back(service_.name + "." + scope_.platform.service_zone);
      }
      route.target = static_cast<std::uint16_t>(read_integer(*each, "target", 0));
      route.backend_tls = read_bool(*each, "backend_tls", false);
      route.cert = read_text(*each, "cert", route.cert);
      if (route.name.empty() && tables.size() > 1) {
        scope_.problems.add(each->position, "a route needs `name` when there are several");
      } else if (!seen.insert(route.name).second) {
        scope_.problems.add(position_of(*each, "name"),
                            dsl::text("there are two routes named \"{}\"", route.name));
      }
      component_.routes.push_back(std::move(route));
    }
  }

  void strategy() {
    component_.strategy = read_text(table_, "strategy", "recreate");
    const bool possible = component_.ports.empty() && component_.network != "host" &&
                          read_bool(table_, "shared_data", false);
    if (component_.strategy == "overlap" && !possible) {
      problem("strategy", code::kStrategyUnsupported,
              "`overlap` needs `shared_data = true`, no fixed `ports` and no host network");
    }
  }

  ResolveScope& scope_;
  const Service& service_;
  const TomlValue& table_;
  Component component_;
};

}  // namespace

Component resolve_component(ResolveScope& scope, const Service& service, const std::string& name,
                            bool is_main, const TomlValue& table) {
  return ComponentResolver(scope, service, table).run(name, is_main);
}

}  // namespace mcp::model
