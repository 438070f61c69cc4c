// mcp backup, mcp recover: on the node, by its mcp-agent
#include "mcp/cli/commands.h"
#include "mcp/cli/node_program.h"

namespace mcp::cli {

using dsl::cli::Command;

namespace {

Command handed_over(Context& context, const char* name, const char* agent_name) {
  auto rest = std::make_shared<std::vector<std::string>>();
  Command command;
  command.name = name;
  command.rest = rest.get();
  command.run = [&context, rest, agent_name]() -> Result<int> {
    std::vector<std::string> words{agent_name};
    words.insert(words.end(), rest->begin(), rest->end());
    return become_node_program(context, words);
  };
  return command;
}

}  // namespace

std::vector<Command> recovery_commands(Context& context) {
  Command backup = handed_over(context, "backup", "backup");
  backup.summary = "Make, check and restore backups of a node";
  backup.description =
      "Runs `mcp-agent backup` on the node: on this machine, or through ssh on the one that --node "
      "or default_node name. It works while the agent is down, and needs root or the agent's user "
      "there. Files that are named, such as --identity, are files of the node.\n"
      "Commands: create, list, show, verify, restore, undo, prune, schedule, rescan, status, key. "
      "What follows is theirs: `mcp backup restore --help` tells of it. --node and the other "
      "switches of mcp go before `backup`.";
  backup.examples = {"mcp backup create", "mcp --node rift backup list",
                     "mcp backup verify latest --identity id.txt",
                     "mcp backup restore latest --service mcr --in-place --identity id.txt"};

  Command recover = handed_over(context, "recover", "recover-data");
  recover.summary = "Bring back what services have lost: data, then containers";
  recover.description =
      "Runs `mcp-agent recover-data` on the node: on this machine, or through ssh on the one that "
      "--node or default_node name. Looks at every service, or at those that are named; shows what "
      "is lost and where it comes back from: databases from their replicas, the rest from the "
      "newest backup. Containers alone are brought back by `mcp agent recover`, which touches no "
      "data.\n"
      "`mcp recover SERVICE --help` shows its options.";
  recover.examples = {"mcp recover --dry-run --identity id.txt",
                      "mcp recover mcr --identity id.txt", "mcp recover ledger --without-point"};
  return {std::move(backup), std::move(recover)};
}

}  // namespace mcp::cli
