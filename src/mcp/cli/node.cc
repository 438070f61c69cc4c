#include <boost/json.hpp>

#include "dsl/env/socket_address.h"
#include "mcp/cli/commands.h"
#include "mcp/cli/node_edit.h"
#include "mcp/cli/node_provision.h"
#include "mcp/cli/target.h"

namespace mcp::cli {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;

namespace {

constexpr std::size_t kConfigMax = std::size_t{1} << 20;
constexpr std::uint32_t kOwnersAlone = 0600;
constexpr int kGrpcPort = 9444;  // of every agent that was not told another

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

// The file's own text and mode; an empty text when there is none yet.
struct ConfigFile {
  std::string path;
  std::string text;
  std::uint32_t mode = kOwnersAlone;
};

Result<ConfigFile> read_config(Context& context) {
  MC_ASSIGN(const Settings settings, context.settings());  // it is valid
  ConfigFile file{.path = settings.file, .text = {}};
  const Result<std::string> content = context.env.files().read_file(file.path, kConfigMax);
  if (!content && content.error().code() == Code::kNotFound) {
    return file;
  }
  MC_ASSIGN(file.text, content);
  MC_ASSIGN(const dsl::env::FileInfo info, context.env.files().stat(file.path));
  file.mode = info.mode & 0777;
  return file;
}

// With --dry-run the text goes to the terminal instead.
Result<int> write_config(Context& context, const ConfigFile& file, const std::string& content,
                         const std::string& done) {
  if (context.globals.dry_run) {
    context.print(content);
    context.note(text("{} would hold this; nothing was changed", file.path));
    return dsl::kExitOk;
  }
  MC_TRY(context.env.files().make_directories(file.path.substr(0, file.path.rfind('/')), 0700));
  MC_TRY(context.env.files().write_file(file.path, content, file.mode));
  context.note(done);
  return dsl::kExitOk;
}

// "rift" and "192.0.2.7" get the agent's usual port.
Result<std::string> address_with_port(const std::string& address) {
  if (dsl::env::split_host_port(address)) {
    return address;
  }
  if (address.empty() || (address.find_first_of(":[]") != std::string::npos &&
                          !dsl::env::is_address_literal(address))) {
    return fail(Code::kInvalidArgument, "\"{}\" is no address", address)
        .hint("write HOST, HOST:PORT or [IPV6]:PORT");
  }
  return dsl::env::join_host_port(address, kGrpcPort);
}

Result<int> add(Context& context, NodeSettings node) {
  MC_ASSIGN(const Settings settings, context.settings());
  if (!is_name(node.name)) {
    return fail(Code::kInvalidArgument, "\"{}\" is no name of a node", node.name)
        .hint("lower-case letters, digits and hyphens");
  }
  if (find_node(settings, node.name)) {
    return fail(Code::kAlreadyExists, "{} has a node {} already", settings.file, node.name)
        .hint(text("mcp node show {}; `mcp node remove {}` first to replace it", node.name,
                   node.name));
  }
  if (node.addresses.empty() && node.ssh.empty()) {
    return fail(Code::kInvalidArgument, "nothing says how {} is reached", node.name)
        .hint("give it addresses, or --ssh");
  }
  for (std::string& address : node.addresses) {
    MC_ASSIGN(address, address_with_port(address));
  }
  if (!node.ca_cert.empty() && !node.ca_cert.starts_with('/')) {
    return fail(Code::kInvalidArgument, "{} is not a full path", node.ca_cert)
        .hint("mcp is run in many folders; the file has the path for all of them");
  }
  if (!node.ca_cert.empty()) {
    MC_TRY(context.env.files().stat(node.ca_cert));
  }
  MC_ASSIGN(const ConfigFile file, read_config(context));
  return write_config(
      context, file, with_node(file.text, node),
      text("node {} is in {}; `mcp --node {} status` asks it", node.name, file.path, node.name));
}

Result<int> remove(Context& context, const std::string& name) {
  MC_ASSIGN(const Settings settings, context.settings());
  MC_TRY(find_node(settings, name));
  MC_ASSIGN(const ConfigFile file, read_config(context));
  MC_ASSIGN(const std::string content, without_node(file.text, name));
  if (name == settings.default_node) {
    context.note(text("default_node is still {}; mind that line of [mcp]", name));
  }
  return write_config(
      context, file, content,
      text("node {} is no longer in {}; the node itself knows nothing of that", name, file.path));
}

Command add_command(Context& context) {
  const auto node = std::make_shared<NodeSettings>();
  Command command;
  command.name = "add";
  command.summary = "Write a node into the configuration file; does not ask it";
  command.description =
      "Addresses are tried in the order given, literals first; without a port they get 9444. What "
      "else is in the file stays as it is.";
  command.examples = {"mcp node add rift 192.168.88.181 100.95.252.120 --ssh root@rift",
                      "mcp node add rift 127.0.0.1:9444 --ca-cert ~/.config/mcp/ca.crt"};
  command.options = {{.name = "NODE",
                      .target = &node->name,
                      .help = "Name of the node; its certificate must be for it",
                      .required = true},
                     {.name = "ADDRESS",
                      .target = &node->addresses,
                      .help = "Where its agent listens: host or host:port",
                      .value_name = "HOST[:PORT]"},
                     {.name = "--ssh",
                      .target = &node->ssh,
                      .help = "What ssh is told for --via ssh",
                      .value_name = "DESTINATION"},
                     {.name = "--ca-cert",
                      .target = &node->ca_cert,
                      .help = "PEM file that its certificate is verified with",
                      .value_name = "FILE",
                      .complete = "file"}};
  command.run = [&context, node] { return add(context, *node); };
  return command;
}

Command remove_command(Context& context) {
  const auto name = std::make_shared<std::string>();
  Command command;
  command.name = "remove";
  command.summary = "Take a node out of the configuration file; the node is not touched";
  command.examples = {"mcp node remove rift"};
  command.options = {{.name = "NODE",
                      .target = name.get(),
                      .help = "Name of the node",
                      .required = true,
                      .complete = "node"}};
  command.run = [&context, name] { return remove(context, *name); };
  return command;
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
  command.summary = "Keep the list of nodes that this program knows, and set one up";
  command.commands = {std::move(list_nodes), std::move(show_node), add_command(context),
                      remove_command(context), provision_command(context)};
  return command;
}

}  // namespace mcp::cli
