// A definition leaves as other formats, and comes in from `podman run` lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"
#include "mcp/model/model.h"

namespace mcp::model {

struct Rendered {
  std::string text;
  std::vector<std::string> notices;  // what the format cannot express; also a comment in the text
};

// `podman run` lines quoted for POSIX sh, one a component, in start order. `allocated` may be
// empty.
Rendered render_run(const Service& service, const std::vector<Allocation>& allocated);
// The line of one component, without the notices.
std::string render_run_line(const Service& service, const Component& component,
                            const std::vector<Allocation>& allocated);
// The definition with every default written out; parses back to the same resolved service.
std::string render_toml(const Service& service);

struct Converted {
  std::string name;  // service: file name is <name>.toml
  std::string toml;
  std::vector<std::string>
      notices;  // "no --user: written as user = \"image\"; the platform default would be 0:0"
};

// One `podman run` command line (shell quoting, line continuations) to a definition. Lines whose
// volume or image names the same service become components of one definition.
Result<std::vector<Converted>> convert_run_lines(std::string_view shell_text,
                                                 const Platform& platform, const Node& node);

// Splits as POSIX sh does: quotes, escapes, continuations, comments; no expansion ('$' outside
// single quotes is an error that names it).
Result<std::vector<std::string>> split_shell(std::string_view text);
std::string quote_shell(std::string_view word);

}  // namespace mcp::model
