#include "mcp/cli/settings.h"

#include <algorithm>
#include <vector>

#include "dsl/config/nearest.h"
#include "dsl/config/toml.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::text;
using dsl::config::TomlMember;
using dsl::config::TomlValue;

namespace {

constexpr std::size_t kConfigMax = std::size_t{1} << 20;
constexpr const char* kNodeSocket = "/srv/mcp/admin.sock";
constexpr const char* kHint =
    "[mcp] has strings only: socket, services_dir, registry, default_node, token_file; `mcp "
    "--config /dev/null` goes without the file";

// The file is shared with what talks to other nodes, signs in and builds images.
const std::vector<std::string> kSections = {"mcp", "mcias", "build", "nodes"};

struct Key {
  std::string name;
  std::string* target;
};

std::string home(dsl::env::Env& env) { return env.variable("HOME").value_or("/"); }

std::string config_folder(dsl::env::Env& env) {
  const auto given = env.variable("XDG_CONFIG_HOME");
  return (given && !given->empty() ? *given : home(env) + "/.config") + "/mcp";
}

std::string state_folder(dsl::env::Env& env) {
  const auto given = env.variable("XDG_STATE_HOME");
  return (given && !given->empty() ? *given : home(env) + "/.local/state") + "/mcp";
}

std::string data_folder(dsl::env::Env& env) {
  const auto given = env.variable("XDG_DATA_HOME");
  return (given && !given->empty() ? *given : home(env) + "/.local/share") + "/mcp";
}

// "~/x" as the shell would read it.
std::string expanded(dsl::env::Env& env, const std::string& path) {
  return path.starts_with("~/") ? home(env) + path.substr(1) : path;
}

void add_unknown(Error& error, const std::string& file, const TomlMember& member,
                 const std::vector<std::string>& known) {
  const std::string near = dsl::config::nearest(member.key, known);
  error.add_detail(dsl::config::at(file, member.position),
                   text("unknown key {}{}", member.key,
                        near.empty() ? std::string() : text("; did you mean {}?", near)));
}

void read_mcp_section(const std::string& file, const TomlValue& section,
                      const std::vector<Key>& keys, Error& error) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const Key& key : keys) {
    names.push_back(key.name);
  }
  for (const TomlMember& member : section.members) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& candidate) {
      return candidate.name == member.key;
    });
    if (key == keys.end()) {
      add_unknown(error, file, member, names);
    } else if (member.value.kind != TomlValue::Kind::kString) {
      error.add_detail(dsl::config::at(file, member.value.position),
                       text("{} is a string, not {}", member.key, member.value.kind_name()));
    } else {
      *key->target = member.value.string;
    }
  }
}

Result<void> read_file(dsl::env::Env& env, const std::string& path, bool required,
                       Settings& settings) {
  const Result<std::string> content = env.files().read_file(path, kConfigMax);
  if (!content) {
    const bool absent = content.error().code() == Code::kNotFound && !required;
    return absent ? Result<void>() : dsl::fail(content.error());
  }
  Result<TomlValue> parsed = dsl::config::parse_toml(*content, path);
  if (!parsed) {
    parsed.error().set_hint(kHint);
    return tl::unexpected(std::move(parsed).error());
  }
  const TomlValue& document = *parsed;

  Error error(Code::kInvalidArgument, text("{} is not valid", path));
  for (const TomlMember& member : document.members) {
    if (std::find(kSections.begin(), kSections.end(), member.key) == kSections.end()) {
      add_unknown(error, path, member, kSections);
    }
  }
  if (const TomlValue* section = document.find("mcp")) {
    read_mcp_section(path, *section,
                     {{"socket", &settings.socket},
                      {"services_dir", &settings.services_dir},
                      {"registry", &settings.registry},
                      {"default_node", &settings.default_node},
                      {"token_file", &settings.token_file}},
                     error);
  }
  if (const TomlValue* nodes = document.find("nodes")) {
    settings.nodes = read_nodes(path, *nodes, error);
  }
  if (!error.details().empty()) {
    error.set_hint(kHint);
    return tl::unexpected(std::move(error));
  }
  return {};
}

// Also when it cannot be looked at: the error that follows then says why.
bool is_there(dsl::env::Env& env, const std::string& path) {
  const auto info = env.files().stat(path);
  return info.has_value() || info.error().code() == Code::kPermissionDenied;
}

std::string default_socket(dsl::env::Env& env) {
  const auto runtime = env.variable("XDG_RUNTIME_DIR");
  if (is_there(env, kNodeSocket) || !runtime || runtime->empty()) {
    return kNodeSocket;
  }
  return *runtime + "/mcp/admin.sock";
}

void override_with(dsl::env::Env& env, const char* variable, const std::string& flag,
                   std::string& target) {
  if (const auto value = env.variable(variable); value && !value->empty()) {
    target = *value;
  }
  if (!flag.empty()) {
    target = flag;
  }
}

}  // namespace

Result<Settings> load_settings(dsl::env::Env& env, const SettingsFlags& flags) {
  Settings settings;
  settings.services_dir = config_folder(env) + "/services";
  settings.token_file = config_folder(env) + "/token";
  settings.state_dir = state_folder(env);
  settings.data_dir = data_folder(env);
  settings.file = config_folder(env) + "/mcp.toml";
  const std::string usual = settings.file;
  override_with(env, "MCP_CONFIG", flags.config, settings.file);
  MC_TRY(read_file(env, settings.file, settings.file != usual, settings));

  override_with(env, "MCP_SOCKET", flags.socket, settings.socket);
  override_with(env, "MCP_SERVICES_DIR", flags.services_dir, settings.services_dir);
  override_with(env, "MCP_TOKEN_FILE", "", settings.token_file);
  settings.socket_given = !flags.socket.empty() || !env.variable("MCP_SOCKET").value_or("").empty();
  settings.socket = settings.socket.empty() ? default_socket(env) : expanded(env, settings.socket);
  settings.services_dir = expanded(env, settings.services_dir);
  settings.token_file = expanded(env, settings.token_file);
  for (NodeSettings& node : settings.nodes) {
    node.ca_cert = expanded(env, node.ca_cert);
  }
  return settings;
}

Result<NodeSettings> find_node(const Settings& settings, const std::string& name) {
  return find_node(settings.nodes, name, settings.file);
}

}  // namespace mcp::cli
