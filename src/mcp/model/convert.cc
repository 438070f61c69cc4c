// `podman run` lines to definitions.
#include <algorithm>
#include <set>

#include "mcp/model/render.h"
#include "mcp/model/run_line.h"
#include "mcp/model/shell.h"
#include "mcp/model/toml_writer.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

using dsl::Code;
using dsl::fail;

constexpr std::string_view kDefaultNetwork = "mcpnet";

// The lines of one service.
struct Group {
  std::string service;
  std::vector<RunLine> lines;
};

// "host:5000/a/mcr:v1" -> "mcr"
std::string image_name(const std::string& image) {
  const auto reference = parse_image(image);
  const std::string repository = reference ? reference->repository : "";
  return repository.substr(repository.rfind('/') + 1);
}

std::string first_name(std::initializer_list<std::string> candidates) {
  for (const std::string& candidate : candidates) {
    if (is_name(candidate)) {
      return candidate;
    }
  }
  return "service";
}

// The nearest name of a component: "Web_1.x" -> "web-1-x".
std::string name_from(std::string_view container) {
  std::string name;
  for (const char c : container.substr(0, 63)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    name += is_name(std::string(1, lower)) ? lower : '-';
  }
  while (name.ends_with('-')) {
    name.pop_back();
  }
  return name;
}

class Converter {
 public:
  Converter(const Platform& platform, const Node& node) : platform_(platform), node_(node) {
    // A definition's ports are written without the offset that resolve adds.
    platform_.port_offset = 0;
    for (const auto& [label, address] : node.addresses) {
      if (label != "loopback" && !address.empty()) {
        labels_.emplace(address, label);
      }
    }
  }

  Result<std::vector<Converted>> run(std::string_view shell_text) {
    MC_ASSIGN(const std::vector<ShellCommand> commands, split_commands(shell_text));
    if (commands.empty()) {
      return fail(Code::kInvalidArgument, "there is no podman run line").id(code::kCannotConvert);
    }
    for (const ShellCommand& command : commands) {
      auto line = parse_run_line(command.words);
      if (!line) {
        return fail(std::move(line).error()).context(dsl::text("line {}", command.line));
      }
      add(std::move(*line));
    }
    std::vector<Converted> converted;
    for (Group& group : groups_) {
      auto one = definition(group);
      if (!one) {
        return fail(std::move(one).error()).context(group.service).id(code::kCannotConvert);
      }
      converted.push_back(std::move(*one));
    }
    return converted;
  }

 private:
  void add(RunLine line) {
    const std::string service = service_of(line);
    if (line.component.container.empty()) {
      line.component.container = service;
      line.notices.push_back(dsl::text("no --name: the container is called {}", service));
    }
    const auto group = std::find_if(groups_.begin(), groups_.end(),
                                    [&](const Group& each) { return each.service == service; });
    if (group == groups_.end()) {
      groups_.push_back({service, {}});
      groups_.back().lines.push_back(std::move(line));
    } else {
      group->lines.push_back(std::move(line));
    }
  }

  // The directory below the data root that it mounts, else its image's name, else its own.
  std::string service_of(const RunLine& line) const {
    const std::string root = normal_path(platform_.data_root) + "/";
    for (const Volume& volume : line.component.volumes) {
      if (volume.host.starts_with(root)) {
        const std::string rest = volume.host.substr(root.size());
        if (std::string name = rest.substr(0, rest.find('/')); is_name(name)) {
          return name;
        }
      }
    }
    return first_name({image_name(line.component.image), line.component.container});
  }

  static std::string component_name(const std::string& service, const std::string& container) {
    const std::string prefix = service + "-";
    const std::string rest = container.starts_with(prefix) ? container.substr(prefix.size()) : "";
    return first_name({rest, container, name_from(container)});
  }

  // What the line leaves to podman and a definition would not: written out, and told.
  static void podmans_defaults(RunLine& line, std::vector<std::string>& notices) {
    Component& component = line.component;
    const std::string& name = component.container;
    const auto tell = [&](std::string text) { notices.push_back(name + ": " + std::move(text)); };
    for (const std::string& notice : line.notices) {
      tell(notice);
    }
    if (!line.detached) {
      tell("no -d: a managed container always runs detached");
    }
    if (!line.has_user) {
      component.user.clear();
      tell("no --user: written as user = \"image\"; the platform default would be 0:0");
    }
    if (!line.has_network) {
      component.network = "default";
      tell("no --network: written as network = \"default\"; the platform default would be mcpnet");
    }
    if (component.network == kDefaultNetwork && !line.has_alias) {
      tell(
          "no --network-alias: written as aliases = []; the platform default would be the names "
          "of component, service and container");
    }
    if (!line.has_restart) {
      component.restart = "no";
      tell(
          "no --restart: written as restart = \"no\"; the platform default would be "
          "unless-stopped");
    }
    component.no_new_privileges = line.has_no_new_privileges;
    if (!line.has_no_new_privileges) {
      tell(
          "no --security-opt no-new-privileges: written as no_new_privileges = false; the platform "
          "default would be true");
    }
    if (!component.ports.empty() && (component.network == "host" || component.network == "none")) {
      component.ports.clear();
      tell("-p has no effect with --network " + component.network + ", and is left out");
    }
  }

  Result<Converted> definition(Group& group) {
    Converted converted;
    converted.name = group.service;
    Service service;
    service.name = service.path = group.service;
    service.node = node_.name;
    service.labels = group.lines.front().labels;
    std::set<std::string> names;
    for (RunLine& line : group.lines) {
      podmans_defaults(line, converted.notices);
      if (line.labels != service.labels) {
        return fail(Code::kInvalidArgument,
                    "its containers have different labels, and a definition has one set");
      }
      Component& component = line.component;
      component.name = component_name(group.service, component.container);
      if (!names.insert(component.name).second) {
        return fail(Code::kInvalidArgument, "two containers would be component \"{}\"",
                    component.name);
      }
      service.components.push_back(component);
    }
    const auto image = parse_image(service.components.front().image);
    service.version = image && !image->floating() ? image->tag : "";

    MC_ASSIGN(const Service defaults, default_service(service));
    for (std::size_t i = 0; i < service.components.size(); ++i) {
      service.components[i].health = defaults.components[i].health;
    }
    floating_notice(service, converted.notices);
    converted.toml = write_definition(service, &defaults, labels_);
    MC_TRY(check(service, converted));
    return converted;
  }

  // What the same components would be with every other key left out.
  Result<Service> default_service(const Service& service) const {
    std::string toml = "name = " + toml_text(service.name) + "\nallow_floating = true\n";
    if (!service.version.empty()) {
      toml += "version = " + toml_text(service.version) + "\n";
    }
    for (const Component& component : service.components) {
      toml += "[[components]]\nname = " + toml_text(component.name) +
              "\ncontainer = " + toml_text(component.container) +
              "\nnetwork = " + toml_text(component.network) + "\n";
      std::vector<std::string> ports;
      for (const Port& port : component.ports) {
        ports.push_back(format_port(port));
      }
      if (!ports.empty()) {
        toml += "ports = " + toml_list(ports) + "\n";
      }
    }
    MC_ASSIGN(const Definition definition, parse_definition(toml, service.name + ".toml"));
    MC_ASSIGN(Service defaults, resolve(definition, platform_, node_));
    for (Component& component : defaults.components) {
      component.container =
          component.name == service.name ? service.name : service.name + "-" + component.name;
      component.network = kDefaultNetwork;
      component.ports.clear();
    }
    return defaults;
  }

  static void floating_notice(const Service& service, std::vector<std::string>& notices) {
    for (const Component& component : service.components) {
      const auto image = parse_image(component.image);
      if (image && image->floating()) {
        notices.push_back(
            dsl::text("{}: image {} has a floating tag: written with allow_floating = "
                      "true; name a version instead",
                      component.container, component.image));
      }
    }
  }

  // The definition means what the lines said. Volumes outside the roots are the operator's to
  // move: they are told, and everything else is checked without them.
  Result<void> check(const Service& service, Converted& converted) const {
    Platform open = platform_;
    open.volume_roots = {"/", normal_path(platform_.data_root + "/mcp")};
    MC_ASSIGN(const Definition definition,
              parse_definition(converted.toml, service.name + ".toml"));
    MC_ASSIGN(const Service back, resolve(definition, open, node_));
    for (const FieldDifference& difference : compare(service, back)) {
      if (difference.field != "version") {
        return fail(Code::kInvalidArgument, "cannot be expressed: {} would be {} instead of {}",
                    difference.field, difference.have, difference.want);
      }
    }
    if (const auto strict = resolve(definition, platform_, node_); !strict) {
      for (const dsl::Detail& detail : strict.error().details()) {
        converted.notices.push_back(service.name + ": " + detail.message);
      }
    }
    return {};
  }

  Platform platform_;
  const Node& node_;
  std::map<std::string, std::string> labels_;  // address -> label
  std::vector<Group> groups_;
};

}  // namespace

Result<std::vector<Converted>> convert_run_lines(std::string_view shell_text,
                                                 const Platform& platform, const Node& node) {
  return Converter(platform, node).run(shell_text);
}

}  // namespace mcp::model
