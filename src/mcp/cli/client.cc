#include "mcp/cli/client.h"

#include <array>

#include <grp.h>

#include "mcp/model/codes.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::milliseconds kCallTimeout{30'000};

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

}  // namespace

Client::Client(dsl::env::Env& env, std::string socket, std::chrono::milliseconds timeout)
    : env_(env),
      socket_(std::move(socket)),
      timeout_(timeout),
      channel_(dsl::rpc::Channel::open("unix:" + socket_)) {}

std::chrono::milliseconds Client::call_timeout() const {
  return timeout_.count() > 0 ? timeout_ : kCallTimeout;
}

// An error of the transport becomes one about this socket; the agent's own pass.
Error Client::explained(Error error) const {
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

}  // namespace mcp::cli
