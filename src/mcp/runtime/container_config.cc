#include "mcp/runtime/container_config.h"

#include <charconv>

#include "dsl/config/toml.h"

namespace mcp::runtime {

using dsl::Code;
using dsl::fail;

namespace {

// Adds `folder`.d/*.conf in the order of their names.
void add_drop_ins(dsl::env::Env& env, const std::string& folder, std::vector<std::string>& paths) {
  const auto names = env.files().list(folder);
  if (!names) {
    return;  // there need be no such folder
  }
  for (const auto& name : *names) {
    if (name.size() > 5 && name.substr(name.size() - 5) == ".conf") {
      paths.push_back(folder + "/" + name);
    }
  }
}

std::vector<std::string> config_paths(dsl::env::Env& env) {
  if (const auto only = env.variable("CONTAINERS_CONF")) {
    return {*only};
  }
  std::vector<std::string> paths = {"/usr/share/containers/containers.conf",
                                    "/etc/containers/containers.conf"};
  add_drop_ins(env, "/etc/containers/containers.conf.d", paths);
  std::string config = env.variable("XDG_CONFIG_HOME").value_or("");
  if (config.empty()) {
    config = env.variable("HOME").value_or("") + "/.config";
  }
  paths.push_back(config + "/containers/containers.conf");
  add_drop_ins(env, config + "/containers/containers.conf.d", paths);
  return paths;
}

bool parse_number(std::string_view text, std::int64_t& value) {
  if (text == "unlimited") {
    value = -1;
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<Ulimit> parse_ulimit(std::string_view text) {
  Ulimit limit;
  const auto equals = text.find('=');
  const auto colon = text.find(':');
  const bool named = equals != std::string_view::npos && equals > 0;
  const std::string_view soft =
      named ? text.substr(equals + 1, colon == std::string_view::npos ? colon : colon - equals - 1)
            : "";
  const std::string_view hard = colon == std::string_view::npos ? soft : text.substr(colon + 1);
  if (!named || !parse_number(soft, limit.soft) || !parse_number(hard, limit.hard)) {
    return fail(Code::kInvalidArgument, "'{}' is not a limit", text).hint("write name=soft:hard");
  }
  limit.name = text.substr(0, equals);
  return limit;
}

Result<std::vector<Ulimit>> default_ulimits(dsl::env::Env& env) {
  std::vector<Ulimit> limits;
  for (const auto& path : config_paths(env)) {
    const auto text = env.files().read_file(path);
    if (!text) {
      if (text.error().code() == Code::kNotFound) {
        continue;
      }
      return tl::unexpected(text.error());
    }
    MC_ASSIGN(const auto document, dsl::config::parse_toml(*text, path));
    const auto* containers = document.find("containers");
    const auto* wanted = containers == nullptr ? nullptr : containers->find("default_ulimits");
    if (wanted == nullptr) {
      continue;
    }
    limits.clear();
    for (const auto& item : wanted->items) {
      MC_ASSIGN(auto limit,
                dsl::with_context(parse_ulimit(item.string), dsl::config::at(path, item.position)));
      limits.push_back(std::move(limit));
    }
  }
  return limits;
}

}  // namespace mcp::runtime
