// One `podman run` command as a component. Internal to this module.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mcp/model/render.h"

namespace mcp::model {

struct RunLine {
  Component component;  // `container` is --name, or empty
  std::map<std::string, std::string> labels;
  bool detached = false;
  bool has_restart = false;
  bool has_user = false;
  bool has_network = false;
  bool has_alias = false;
  bool has_no_new_privileges = false;
  std::vector<std::string> notices;
};

// `words` begins with `podman run` (or docker, or `podman container run`). The component's fields
// are as podman would have them; what is not said is podman's default.
Result<RunLine> parse_run_line(const std::vector<std::string>& words);

}  // namespace mcp::model
