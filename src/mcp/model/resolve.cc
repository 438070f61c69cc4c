// resolve: a definition's service-level keys, and its components one by one.
#include <algorithm>
#include <set>

#include "mcp/model/resolve_parts.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

// One component as written, with the name it will have.
struct Written {
  std::string name;
  const TomlValue* table;
};

class Resolver {
 public:
  Resolver(const Definition& definition, const Platform& platform, const Node& node)
      : document_(definition.document),
        problems_(definition.file),
        scope_{platform, node, problems_, read_bool(document_, "allow_floating", false)} {}

  Result<Service> run() {
    service();
    MC_TRY(right_node());
    const std::vector<Written> written = components();
    if (written.empty()) {
      return tl::unexpected(problems_.to_error());
    }
    const std::string main = main_component(written);
    for (const Written& each : written) {
      service_.components.push_back(
          resolve_component(scope_, service_, each.name, each.name == main, *each.table));
    }
    orders(written);
    unique_containers(written);
    distinct_ports(written);
    // Last, since it moves ports by the platform's offset.
    for (std::size_t i = 0; i < written.size(); ++i) {
      resolve_health(scope_, service_, *written[i].table, service_.components[i]);
    }
    if (!problems_.empty()) {
      return tl::unexpected(problems_.to_error());
    }
    MC_TRY(container_labels(service_, service_.components.front(), 0, {}));
    return std::move(service_);
  }

 private:
  void service() {
    service_.name = read_text(document_, "name", "");
    service_.node = read_text(document_, "node", scope_.node.name);
    service_.version = read_text(document_, "version", "");
    service_.active = read_bool(document_, "active", true);
    service_.tier = read_text(document_, "tier", "services");
    service_.depends_on = read_texts(document_, "depends_on");
    service_.essential = read_bool(document_, "essential", true);
    service_.is_public = read_bool(document_, "public", false);
    service_.path = read_text(document_, "path", service_.name);
    if (const TomlValue* build = document_.find("build")) {
      service_.build_images = read_text_table(*build, "images");
    }
    service_.labels = read_text_table(document_, "labels");
    service_.reconcile = read_text(document_, "reconcile", "report");

    const auto& stages = scope_.platform.stages;
    if (std::find(stages.begin(), stages.end(), service_.tier) == stages.end()) {
      problems_.add(
          position_of(document_, "tier"),
          dsl::text("there is no tier \"{}\"{}", service_.tier, suggestion(service_.tier, stages)));
    }
    if (document_.find("version") != nullptr && !scope_.allow_floating &&
        (service_.version.empty() || service_.version == "latest")) {
      problems_.add(position_of(document_, "version"), code::kFloatingTag,
                    dsl::text("`version` is \"{}\": name a fixed tag, or say "
                              "`allow_floating = true`",
                              service_.version));
    }
    for (const auto& [key, value] : service_.labels) {
      (void)value;
      if (key.starts_with("mcp.")) {
        problems_.add(position_of(document_, "labels"),
                      dsl::text("label \"{}\": the prefix mcp. is the agent's own", key));
      }
    }
  }

  Result<void> right_node() const {
    if (service_.node == scope_.node.name) {
      return {};
    }
    return dsl::fail(dsl::Code::kFailedPrecondition, "{} belongs to node {}, and this is {}",
                     service_.name, service_.node, scope_.node.name)
        .hint("ask that node, or correct `node`")
        .id(code::kWrongNode);
  }

  // A definition without components has one, named after the service, with the image and the
  // routes of the top level. Empty when the names are wrong: nothing true could follow from them.
  std::vector<Written> components() {
    const std::vector<const TomlValue*> tables = read_tables(document_, "components");
    if (tables.empty()) {
      return {{service_.name, &document_}};
    }
    for (const char* key : {"image", "routes"}) {
      if (document_.find(key) != nullptr) {
        problems_.add(position_of(document_, key),
                      dsl::text("`{}` belongs into a component when there are components", key));
      }
    }
    std::vector<Written> written;
    std::set<std::string> seen;
    bool named = true;
    for (const TomlValue* table : tables) {
      std::string name = read_text(*table, "name", tables.size() == 1 ? service_.name : "");
      if (name.empty()) {
        named = false;
        problems_.add(table->position, "a component needs `name` when there are several");
      } else if (!seen.insert(name).second) {
        named = false;
        problems_.add(position_of(*table, "name"),
                      dsl::text("there are two components named \"{}\"", name));
      }
      written.push_back({std::move(name), table});
    }
    return named ? written : std::vector<Written>();
  }

  std::string main_component(const std::vector<Written>& written) const {
    for (const std::string& wanted : {std::string("api"), service_.name}) {
      for (const Written& each : written) {
        if (each.name == wanted) {
          return wanted;
        }
      }
    }
    return written.front().name;
  }

  void orders(const std::vector<Written>& written) {
    std::vector<std::string> names;
    std::map<std::string, std::vector<std::string>> edges;
    for (const Component& component : service_.components) {
      names.push_back(component.name);
      edges[component.name] = component.after;
    }
    bool known = true;
    for (std::size_t i = 0; i < written.size(); ++i) {
      for (const std::string& after : service_.components[i].after) {
        if (std::find(names.begin(), names.end(), after) == names.end()) {
          known = false;
          problems_.add(
              position_of(*written[i].table, "after"), code::kUnknownDependency,
              dsl::text("`after` names no component \"{}\"{}", after, suggestion(after, names)));
        }
      }
    }
    if (const std::string cycle = known ? find_cycle(edges) : ""; !cycle.empty()) {
      const std::string first = cycle.substr(0, cycle.find(' '));
      const auto at = std::find_if(written.begin(), written.end(),
                                   [&](const Written& each) { return each.name == first; });
      problems_.add(position_of(*at->table, "after"), code::kDependencyCycle,
                    dsl::text("the components wait for each other: {}", cycle));
    }
  }

  void unique_containers(const std::vector<Written>& written) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (!seen.insert(service_.components[i].container).second) {
        problems_.add(position_of(*written[i].table, "container"),
                      dsl::text("two components have the container name \"{}\"",
                                service_.components[i].container));
      }
    }
  }

  void distinct_ports(const std::vector<Written>& written) {
    struct Taken {
      Port port;
      const Component* owner;
    };
    std::vector<Taken> taken;
    for (std::size_t i = 0; i < written.size(); ++i) {
      const Component& component = service_.components[i];
      const std::vector<Port> ports = host_addresses(component);
      for (std::size_t each = 0; each < ports.size(); ++each) {
        const Port& port = ports[each];
        const bool is_socket = each >= component.ports.size();
        const auto clash = std::find_if(taken.begin(), taken.end(), [&](const Taken& other) {
          return overlap(other.port, port);
        });
        if (clash != taken.end()) {
          problems_.add(position_of(*written[i].table, is_socket ? "sockets" : "ports"),
                        is_socket ? code::kBadSocket : code::kBadPort,
                        dsl::text("{} {} of {} overlaps {} of {}", is_socket ? "socket" : "port",
                                  format_port(port), component.name, format_port(clash->port),
                                  clash->owner->name));
        }
        taken.push_back({port, &component});
      }
    }
  }

  const TomlValue& document_;
  Problems problems_;
  ResolveScope scope_;
  Service service_;
};

}  // namespace

Result<Service> resolve(const Definition& definition, const Platform& platform, const Node& node) {
  return Resolver(definition, platform, node).run();
}

const Component* Service::find(std::string_view component) const {
  const auto found = std::find_if(components.begin(), components.end(),
                                  [&](const Component& each) { return each.name == component; });
  return found == components.end() ? nullptr : &*found;
}

}  // namespace mcp::model
