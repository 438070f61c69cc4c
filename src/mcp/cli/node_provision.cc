#include "mcp/cli/node_provision.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <functional>

#include <boost/json.hpp>
#include <poll.h>
#include <sys/socket.h>

#include "dsl/env/path.h"
#include "mcp/cli/provision_script.h"
#include "mcp/cli/route.h"
#include "mcp/cli/ssh_process.h"
#include "mcp/model/render.h"

namespace mcp::cli {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;
using dsl::env::MonoTime;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kAgentMax = std::size_t{512} << 20;
constexpr std::size_t kConfigMax = std::size_t{1} << 20;
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
// Packages may have to be fetched over a slow line.
constexpr milliseconds kPatience = std::chrono::hours{1};
// From the end of ssh's output to its own.
constexpr milliseconds kEndPatience{5000};

struct ProvisionOptions {
  std::string node;
  bool plan = false;
  bool apply = false;
  std::string agent;
  std::string config;
  std::string mode;
  std::string dns;
  std::string subids;
  std::vector<std::string> skip;
};

// A file that goes to the node.
struct Part {
  std::string name;
  std::string content;
};

// What the script is told besides the files.
std::vector<std::string> script_options(const ProvisionOptions& options) {
  std::vector<std::string> words;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      words.insert(words.end(), {name, value});
    }
  };
  add("--mode", options.mode);
  add("--dns", options.dns);
  add("--subids", options.subids);
  for (const std::string& step : options.skip) {
    add("--skip", step);
  }
  return words;
}

std::string quoted(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += " " + model::quote_shell(word);
  }
  return out;
}

Result<std::vector<Part>> read_parts(Context& context, const ProvisionOptions& options) {
  std::vector<Part> parts = {{"provision", std::string(provision_script())}};
  if (!options.agent.empty()) {
    MC_ASSIGN(std::string content, context.env.files().read_file(options.agent, kAgentMax));
    parts.push_back({"mcp-agent", std::move(content)});
    // Built with it, and found by it beside itself.
    const std::string helper = dsl::env::folder_of(options.agent) + "/mcp-ns";
    MC_ASSIGN(const bool has_helper, context.env.files().exists(helper));
    if (has_helper) {
      MC_ASSIGN(std::string bytes, context.env.files().read_file(helper, kAgentMax));
      parts.push_back({"mcp-ns", std::move(bytes)});
    }
  }
  if (!options.config.empty()) {
    MC_ASSIGN(std::string content, context.env.files().read_file(options.config, kConfigMax));
    parts.push_back({"mcp-agent.toml", std::move(content)});
  }
  return parts;
}

// What the node's shell does: takes the parts from its input into a folder of their own, and runs
// the first. Their sizes are all that it says of them: others there may read it.
std::string receiver(const std::vector<Part>& parts, const ProvisionOptions& options) {
  std::string out =
      "set -eu\n"
      "umask 077\n"
      "cd \"$(mktemp -d)\"\n"
      "here=$PWD\n"
      "trap 'cd /; rm -rf \"$here\"' EXIT\n"
      "trap 'exit 1' HUP INT TERM\n";
  std::size_t total = 0;
  std::string names;
  for (const Part& part : parts) {
    out += text("head -c {} >{}\n", part.content.size(), part.name);
    total += part.content.size();
    names += " " + part.name;
  }
  out += text("[ \"$(cat{} | wc -c)\" -eq {} ]", names, total);
  out +=
      " || {\n"
      "  echo 'error: the connection ended before all was here; nothing was changed' >&2\n"
      "  exit 5\n"
      "}\n";
  std::vector<std::string> words = script_options(options);
  if (options.plan) {
    words.emplace_back("--plan");
  } else {
    out +=
        "if [ \"$(id -u)\" -ne 0 ]; then\n"
        "  sudo -n true 2>/dev/null || {\n"
        "    echo \"error: $(id -un) is not root on $(uname -n), nor may sudo without a "
        "password\" >&2\n"
        "    echo 'hint: give the [[nodes]] ssh = \"root@host\"' >&2\n"
        "    exit 4\n"
        "  }\n"
        "  set -- sudo -n --\n"
        "fi\n";
  }
  for (const Part& part : parts) {
    if (part.name == "mcp-agent") {
      words.insert(words.end(), {"--agent", part.name});
    } else if (part.name == "mcp-agent.toml") {
      words.insert(words.end(), {"--config", part.name});
    }
  }
  return out + "\"$@\" bash provision" + quoted(words) + "\n";
}

// One conversation with ssh: `input` in, and what comes back to `take` as it comes.
class Conversation {
 public:
  Conversation(dsl::env::Clock& clock, int socket, std::string_view input)
      : clock_(clock), socket_(socket), input_(input) {}

  Result<void> hold(milliseconds timeout, const std::function<void(std::string_view)>& take) {
    const MonoTime deadline = clock_.mono_now() + timeout;
    while (true) {
      const auto left =
          std::chrono::duration_cast<milliseconds>(deadline - clock_.mono_now()).count();
      if (left <= 0) {
        return fail(Code::kDeadlineExceeded, "not done within {} s", timeout.count() / 1000)
            .hint("it may still be at work there; run it again, with a longer --timeout");
      }
      pollfd ready{socket_, static_cast<short>(input_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
      (void)::poll(&ready, 1, static_cast<int>(left));  // EINTR: look at the time, and wait again
      if ((ready.revents & (POLLOUT | POLLERR)) != 0) {
        send();
      }
      if ((ready.revents & (POLLIN | POLLHUP)) != 0 && !receive(take)) {
        return {};
      }
    }
  }

 private:
  void send() {
    const ssize_t size = ::send(socket_, input_.data(), std::min(input_.size(), kChunkBytes),
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    // Whoever does not want the rest says why on his own.
    input_.remove_prefix(size < 0 ? input_.size() : static_cast<std::size_t>(size));
    if (input_.empty()) {
      (void)::shutdown(socket_, SHUT_WR);  // fails only where the other side has gone
    }
  }

  // False at the end.
  bool receive(const std::function<void(std::string_view)>& take) {
    std::array<char, kChunkBytes> bytes;
    const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      return true;
    }
    if (size <= 0) {
      return false;
    }
    take(std::string_view(bytes.data(), static_cast<std::size_t>(size)));
    return true;
  }

  dsl::env::Clock& clock_;
  int socket_;
  std::string_view input_;
};

// The exit code of the script there; all that it has to say was printed.
Result<int> run_there(Context& context, const NodeSettings& node, ProvisionOptions options) {
  MC_ASSIGN(const std::vector<Part> parts, read_parts(context, options));
  std::string input;
  for (const Part& part : parts) {
    input += part.content;
  }
  MC_ASSIGN(const SshProcess ssh,
            start_ssh(context.env, node,
                      {.words = {"sh -c " + model::quote_shell(receiver(parts, options))},
                       .stderr_to = SshWords::kOurs}));
  std::string output;
  const auto take = [&](std::string_view bytes) {
    if (context.json()) {
      output += bytes;
    } else {
      context.print_now(bytes);
    }
  };
  const milliseconds timeout =
      context.globals.timeout.count() > 0 ? context.globals.timeout : kPatience;
  Result<void> held = Conversation(context.env.clock(), ssh.bytes.get(), input).hold(timeout, take);
  if (!held) {
    ssh.process->signal(SIGTERM);
    (void)ssh.process->wait(kEndPatience);  // what it does after that harms nobody
    return tl::unexpected(held.error());
  }
  MC_ASSIGN(const int code, ssh.process->wait(kEndPatience));
  if (code == kSshFailed) {
    return fail(Code::kUnavailable, "`ssh {}` has no connection to node {}", node.ssh, node.name)
        .hint("what it said is above; does `ssh " + node.ssh +
              " true` work? What was done there stays: run it again");
  }
  if (context.json()) {
    context.print(
        json::serialize(json::object{
            {"node", node.name}, {"plan", options.plan}, {"exit_code", code}, {"output", output}}) +
        "\n");
  }
  return code;
}

// How to run what was printed; on stderr, so that stdout is the script and nothing else.
void tell_how(Context& context, const ProvisionOptions& options) {
  std::string name = "NODE";
  std::string ssh = "root@NODE";
  const Result<Settings> settings = context.settings();
  const std::string& wanted = options.node.empty() ? context.node_flag : options.node;
  // A file without nodes is no reason not to print the script.
  if (const auto node = settings ? chosen_node(*settings, wanted)
                                 : Result<NodeSettings>(tl::unexpected(settings.error()));
      node && !node->ssh.empty()) {
    name = node->name;
    ssh = node->ssh;
  }
  const std::string words = quoted(script_options(options));
  context.note(text("what it would do:  mcp node provision {} --plan{}", name, words));
  context.note(text("run it:            mcp node provision {} --apply{}", name, words));
  context.note(
      text("or without mcp:    mcp node provision --quiet | ssh {} bash -s --{}", ssh, words));
}

Result<int> print_script(Context& context, const ProvisionOptions& options) {
  if (!options.agent.empty() || !options.config.empty()) {
    return fail(Code::kInvalidArgument, "a file goes to a node with --apply only")
        .hint("add --apply; or --plan, to look first");
  }
  const std::string script(provision_script());
  context.print(context.json() ? json::serialize(json::object{{"script", script}}) + "\n" : script);
  tell_how(context, options);
  return dsl::kExitOk;
}

Result<int> provision(Context& context, ProvisionOptions options) {
  if (options.plan && options.apply) {
    return fail(Code::kInvalidArgument, "--plan changes nothing and --apply does")
        .hint("give one of them");
  }
  if (!options.plan && !options.apply) {
    return print_script(context, options);
  }
  options.plan = options.plan || context.globals.dry_run;
  MC_ASSIGN(const Settings settings, context.settings());
  MC_ASSIGN(const NodeSettings node,
            chosen_node(settings, options.node.empty() ? context.node_flag : options.node));
  return run_there(context, node, std::move(options));
}

}  // namespace

Command provision_command(Context& context) {
  const auto options = std::make_shared<ProvisionOptions>();
  Command command;
  command.name = "provision";
  command.summary = "Set a Debian 12 machine up for an agent, over ssh; or print how";
  command.description =
      "Without --plan or --apply it prints the script that does it. The script makes the user mcp "
      "with its subordinate ids, installs podman, the agent's units and the agent; what is right "
      "already it leaves alone. It refuses, before it changes anything, what could cost "
      "containers: a uid or a range of ids that somebody else has.\n"
      "\n"
      "Exit codes of --plan: 0 nothing to do, 10 changes are to be made. Of both: 6 refused, 7 "
      "something is left for you.";
  command.examples = {
      "mcp node provision rift --plan",
      "mcp node provision rift --apply --agent ./mcp-agent --agent-config rift.toml",
      "mcp node provision --quiet | ssh root@rift bash -s -- --plan"};
  command.options = {
      {.name = "NODE",
       .target = &options->node,
       .help = "Name of the node, which needs an ssh destination; also --node",
       .complete = "node"},
      {.name = "--plan", .target = &options->plan, .help = "Show what would change on the node"},
      {.name = "--apply", .target = &options->apply, .help = "Do it, as root"},
      {.name = "--agent",
       .target = &options->agent,
       .help = "The mcp-agent to install there",
       .value_name = "FILE",
       .complete = "file"},
      {.name = "--agent-config",
       .target = &options->config,
       .help = "Its mcp-agent.toml, installed if there is none",
       .value_name = "FILE",
       .complete = "file"},
      {.name = "--mode",
       .target = &options->mode,
       .help = "Who starts podman's API: systemd, or the agent. Default: as it is, else socket",
       .value_name = "MODE",
       .one_of = {"socket", "spawn"}},
      {.name = "--dns",
       .target = &options->dns,
       .help = "Our own name service, first in its resolv.conf",
       .value_name = "ADDRESS"},
      {.name = "--subids",
       .target = &options->subids,
       .help = "Begin of the 65536 subordinate ids; default: 100000",
       .value_name = "START"},
      {.name = "--skip",
       .target = &options->skip,
       .help = "Leave out a step, as the plan names it; may be repeated",
       .value_name = "STEP"}};
  command.run = [&context, options] { return provision(context, *options); };
  return command;
}

}  // namespace mcp::cli
