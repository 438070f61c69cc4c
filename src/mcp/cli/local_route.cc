#include <array>

#include <grp.h>

#include "mcp/cli/route.h"
#include "mcp/model/codes.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

std::string group_name(std::uint32_t gid) {
  struct group entry {};
  struct group* found = nullptr;
  std::array<char, 16384> buffer;
  if (getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return text("with number {}", gid);
  }
  return found->gr_name;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// The agent of this machine, over its unix socket.
class LocalRoute final : public Route {
 public:
  LocalRoute(dsl::env::Env& env, const std::string& socket)
      : env_(env), socket_(socket), channel_(dsl::rpc::Channel::open("unix:" + socket)) {}

  dsl::rpc::Channel& channel() override { return *channel_; }
  Error explained(Error error) override;

 private:
  dsl::env::Env& env_;
  const std::string socket_;
  const std::unique_ptr<dsl::rpc::Channel> channel_;
};

Error LocalRoute::explained(Error error) {
  const bool from_agent = !error.id().empty() || !error.hint().empty();
  if (error.code() != Code::kUnavailable || from_agent) {
    return error;
  }
  const auto info = env_.files().stat(socket_);
  const bool hidden = !info && info.error().code() == Code::kPermissionDenied;
  if (hidden || error.message().find("Permission denied") != std::string::npos) {
    const auto owner = info ? info : env_.files().stat(folder_of(socket_));
    return fail(Code::kPermissionDenied, "you may not use the agent's socket {}", socket_)
        .hint(owner ? text("only root, its owner and members of group {} may: `sudo usermod -aG {} "
                           "$USER`, then sign in anew",
                           group_name(owner->gid), group_name(owner->gid))
                    : std::string("run it as root, as the agent's user, or as a member of its "
                                  "group (mcp-admin)"))
        .id(model::code::kNotAllowed);
  }
  if (!info) {
    return fail(Code::kUnavailable, "no agent is here: there is no socket {}", socket_)
        .hint(
            "is mcp-agent running? `systemctl status mcp-agent`; `mcp-agent doctor` checks the "
            "node without it; --socket names another socket")
        .id(model::code::kAgentUnreachable);
  }
  return fail(Code::kUnavailable, "the agent does not answer at {}", socket_)
      .hint(
          "is mcp-agent running? `systemctl status mcp-agent`; `mcp-agent doctor` checks the "
          "node without it")
      .id(model::code::kAgentUnreachable);
}

}  // namespace

std::unique_ptr<Route> local_route(dsl::env::Env& env, const std::string& socket) {
  return std::make_unique<LocalRoute>(env, socket);
}

}  // namespace mcp::cli
