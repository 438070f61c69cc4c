#include "mcp/cli/node_program.h"

#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/path.h"
#include "mcp/cli/route.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;

namespace {

constexpr const char* kProgram = "mcp-agent";
constexpr const char* kInstalled = "/srv/mcp/mcp-agent";

Result<int> become(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  ::execvp(argv.front(), argv.data());
  return fail(dsl::env::errno_error(errno, "run", words.front()));
}

// Beside this program, where it is installed, or wherever PATH has it.
std::string program_here(dsl::env::Env& env) {
  const Result<std::string> self = env.files().canonical("/proc/self/exe");
  for (const std::string& path :
       {self ? dsl::env::folder_of(*self) + "/" + kProgram : std::string(),
        std::string(kInstalled)}) {
    if (!path.empty() && env.files().exists(path).value_or(false)) {
      return path;
    }
  }
  return kProgram;
}

// The switches that were given before the command.
std::vector<std::string> switches(const dsl::cli::Globals& globals) {
  std::vector<std::string> words;
  if (globals.output == dsl::cli::Output::kJson) {
    words.emplace_back("--json");
  }
  for (const auto& [given, word] :
       {std::pair(globals.quiet, "--quiet"), std::pair(globals.verbose, "--verbose"),
        std::pair(globals.yes, "--yes"), std::pair(globals.dry_run, "--dry-run")}) {
    if (given) {
      words.emplace_back(word);
    }
  }
  return words;
}

}  // namespace

std::string shell_quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

Result<int> become_node_program(Context& context, const std::vector<std::string>& words) {
  MC_ASSIGN(const Settings settings, context.settings());
  std::vector<std::string> agent_words = switches(context.globals);
  agent_words.insert(agent_words.end(), words.begin(), words.end());
  const bool is_remote = !context.node_flag.empty() || context.via_flag == "ssh" ||
                         (!settings.default_node.empty() && !settings.socket_given);
  if (!is_remote) {
    agent_words.insert(agent_words.begin(), program_here(context.env));
    Result<int> failed = become(std::move(agent_words));
    if (failed.error().code() == Code::kNotFound) {
      return fail(Code::kNotFound, "there is no mcp-agent on this machine")
          .hint("name the node with --node, before the command");
    }
    return failed;
  }
  MC_ASSIGN(const NodeSettings node, chosen_node(settings, context.node_flag));
  if (node.ssh.empty()) {
    return fail(Code::kInvalidArgument, "node {} has no ssh destination, and this works there only",
                node.name)
        .hint("give its [[nodes]] ssh = \"user@host\"");
  }
  std::string remote = kProgram;  // ssh joins words by blanks for a shell
  for (const std::string& word : agent_words) {
    remote += " " + shell_quoted(word);
  }
  const bool has_terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  Result<int> failed = become({"ssh", has_terminal ? "-t" : "-T", "--", node.ssh, remote});
  if (failed.error().code() == Code::kNotFound) {
    return fail(Code::kFailedPrecondition, "{} is reached by ssh, which is not in PATH", node.name)
        .hint("install openssh-client");
  }
  return failed;
}

}  // namespace mcp::cli
