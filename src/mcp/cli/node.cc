#include <boost/json.hpp>

#include "mcp/cli/commands.h"

namespace mcp::cli {

namespace json = boost::json;
using dsl::text;
using dsl::cli::Command;

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += out.empty() ? "" : ", ";
    out += word;
  }
  return out;
}

std::string labels_text(const NodeSettings& node) {
  std::vector<std::string> words;
  for (const auto& [name, value] : node.labels) {
    words.emplace_back(name).append("=").append(value);
  }
  return joined(words);
}

json::object to_json(const NodeSettings& node, bool is_default) {
  json::object labels;
  for (const auto& [name, value] : node.labels) {
    labels[name] = value;
  }
  return {{"name", node.name},
          {"default", is_default},
          {"addresses", json::array(node.addresses.begin(), node.addresses.end())},
          {"ssh", node.ssh},
          {"arch", node.arch},
          {"ca_cert", node.ca_cert},
          {"labels", std::move(labels)}};
}

std::string node_page(const NodeSettings& node, bool is_default) {
  std::string out = text("node {}{}\n", node.name, is_default ? " (default)" : "");
  const auto add = [&](const char* what, const std::string& value) {
    out += value.empty() ? std::string() : text("  {} {}\n", what, value);
  };
  add("addresses:", joined(node.addresses));
  add("ssh:      ", node.ssh);
  add("arch:     ", node.arch);
  add("ca_cert:  ", node.ca_cert);
  add("labels:   ", labels_text(node));
  return out;
}

Result<int> list(Context& context) {
  MC_ASSIGN(const Settings settings, context.settings());
  json::array rows;
  dsl::cli::Table table(
      {{"NODE"}, {"ADDRESSES"}, {"SSH"}, {"ARCH", false, true}, {"LABELS", false, true}});
  for (const NodeSettings& node : settings.nodes) {
    const bool is_default = node.name == settings.default_node;
    rows.push_back(to_json(node, is_default));
    table.add({node.name + (is_default ? " *" : ""), joined(node.addresses), node.ssh, node.arch,
               labels_text(node)});
  }
  if (context.json()) {
    context.print(json::serialize(rows) + "\n");
  } else if (table.empty()) {
    context.note(text("{} has no [[nodes]]", settings.file));
  } else {
    context.print(table.render(context.globals));
  }
  return dsl::kExitOk;
}

Result<int> show(Context& context, const std::string& name) {
  MC_ASSIGN(const Settings settings, context.settings());
  MC_ASSIGN(const NodeSettings node, find_node(settings, name));
  const bool is_default = node.name == settings.default_node;
  context.print(context.json() ? json::serialize(to_json(node, is_default)) + "\n"
                               : node_page(node, is_default));
  return dsl::kExitOk;
}

}  // namespace

Command node_command(Context& context) {
  Command list_nodes;
  list_nodes.name = "list";
  list_nodes.summary = "List the nodes of the configuration file; asks none of them";
  list_nodes.description = "The default node has a star.";
  list_nodes.examples = {"mcp node list", "mcp node list --output wide"};
  list_nodes.run = [&context] { return list(context); };

  const auto name = std::make_shared<std::string>();
  Command show_node;
  show_node.name = "show";
  show_node.summary = "Show what the configuration file says of a node; does not ask it";
  show_node.examples = {"mcp node show rift"};
  show_node.options = {{.name = "NODE",
                        .target = name.get(),
                        .help = "Name of the node",
                        .required = true,
                        .complete = "node"}};
  show_node.run = [&context, name] { return show(context, *name); };

  Command command;
  command.name = "node";
  command.summary = "Look at the nodes that this program knows";
  command.commands = {std::move(list_nodes), std::move(show_node)};
  return command;
}

}  // namespace mcp::cli
