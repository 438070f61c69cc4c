#include "mcp/cli/node_settings.h"

#include <algorithm>

#include "dsl/config/nearest.h"
#include "mcp/cli/target.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;
using dsl::config::TomlMember;
using dsl::config::TomlValue;

namespace {

const std::vector<std::string> kKeys = {"name", "addresses", "address", "ssh",
                                        "arch", "ca_cert",   "labels"};

// Reads the keys of one node; what is wrong goes to `error`.
class Reader {
 public:
  Reader(const std::string& file, Error& error) : file_(file), error_(error) {}

  NodeSettings read(const TomlValue& table) {
    NodeSettings node;
    if (table.kind != TomlValue::Kind::kTable) {
      complain(table.position, text("a node is a table, not {}", table.kind_name()));
      return node;
    }
    for (const TomlMember& member : table.members) {
      read_member(member, node);
    }
    if (node.name.empty()) {
      complain(table.position, "a node needs a name");
    }
    return node;
  }

  void complain(dsl::config::Position position, const std::string& what) {
    error_.add_detail(dsl::config::at(file_, position), what);
  }

 private:
  void read_member(const TomlMember& member, NodeSettings& node) {
    if (member.key == "name") {
      node.name = string_of(member);
      if (!node.name.empty() && !is_name(node.name)) {
        complain(member.value.position,
                 text("\"{}\" is no name: lower-case letters, digits and hyphens", node.name));
      }
    } else if (member.key == "address") {
      node.addresses.push_back(string_of(member));
    } else if (member.key == "addresses") {
      read_addresses(member, node);
    } else if (member.key == "ssh") {
      node.ssh = string_of(member);
      // It becomes an argument of ssh, and may not become an option.
      if (node.ssh.starts_with('-') || node.ssh.find_first_of(" \t\n") != std::string::npos) {
        complain(member.value.position, text("\"{}\" is no destination of ssh", node.ssh));
      }
    } else if (member.key == "arch") {
      node.arch = string_of(member);
    } else if (member.key == "ca_cert") {
      node.ca_cert = string_of(member);
    } else if (member.key == "labels") {
      read_labels(member, node);
    } else {
      const std::string near = dsl::config::nearest(member.key, kKeys);
      complain(member.position, text("a node has no key {}{}", member.key,
                                     near.empty() ? "" : text("; did you mean {}?", near)));
    }
  }

  std::string string_of(const TomlMember& member) {
    if (member.value.kind != TomlValue::Kind::kString || member.value.string.empty()) {
      complain(member.value.position, text("{} is a string that is not empty", member.key));
      return {};
    }
    return member.value.string;
  }

  void read_addresses(const TomlMember& member, NodeSettings& node) {
    if (member.value.kind != TomlValue::Kind::kArray) {
      complain(member.value.position, "addresses is a list of strings; address is one string");
      return;
    }
    for (const TomlValue& item : member.value.items) {
      node.addresses.push_back(string_of({"addresses", item.position, item}));
    }
  }

  void read_labels(const TomlMember& member, NodeSettings& node) {
    if (member.value.kind != TomlValue::Kind::kTable) {
      complain(member.value.position, "labels is a table of strings");
      return;
    }
    for (const TomlMember& label : member.value.members) {
      node.labels[label.key] = string_of(label);
    }
  }

  const std::string& file_;
  Error& error_;
};

}  // namespace

std::vector<NodeSettings> read_nodes(const std::string& file, const TomlValue& nodes,
                                     Error& error) {
  Reader reader(file, error);
  std::vector<NodeSettings> out;
  if (nodes.kind != TomlValue::Kind::kArray) {
    reader.complain(nodes.position, "nodes are written as [[nodes]], one a node");
    return out;
  }
  for (const TomlValue& item : nodes.items) {
    NodeSettings node = reader.read(item);
    const bool twice = std::any_of(
        out.begin(), out.end(), [&](const NodeSettings& other) { return other.name == node.name; });
    if (twice) {
      reader.complain(item.position, text("there are two nodes {}", node.name));
    } else if (!node.name.empty()) {
      out.push_back(std::move(node));
    }
  }
  return out;
}

Result<NodeSettings> find_node(const std::vector<NodeSettings>& nodes, std::string_view name,
                               const std::string& file) {
  std::vector<std::string> names;
  for (const NodeSettings& node : nodes) {
    if (node.name == name) {
      return node;
    }
    names.push_back(node.name);
  }
  const std::string near = dsl::config::nearest(name, names);
  return fail(Code::kNotFound, "{} has no node \"{}\"", file, name)
      .hint(near.empty() ? std::string("`mcp node list` shows those it has; a new one is a "
                                       "[[nodes]] with a name")
                         : text("did you mean {}?", near));
}

}  // namespace mcp::cli
