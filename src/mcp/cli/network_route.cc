// A node's agent over TLS, at whichever of its addresses answers.
#include <algorithm>

#include "dsl/rpc/dial.h"
#include "mcp/cli/route.h"
#include "mcp/model/codes.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::size_t kTokenMax = 4096;
constexpr std::uint32_t kForOthers = 077;
constexpr const char* kGetNode = "mcp.v1.AgentService.GetNode";

std::string_view trimmed(std::string_view content) {
  const std::size_t first = content.find_first_not_of(" \t\r\n");
  const std::size_t last = content.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view()
                                         : content.substr(first, last - first + 1);
}

Result<std::string> read_token(dsl::env::Env& env, const std::string& path) {
  const Result<dsl::env::FileInfo> info = env.files().stat(path);
  if (!info) {
    return fail(Code::kUnauthenticated, "there is no token to sign in with: {}",
                info.error().message())
        .hint(text("on the node itself: `mcp token add NAME`; put what it prints into {}, mode "
                   "0600",
                   path));
  }
  if ((info->mode & kForOthers) != 0) {
    return fail(Code::kFailedPrecondition, "{} can be read by others", path)
        .hint(text("chmod 600 {}", path));
  }
  MC_ASSIGN(const std::string content, env.files().read_file(path, kTokenMax));
  return std::string(trimmed(content));
}

std::string last_answered(dsl::env::Env& env, const std::string& file) {
  const Result<std::string> content = env.files().read_file(file, kTokenMax);
  return content ? std::string(trimmed(*content)) : std::string();
}

// For the next call. Only speed depends on it, so that a read-only home is no error.
void remember(dsl::env::Env& env, const std::string& file, const std::string& address) {
  if (env.files().make_directories(file.substr(0, file.rfind('/')), 0700)) {
    (void)env.files().write_file(file, address + "\n", 0600);
  }
}

// "rift answers there, not vade" is a mistake of the settings, not of the network.
Result<void> expect_node(dsl::rpc::Channel& channel, const dsl::rpc::CallOptions& options,
                         const std::string& name) {
  MC_ASSIGN(const v1::Node node, channel.call<v1::Node>(kGetNode, v1::GetNodeRequest(), options));
  if (!name.empty() && node.name() != name) {
    return fail(Code::kFailedPrecondition, "node {} answers there, not {}", node.name(), name)
        .hint("correct the addresses of the node in mcp.toml");
  }
  return {};
}

std::string_view name_of(dsl::rpc::DialAttempt::Outcome outcome) {
  using Outcome = dsl::rpc::DialAttempt::Outcome;
  switch (outcome) {
    case Outcome::kAnswered:
      return "answered";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kCancelled:
      return "given up: another answered";
    case Outcome::kNotTried:
      return "not tried";
  }
  return "";
}

void tell(const NetworkTarget& target, const std::vector<dsl::rpc::DialAttempt>& attempts) {
  if (!target.tell) {
    return;
  }
  for (const dsl::rpc::DialAttempt& attempt : attempts) {
    target.tell(text("{}{}: {} after {} ms{}", attempt.address,
                     attempt.endpoint.empty() || attempt.endpoint == attempt.address
                         ? ""
                         : text(" ({})", attempt.endpoint),
                     name_of(attempt.outcome), (attempt.begun + attempt.took).count(),
                     attempt.note.empty() ? "" : ": " + attempt.note));
  }
}

class NetworkRoute final : public Route {
 public:
  NetworkRoute(std::string node, std::string address, std::unique_ptr<dsl::rpc::Channel> channel)
      : node_(std::move(node)), address_(std::move(address)), channel_(std::move(channel)) {}

  dsl::rpc::Channel& channel() override { return *channel_; }
  Error explained(Error error) override {
    if (error.code() == Code::kUnavailable && error.hint().empty()) {
      error.add_context(text("{} at {}", node_.empty() ? "the node" : node_, address_));
      error.set_hint("mcp --via ssh reaches the agent without its network listener");
    }
    return error;
  }

 private:
  const std::string node_;
  const std::string address_;
  const std::unique_ptr<dsl::rpc::Channel> channel_;
};

}  // namespace

Result<std::unique_ptr<Route>> network_route(dsl::env::Env& env, const NetworkTarget& target) {
  const NodeSettings& node = target.node;
  dsl::rpc::DialOptions options;
  options.addresses = node.addresses;
  options.tls = {.ca_file = node.ca_cert, .name = node.name};
  options.token = [&env, file = target.token_file] { return read_token(env, file); };
  options.probe = [&node](dsl::rpc::Channel& channel, const dsl::rpc::CallOptions& call) {
    return expect_node(channel, call, node.name);
  };
  // A memory that is gone or wrong costs nothing.
  const std::string last = last_answered(env, target.memory_file);
  if (std::find(node.addresses.begin(), node.addresses.end(), last) != node.addresses.end()) {
    options.first = last;
  }

  Result<dsl::rpc::Dialled> dialled = dsl::rpc::dial(env, options);
  if (!dialled) {
    Error error = std::move(dialled).error();
    if (error.code() == Code::kUnavailable) {
      error.set_id(model::code::kAgentUnreachable);
      if (error.hint().empty()) {
        error.set_hint(
            node.ssh.empty()
                ? "is mcp-agent up there, and its listener open? on the node: mcp "
                  "agent status"
                : text("mcp --node {} --via ssh asks the agent without its listener", node.name));
      }
    }
    return tl::unexpected(std::move(error));
  }
  tell(target, dialled->attempts);
  if (dialled->address != last && !target.memory_file.empty()) {
    remember(env, target.memory_file, dialled->address);
  }
  return std::unique_ptr<Route>(
      std::make_unique<NetworkRoute>(node.name, dialled->address, std::move(dialled->channel)));
}

}  // namespace mcp::cli
