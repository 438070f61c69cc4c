#include "mcns/cli/client.h"

#include "dsl/env/path.h"

namespace mcns::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::milliseconds kCallTimeout{30'000};
constexpr std::size_t kTokenMax = 4096;
constexpr std::uint32_t kForOthers = 077;
constexpr const char* kSocket = "/srv/mcns/admin.sock";
constexpr const char* kPort = ":9443";

std::string chosen(dsl::env::Env& env, const std::string& flag, const char* variable,
                   const std::string& otherwise) {
  if (!flag.empty()) {
    return flag;
  }
  const std::string value = env.variable(variable).value_or("");
  return value.empty() ? otherwise : value;
}

std::string config_folder(dsl::env::Env& env) {
  const std::string given = env.variable("XDG_CONFIG_HOME").value_or("");
  return (given.empty() ? env.variable("HOME").value_or("/") + "/.config" : given) + "/mcns";
}

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
        .hint(text("on the server itself: `mcns token add NAME`; put what it prints into {}, mode "
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

std::string server_of(dsl::env::Env& env, const RouteFlags& flags) {
  return chosen(env, flags.server, "MCNS_SERVER", "");
}

Result<std::string> socket_of(dsl::env::Env& env, const RouteFlags& flags) {
  if (flags.socket.empty() && flags.configured_socket) {
    Result<std::string> configured = flags.configured_socket();
    if (!configured && configured.error().code() != Code::kPermissionDenied) {
      return configured;
    }
    if (configured && !configured->empty()) {
      return configured;
    }
  }
  return chosen(env, flags.socket, "MCNS_SOCKET", kSocket);
}

// "ns1.example.net" and "[2001:db8::53]" have the usual port.
std::string with_port(const std::string& server) {
  const std::size_t colon = server.rfind(':');
  const std::size_t bracket = server.rfind(']');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  return has_port ? server : server + kPort;
}

}  // namespace

bool is_local_route(dsl::env::Env& env, const RouteFlags& flags) {
  return flags.local || !flags.socket.empty() || server_of(env, flags).empty();
}

Result<std::unique_ptr<Client>> Client::open(dsl::env::Env& env, const RouteFlags& flags,
                                             std::chrono::milliseconds timeout) {
  if ((flags.local || !flags.socket.empty()) && !flags.server.empty()) {
    return fail(Code::kInvalidArgument, "--server is elsewhere; --local and --socket are here")
        .hint("give one of them");
  }
  if (is_local_route(env, flags)) {
    MC_ASSIGN(const std::string socket, socket_of(env, flags));
    return std::unique_ptr<Client>(
        new Client(env, socket, true, dsl::rpc::Channel::open("unix:" + socket), timeout));
  }
  const std::string server = with_port(server_of(env, flags));
  const std::string token_file =
      chosen(env, flags.token_file, "MCNS_TOKEN_FILE", config_folder(env) + "/token");
  dsl::rpc::ChannelOptions options;
  options.address = server;
  options.tls = dsl::rpc::TlsOptions{.ca_file = chosen(env, flags.ca_cert, "MCNS_CA_CERT", "")};
  options.token = [&env, token_file] { return read_token(env, token_file); };
  MC_ASSIGN(auto channel, dsl::rpc::Channel::open(env, std::move(options)));
  return std::unique_ptr<Client>(new Client(env, server, false, std::move(channel), timeout));
}

std::chrono::milliseconds Client::call_timeout() const {
  return timeout_.count() > 0 ? timeout_ : kCallTimeout;
}

Error Client::explained(Error error) const {
  const bool from_service = !error.id().empty() || !error.hint().empty();
  if (error.code() != Code::kUnavailable || from_service) {
    return error;
  }
  if (!local_) {
    error.add_context(place_);
    error.set_hint("is mcns up there, and its listener open? on the machine itself: mcns status");
    return error;
  }
  const auto info = env_.files().stat(place_);
  const bool hidden = !info && info.error().code() == Code::kPermissionDenied;
  if (hidden || error.message().find("Permission denied") != std::string::npos) {
    return fail(Code::kPermissionDenied, "you may not use the service's socket {}", place_)
        .hint("run it as root or as the service's user, or sign in with a token: --server");
  }
  return fail(Code::kUnavailable,
              info ? "the name service does not answer at {}"
                   : "no name service is here: there is no socket {}",
              place_)
      .hint(
          "is mcns running? `systemctl status mcns`; --server names another machine's, --socket or "
          "--config FILE another socket");
}

}  // namespace mcns::cli
