#include <algorithm>

#include "mcp/model/model.h"
#include "mcp/model/words.h"

namespace mcp::model {

std::string volume_problem(const Platform& platform, std::string_view path) {
  const auto& roots = platform.volume_roots;
  const bool inside = std::any_of(roots.begin(), roots.end(), [&](const std::string& root) {
    return is_inside(path, normal_path(root));
  });
  if (!inside) {
    std::string list;
    for (const std::string& root : roots) {
      list += (list.empty() ? "" : ", ") + root;
    }
    return dsl::text("lies outside the volume roots ({})", list);
  }
  // The agent's registry and secret key live there; only a root of its own opens it.
  const std::string agents = normal_path(platform.data_root + "/mcp");
  const bool touches = is_inside(path, agents) || is_inside(agents, path);
  const bool opened = std::any_of(roots.begin(), roots.end(), [&](const std::string& root) {
    return is_inside(normal_path(root), agents);
  });
  return touches && !opened ? dsl::text("holds the agent's own directory {}", agents) : "";
}

}  // namespace mcp::model
