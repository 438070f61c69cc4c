#include <iterator>
#include <set>

#include "mcns/cli/commands.h"
#include "mcns/v1/zone.pb.h"

namespace mcns::cli {

using dsl::cli::Command;

namespace {

constexpr std::chrono::milliseconds kPatience{700};  // somebody has pressed Tab

void append(std::vector<Command>& to, std::vector<Command> more) {
  std::move(more.begin(), more.end(), std::back_inserter(to));
}

std::vector<std::string> zone_names(Context& context) {
  context.globals.timeout = kPatience;
  std::vector<std::string> names;
  const Result<Client*> client = context.client();
  if (!client) {
    return names;
  }
  const auto reply =
      (*client)->call<v1::ListZonesReply>("ZoneService.ListZones", v1::ListZonesRequest());
  if (reply) {
    for (const v1::Zone& zone : reply->zones()) {
      names.push_back(zone.name());
    }
  }
  return names;
}

}  // namespace

std::vector<dsl::cli::Option> options(Context& context) {
  return {{.name = "--server",
           .target = &context.route.server,
           .help = "Work on the name service at this address, by gRPC over TLS; also $MCNS_SERVER",
           .value_name = "HOST[:PORT]"},
          {.name = "--token-file",
           .target = &context.route.token_file,
           .help = "What signs in at --server; ~/.config/mcns/token",
           .value_name = "FILE",
           .complete = "file"},
          {.name = "--ca-cert",
           .target = &context.route.ca_cert,
           .help = "Authority of the server's certificate; the system's",
           .value_name = "FILE",
           .complete = "file"},
          {.name = "--local",
           .target = &context.route.local,
           .help = "Use the admin socket of this machine, also when $MCNS_SERVER is set"},
          {.name = "--socket",
           .target = &context.route.socket,
           .help = "The admin socket; that of the --config file, else /srv/mcns/admin.sock",
           .value_name = "PATH",
           .complete = "file"}};
}

std::vector<Command> commands(Context& context) {
  std::vector<Command> out;
  out.push_back(zone_command(context));
  out.push_back(record_command(context));
  append(out, zonefile_commands(context));
  append(out, history_commands(context));
  out.push_back(forward_command(context));
  out.push_back(cache_command(context));
  out.push_back(explain_command(context));
  out.push_back(tail_command(context));
  out.push_back(status_command(context));
  out.push_back(doctor_command(context));
  out.push_back(resolv_conf_command(context));
  append(out, upkeep_commands(context));
  out.push_back(token_command(context));
  out.push_back(grant_command(context));
  return out;
}

std::vector<std::string> live_names(Context& context, std::string_view source) {
  return source == "zone" ? zone_names(context) : std::vector<std::string>();
}

}  // namespace mcns::cli
