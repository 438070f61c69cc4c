// mcns resolv-conf
#include <algorithm>

#include "dsl/env/socket_address.h"
#include "mcns/cli/commands.h"
#include "mcns/cli/resolv_conf_text.h"
#include "mcns/v1/admin.pb.h"

namespace mcns::cli {

using dsl::cli::Command;

namespace {

// Of two operators that have nothing to do with us and little with each other.
const std::vector<std::string> kFallback = {"9.9.9.9", "1.1.1.1"};

struct Words {
  std::string format = "resolved";
  std::vector<std::string> addresses;
  std::vector<std::string> fallback;
  std::string search;
};

// Where the service listens, apart from what only its own machine can reach.
std::vector<std::string> listening_addresses(Context& context) {
  std::vector<std::string> addresses;
  const Result<Client*> client = context.client();
  if (!client) {
    return addresses;
  }
  const auto status = (*client)->call<v1::Status>("AdminService.GetStatus", v1::GetStatusRequest());
  if (!status) {
    return addresses;
  }
  for (const std::string& listener : status->dns_listeners()) {
    const auto parts = dsl::env::split_host_port(listener.substr(listener.find(' ') + 1));
    if (!parts || parts->port != 53 || parts->host == "0.0.0.0" || parts->host == "::" ||
        std::find(addresses.begin(), addresses.end(), parts->host) != addresses.end()) {
      continue;
    }
    const auto address =
        dsl::env::parse_socket_address(dsl::env::join_host_port(parts->host, parts->port));
    if (address && !dsl::env::is_loopback(*address)) {
      addresses.push_back(parts->host);
    }
  }
  return addresses;
}

Result<int> print_text(Context& context, const Words& words) {
  Resolvers resolvers{words.addresses, words.fallback, words.search};
  if (resolvers.servers.empty()) {
    resolvers.servers = listening_addresses(context);
  }
  if (resolvers.fallback.empty()) {
    resolvers.fallback = kFallback;
  }
  MC_TRY(check_resolvers(resolvers));
  context.print(resolv_conf_text(words.format, resolvers));
  return dsl::kExitOk;
}

}  // namespace

Command resolv_conf_command(Context& context) {
  const auto words = std::make_shared<Words>();
  Command command;
  command.name = "resolv-conf";
  command.summary = "Print what tells a client to ask this service, with a way out when it is down";
  command.description =
      "A drop-in of systemd-resolved, a NixOS snippet or a resolv.conf. Each ends with resolvers "
      "of "
      "somebody else, which know the names of the world but not ours: a client must come up "
      "without this platform.";
  command.examples = {"mcns resolv-conf --address 192.0.2.53",
                      "mcns resolv-conf --format nixos --address 192.0.2.53 --fallback 9.9.9.9",
                      "mcns resolv-conf --format resolv.conf --address 192.0.2.53 --search "
                      "svc.mcp.metacircular.net"};
  command.options = {{.name = "--format",
                      .target = &words->format,
                      .help = "For whom; resolved",
                      .value_name = "FORMAT",
                      .one_of = {"resolved", "nixos", "resolv.conf"}},
                     {.name = "--address",
                      .target = &words->addresses,
                      .help = "Of this service; may be repeated; otherwise where it listens",
                      .value_name = "ADDRESS"},
                     {.name = "--fallback",
                      .target = &words->fallback,
                      .help = "Another resolver; may be repeated; 9.9.9.9 and 1.1.1.1",
                      .value_name = "ADDRESS"},
                     {.name = "--search",
                      .target = &words->search,
                      .help = "Completes short names with this domain",
                      .value_name = "DOMAIN"}};
  command.run = [&context, words] { return print_text(context, *words); };
  return command;
}

}  // namespace mcns::cli
