#include "mcp/agent/rebuild_sources.h"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "dsl/env/path.h"
#include "dsl/hash/sha256.h"
#include "dsl/json/canonical.h"
#include "mcp/agent/containers.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::int64_t kMirrorFormat = 1;
constexpr std::size_t kFileBytesMax = std::size_t{4} << 20;
constexpr std::string_view kMirrorSuffix = ".json";
constexpr std::string_view kDefinitionSuffix = ".toml";

std::string stem_of(const std::string& path, std::string_view suffix) {
  const std::string file = dsl::env::name_of(path);
  return file.substr(0, file.size() - suffix.size());
}

dsl::Failure damaged(std::string_view what) { return fail(Code::kDataLoss, "{}", what); }

// The member of that name and type; null when there is none.
const json::string* string_at(const json::object& object, std::string_view key) {
  const json::value* member = object.if_contains(key);
  return member == nullptr ? nullptr : member->if_string();
}
const bool* bool_at(const json::object& object, std::string_view key) {
  const json::value* member = object.if_contains(key);
  return member == nullptr ? nullptr : member->if_bool();
}
const std::int64_t* integer_at(const json::object& object, std::string_view key) {
  const json::value* member = object.if_contains(key);
  return member == nullptr ? nullptr : member->if_int64();
}

Result<void> read_components(const json::object& document, Finding& finding) {
  const json::value* components = document.if_contains("components");
  if (components == nullptr || !components->is_object()) {
    return damaged("`components` is missing");
  }
  for (const auto& member : components->get_object()) {
    const json::object* row = member.value().if_object();
    const bool* should_run = row == nullptr ? nullptr : bool_at(*row, "should_run");
    const bool* adopted = row == nullptr ? nullptr : bool_at(*row, "adopted");
    const json::string* digest = row == nullptr ? nullptr : string_at(*row, "image_digest");
    if (should_run == nullptr || adopted == nullptr || digest == nullptr) {
      return damaged(text("component {} is not whole", std::string(member.key())));
    }
    finding.components[member.key()] = {
        .should_run = *should_run, .image_digest = std::string(*digest), .adopted = *adopted};
  }
  return {};
}

Result<void> read_ports(const json::object& document, Finding& finding) {
  const json::value* ports = document.if_contains("ports");
  if (ports == nullptr || !ports->is_array()) {
    return damaged("`ports` is missing");
  }
  for (const json::value& value : ports->get_array()) {
    const json::object* row = value.if_object();
    const json::string* component = row == nullptr ? nullptr : string_at(*row, "component");
    const json::string* route = row == nullptr ? nullptr : string_at(*row, "route");
    const std::int64_t* port = row == nullptr ? nullptr : integer_at(*row, "host_port");
    if (component == nullptr || route == nullptr || port == nullptr || *port < 1 || *port > 65535) {
      return damaged("a row of `ports` is not whole");
    }
    finding.ports.push_back({.component = std::string(*component),
                             .route = std::string(*route),
                             .host_port = static_cast<std::uint16_t>(*port)});
  }
  return {};
}

// Why a finding is of no use on this node; empty when it is.
std::string why_not_here(const Finding& finding, const Config& config) {
  if (finding.service.node != config.node_name) {
    return text("it belongs to node {}, and this is {}", finding.service.node, config.node_name);
  }
  const model::Platform platform = config.platform();
  for (const model::Component& component : finding.service.components) {
    for (const model::Volume& volume : component.volumes) {
      const std::string problem = model::volume_problem(platform, volume.host);
      if (!problem.empty()) {
        return text("its volume {} {}", volume.host, problem);
      }
    }
  }
  return "";
}

Result<std::vector<std::string>> files_in(dsl::env::FileSystem& files, const std::string& directory,
                                          std::string_view suffix) {
  MC_ASSIGN(std::vector<std::string> names, files.list(directory));
  std::erase_if(names, [&](const std::string& file) { return !file.ends_with(suffix); });
  for (std::string& file : names) {
    file = directory + "/" + file;
  }
  return names;
}

Result<void> read_mirror(dsl::env::Env& env, const std::string& directory, Remains& remains) {
  MC_ASSIGN(const bool there, env.files().exists(directory));
  if (!there) {
    return {};
  }
  MC_ASSIGN(const std::vector<std::string> paths, files_in(env.files(), directory, kMirrorSuffix));
  for (const std::string& path : paths) {
    const Result<std::string> content = env.files().read_file(path, kFileBytesMax);
    Result<Finding> finding =
        content ? finding_from_mirror(path, *content) : tl::unexpected(content.error());
    if (finding) {
      remains.findings.push_back(std::move(*finding));
    } else {
      remains.left_out.push_back({.source = Source::kMirror,
                                  .place = path,
                                  .service = stem_of(path, kMirrorSuffix),
                                  .reason = finding.error().message()});
    }
  }
  return {};
}

Result<Finding> resolve_definition(const Config& config, const std::string& path,
                                   const std::string& toml) {
  MC_ASSIGN(const model::Definition definition, model::parse_definition(toml, path));
  MC_ASSIGN(model::Service service, model::resolve(definition, config.platform(), config.node()));
  return finding_from_definition(path, toml, std::move(service));
}

Result<void> read_definitions(dsl::env::Env& env, const Config& config,
                              const std::string& directory, Remains& remains) {
  MC_ASSIGN(const std::vector<std::string> paths,
            files_in(env.files(), directory, kDefinitionSuffix));
  for (const std::string& path : paths) {
    const Result<std::string> toml = env.files().read_file(path, kFileBytesMax);
    Result<Finding> finding =
        toml ? resolve_definition(config, path, *toml) : tl::unexpected(toml.error());
    if (finding) {
      remains.findings.push_back(std::move(*finding));
      continue;
    }
    const auto& details = finding.error().details();
    remains.left_out.push_back(
        {.source = Source::kDefinitions,
         .place = path,
         .service = stem_of(path, kDefinitionSuffix),
         .reason = details.empty() ? finding.error().message() : details.front().message});
  }
  return {};
}

// Inspects what a list does not tell: the settings of those that carry no label of ours.
Result<void> look_at_containers(runtime::Runtime& runtime,
                                std::vector<runtime::Container> containers, Remains& remains) {
  std::set<std::string> wanted;
  for (const Finding& finding : remains.findings) {
    for (const model::Component& component : finding.service.components) {
      wanted.insert(component.container);
    }
  }
  for (runtime::Container& container : containers) {
    Present present;
    if (wanted.contains(container.name)) {
      if (label(container, kLabelManaged).empty()) {
        if (Result<runtime::Container> full = runtime.inspect(container.id)) {
          container = std::move(*full);
        }
      }
      const Result<std::optional<runtime::Image>> image = runtime.image(container.image_id);
      if (image && *image) {
        present.image_digest = digest_of(**image);
      }
    }
    present.container = std::move(container);
    const std::string container_name = present.container.name;
    remains.containers.insert_or_assign(container_name, std::move(present));
  }
  return {};
}

}  // namespace

std::string_view name(Source source) {
  return source == Source::kMirror   ? "mirror"
         : source == Source::kLabels ? "labels"
                                     : "definitions";
}

Result<Finding> finding_from_mirror(const std::string& file, std::string_view content) {
  boost::system::error_code error;
  const json::value value = json::parse(content, error);
  if (error || !value.is_object()) {
    return damaged("it is not JSON");
  }
  const json::object& document = value.get_object();
  const std::int64_t* format = integer_at(document, "format");
  if (format == nullptr || *format != kMirrorFormat) {
    return damaged(text("its format is not {}", kMirrorFormat));
  }
  const std::int64_t* generation = integer_at(document, "generation");
  const json::string* sha256 = string_at(document, "sha256");
  const json::value* spec = document.if_contains("spec");
  const json::string* toml = string_at(document, "definition_toml");
  if (generation == nullptr || *generation < 1 || sha256 == nullptr || spec == nullptr ||
      toml == nullptr) {
    return damaged("a member is missing or has the wrong type");
  }
  MC_ASSIGN(const std::string canonical, dsl::json::canonical(*spec));
  if (dsl::sha256_hex(canonical) != std::string_view(*sha256)) {
    return damaged("its sha256 is not that of its spec");
  }
  Finding finding;
  finding.source = Source::kMirror;
  finding.place = file;
  MC_ASSIGN(finding.service, model::service_from_json(canonical));
  if (finding.service.name != stem_of(file, kMirrorSuffix)) {
    return damaged(text("it speaks of service {}", finding.service.name));
  }
  finding.sha256 = std::string(*sha256);
  finding.generation = *generation;
  finding.definition_toml = std::string(*toml);
  MC_TRY(read_components(document, finding));
  MC_TRY(read_ports(document, finding));
  return finding;
}

Finding finding_from_definition(const std::string& file, const std::string& toml,
                                model::Service service) {
  Finding finding;
  finding.source = Source::kDefinitions;
  finding.place = file;
  finding.sha256 = model::spec_sha256(service);
  finding.service = std::move(service);
  finding.definition_toml = toml;
  return finding;
}

void add_labels(const std::vector<runtime::Container>& containers, Remains& remains) {
  std::map<std::string, std::vector<Finding>> newest;  // by service
  for (const runtime::Container& container : containers) {
    if (container.storage_only || label(container, kLabelManaged).empty()) {
      continue;
    }
    Result<model::LabelSpec> spec = model::service_from_labels(container.labels);
    if (!spec) {
      remains.left_out.push_back({.source = Source::kLabels,
                                  .place = container.name,
                                  .service = label(container, kLabelService),
                                  .reason = spec.error().message()});
      continue;
    }
    Finding finding;
    finding.source = Source::kLabels;
    finding.place = container.name;
    finding.service = std::move(spec->service);
    finding.sha256 = model::spec_sha256(finding.service);
    finding.generation = std::max<std::int64_t>(spec->generation, 1);
    finding.ports = std::move(spec->ports);
    std::vector<Finding>& known = newest[finding.service.name];
    if (!known.empty() && known.front().generation < finding.generation) {
      known.clear();
    }
    const bool is_new = std::none_of(known.begin(), known.end(), [&](const Finding& other) {
      return other.generation > finding.generation || other.sha256 == finding.sha256;
    });
    if (is_new) {
      known.push_back(std::move(finding));
    }
  }
  for (auto& [service, findings] : newest) {
    std::move(findings.begin(), findings.end(), std::back_inserter(remains.findings));
  }
}

Result<Remains> gather(dsl::env::Env& env, const Config& config, runtime::Runtime* runtime,
                       const SourceChoice& choice) {
  Remains remains;
  remains.findings = choice.given;
  std::vector<runtime::Container> containers;
  if (runtime != nullptr) {
    // Those that only the image store knows have neither labels nor state.
    MC_ASSIGN(containers, runtime->list(false));
  }
  if (choice.mirror) {
    MC_TRY(read_mirror(env, config.specs_dir, remains));
  }
  if (choice.labels) {
    add_labels(containers, remains);
  }
  if (!choice.definitions.empty()) {
    MC_TRY(read_definitions(env, config, choice.definitions, remains));
  }
  std::erase_if(remains.findings, [&](const Finding& finding) {
    const std::string reason = why_not_here(finding, config);
    if (!reason.empty()) {
      remains.left_out.push_back({.source = finding.source,
                                  .place = finding.place,
                                  .service = finding.service.name,
                                  .reason = reason});
    }
    return !reason.empty();
  });
  if (runtime != nullptr) {
    MC_TRY(look_at_containers(*runtime, std::move(containers), remains));
  }
  return remains;
}

}  // namespace mcp::agent
