#include "mcp/cli/definitions.h"

#include <algorithm>

#include "dsl/config/nearest.h"
#include "mcp/cli/target.h"
#include "mcp/model/codes.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::string_view kSuffix = ".toml";
constexpr std::size_t kDefinitionMax = std::size_t{256} << 10;

// RFC 5737: addresses that stand in documentation for any other.
constexpr const char* kStandInLan = "192.0.2.1";
constexpr const char* kStandInOverlay = "198.51.100.1";
constexpr const char* kStandInNode = "local";

std::string stem(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  path = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return std::string(path.substr(0, path.size() - kSuffix.size()));
}

bool is_path(std::string_view argument) {
  return argument.ends_with(kSuffix) || argument.find('/') != std::string_view::npos;
}

Error no_definition(const std::string& name, const std::string& folder,
                    const std::vector<std::string>& known) {
  const std::string near = dsl::config::nearest(name, known);
  return fail(Code::kNotFound, "there is no definition {}/{}.toml", folder, name)
      .hint(near.empty() ? "--services-dir names another folder; a path ending in .toml is read as "
                           "it is"
                         : text("did you mean {}?", near))
      .id(model::code::kUnknownService);
}

model::Platform to_model(const pb::Platform& from) {
  model::Platform to;
  to.registry = from.registry();
  to.service_zone = from.service_zone();
  to.stages.assign(from.stages().begin(), from.stages().end());
  to.volume_roots.assign(from.volume_roots().begin(), from.volume_roots().end());
  to.data_root = from.data_root();
  to.port_offset = static_cast<std::uint16_t>(from.port_offset());
  return to;
}

// A definition checked without an agent belongs to the node that it names.
model::Node node_of(const model::Definition& definition, const Surroundings& surroundings) {
  model::Node node = surroundings.node;
  const dsl::config::TomlValue* named = definition.document.find("node");
  if (!surroundings.from_agent && named != nullptr) {
    node.name = named->string;
  }
  return node;
}

std::string_view service_of(std::string_view dependency) {
  return dependency.substr(0, dependency.find('/'));
}

// Depth first over the edges among `files`.
class Sorter {
 public:
  explicit Sorter(std::vector<ResolvedFile>& files) : files_(files), seen_(files.size(), false) {}

  std::vector<ResolvedFile> run() {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      visit(i);
    }
    std::vector<ResolvedFile> sorted;
    for (const std::size_t i : order_) {
      sorted.push_back(std::move(files_[i]));
    }
    return sorted;
  }

 private:
  void visit(std::size_t index) {
    if (seen_[index]) {
      return;
    }
    seen_[index] = true;
    for (const std::string& dependency : files_[index].service.depends_on) {
      for (std::size_t i = 0; i < files_.size(); ++i) {
        if (files_[i].service.name == service_of(dependency)) {
          visit(i);
        }
      }
    }
    order_.push_back(index);
  }

  std::vector<ResolvedFile>& files_;
  std::vector<bool> seen_;
  std::vector<std::size_t> order_;
};

}  // namespace

Result<std::vector<std::string>> definition_names(Context& context) {
  MC_ASSIGN(const Settings settings, context.settings());
  MC_ASSIGN(const std::vector<std::string> files, context.env.files().list(settings.services_dir));
  std::vector<std::string> names;
  for (const std::string& file : files) {
    if (file.ends_with(kSuffix) && is_name(stem(file))) {
      names.push_back(stem(file));
    }
  }
  return names;
}

Result<DefinitionFile> read_definition(Context& context, const std::string& argument) {
  MC_ASSIGN(const Settings settings, context.settings());
  std::string path = argument;
  if (!is_path(argument)) {
    path = text("{}/{}{}", settings.services_dir, argument, kSuffix);
  } else if (!argument.ends_with(kSuffix)) {
    return fail(Code::kInvalidArgument, "{} is no definition: its name must end in .toml", argument)
        .hint("a service is named without a component here");
  }
  Result<std::string> toml = context.env.files().read_file(path, kDefinitionMax);
  if (!toml && toml.error().code() == Code::kNotFound && !is_path(argument)) {
    return tl::unexpected(
        no_definition(argument, settings.services_dir,
                      definition_names(context).value_or(std::vector<std::string>{})));
  }
  MC_TRY(toml);
  return DefinitionFile{path, stem(path), std::move(*toml)};
}

Result<std::vector<DefinitionFile>> read_definitions(Context& context,
                                                     const std::vector<std::string>& arguments) {
  std::vector<std::string> wanted = arguments;
  if (wanted.empty()) {
    MC_ASSIGN(const Settings settings, context.settings());
    MC_ASSIGN(wanted, definition_names(context));
    if (wanted.empty()) {
      return fail(Code::kNotFound, "{} holds no definitions", settings.services_dir)
          .hint("write <service>.toml there, or pass files or --services-dir");
    }
  }
  std::vector<DefinitionFile> files;
  for (const std::string& argument : wanted) {
    MC_ASSIGN(DefinitionFile file, read_definition(context, argument));
    files.push_back(std::move(file));
  }
  return files;
}

Result<Surroundings> agent_surroundings(Context& context) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::Node node, client->call<pb::Node>("GetNode", pb::GetNodeRequest()));
  Surroundings out;
  out.platform = to_model(node.platform());
  out.node.name = node.name();
  out.node.addresses.insert(node.addresses().begin(), node.addresses().end());
  out.from_agent = true;
  return out;
}

Result<Surroundings> best_surroundings(Context& context, StandIn stand_in) {
  MC_ASSIGN(const Settings settings, context.settings());
  if (context.env.files().stat(settings.socket)) {
    Result<Surroundings> asked = agent_surroundings(context);
    if (asked) {
      return asked;
    }
    if (context.globals.verbose) {
      context.note(asked.error().render());
    }
  }
  Surroundings out;
  out.node.name = settings.default_node.empty() ? kStandInNode : settings.default_node;
  if (!settings.registry.empty()) {
    out.platform.registry = settings.registry;
  }
  if (stand_in == StandIn::kAddresses) {
    out.node.addresses = {{"lan", kStandInLan}, {"overlay", kStandInOverlay}};
  }
  if (stand_in != StandIn::kSilent) {
    context.note("note: no agent answers, so the platform's defaults stand in for the node's own");
  }
  return out;
}

Result<ResolvedFile> resolve_file(DefinitionFile file, const Surroundings& surroundings) {
  MC_ASSIGN(const model::Definition definition, model::parse_definition(file.toml, file.path));
  MC_ASSIGN(model::Service service,
            model::resolve(definition, surroundings.platform, node_of(definition, surroundings)));
  return ResolvedFile{std::move(file), std::move(service)};
}

Result<std::vector<ResolvedFile>> resolve_files(std::vector<DefinitionFile> files,
                                                const Surroundings& surroundings) {
  std::vector<ResolvedFile> resolved;
  std::vector<Error> errors;
  for (DefinitionFile& file : files) {
    Result<ResolvedFile> one = resolve_file(std::move(file), surroundings);
    if (one) {
      resolved.push_back(std::move(*one));
    } else {
      errors.push_back(std::move(one).error());
    }
  }
  if (errors.size() == 1) {
    return tl::unexpected(std::move(errors.front()));
  }
  if (!errors.empty()) {
    Error all(Code::kInvalidArgument, text("{} definitions are not valid", errors.size()));
    for (const Error& error : errors) {
      for (const dsl::Detail& detail : error.details()) {
        all.add_detail(detail.where, detail.message);
      }
      if (error.details().empty()) {
        all.add_detail("", error.message());
      }
    }
    all.set_hint("`mcp lint` checks them all without an agent");
    return tl::unexpected(std::move(all));
  }
  return resolved;
}

std::vector<ResolvedFile> in_dependency_order(std::vector<ResolvedFile> files,
                                              const std::vector<std::string>& stages) {
  const auto stage = [&](const ResolvedFile& file) {
    return std::find(stages.begin(), stages.end(), file.service.tier) - stages.begin();
  };
  std::stable_sort(files.begin(), files.end(), [&](const ResolvedFile& a, const ResolvedFile& b) {
    return stage(a) < stage(b);
  });
  return Sorter(files).run();
}

}  // namespace mcp::cli
