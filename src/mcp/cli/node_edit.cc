#include "mcp/cli/node_edit.h"

#include <algorithm>
#include <vector>

#include "dsl/config/value.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::config::quoted;
using dsl::config::TomlValue;

namespace {

std::string line_of(std::string_view key, const std::string& value) {
  return value.empty() ? std::string() : dsl::text("{} = {}\n", key, quoted(value));
}

// Lines with their line feeds.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

std::string_view unindented(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return line.substr(std::min(first, line.size()));
}

bool begins_table(std::string_view line) { return unindented(line).starts_with('['); }
bool belongs_to_node(std::string_view line) { return unindented(line).starts_with("[nodes."); }
bool is_comment(std::string_view line) { return unindented(line).starts_with('#'); }

// The number, from 0, of the line at which the node's table begins; `lines.size()` when it does not
// begin as [[nodes]] does.
std::size_t header_of(const TomlValue& document, std::string_view name,
                      const std::vector<std::string_view>& lines) {
  const TomlValue* nodes = document.find("nodes");
  MC_ASSERT(nodes != nullptr, "the text has the node");
  for (const TomlValue& node : nodes->items) {
    const TomlValue* own = node.find("name");
    if (own == nullptr || own->string != name || node.position.line < 1) {
      continue;
    }
    const auto number = static_cast<std::size_t>(node.position.line) - 1;
    if (number < lines.size() && unindented(lines[number]).starts_with("[[")) {
      return number;
    }
  }
  return lines.size();
}

}  // namespace

std::string with_node(std::string_view text, const NodeSettings& node) {
  std::string out(text);
  out += out.empty() || out.ends_with('\n') ? "" : "\n";
  out += out.empty() ? "" : "\n";
  out += "[[nodes]]\n";
  out += line_of("name", node.name);
  std::string addresses;
  for (const std::string& address : node.addresses) {
    addresses += (addresses.empty() ? "" : ", ") + quoted(address);
  }
  out += addresses.empty() ? "" : dsl::text("addresses = [{}]\n", addresses);
  out += line_of("ssh", node.ssh);
  out += line_of("ca_cert", node.ca_cert);
  return out;
}

dsl::Result<std::string> without_node(std::string_view text, std::string_view name) {
  MC_ASSIGN(const TomlValue document, dsl::config::parse_toml(text, "mcp.toml"));
  const std::vector<std::string_view> lines = lines_of(text);
  const std::size_t first = header_of(document, name, lines);
  if (first == lines.size()) {
    return fail(Code::kFailedPrecondition, "node {} is not written as a [[nodes]] of its own", name)
        .hint("take it out of the file by hand");
  }
  std::size_t end = first + 1;
  while (end < lines.size() && (!begins_table(lines[end]) || belongs_to_node(lines[end]))) {
    ++end;
  }
  // A comment right above a table tells of that table.
  while (end < lines.size() && end > first + 1 && is_comment(lines[end - 1])) {
    --end;
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += i < first || i >= end ? lines[i] : std::string_view();
  }
  while (out.ends_with("\n\n")) {
    out.pop_back();
  }
  return out;
}

}  // namespace mcp::cli
