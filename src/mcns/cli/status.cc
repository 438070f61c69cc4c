// mcns status
#include "mcns/cli/commands.h"
#include "mcns/cli/dns_client.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::cli::Command;

namespace {

constexpr int kHealthy = 0;
constexpr int kDegraded = 1;
constexpr int kSilent = 2;
constexpr std::chrono::milliseconds kPatience{1000};

// Whether any of its sockets answers here and now: what a service says of itself is not enough.
bool answers(Context& context, const pb::Status& status) {
  const std::chrono::milliseconds patience =
      context.globals.timeout.count() > 0 ? context.globals.timeout : kPatience;
  Name name;  // the root, which every server says something about
  if (!status.zones().empty()) {
    name = Name::parse(status.zones(0).name()).value_or(Name());
  }
  for (const std::string& listener : status.dns_listeners()) {
    const auto address = listener_address(listener);
    const auto transport = listener.starts_with("tcp") ? DnsTransport::kTcp : DnsTransport::kUdp;
    if (address && ask(context.env, *address, transport, name, Type::kSoa, patience)) {
      return true;
    }
  }
  return false;
}

int exit_code(const pb::Status& status) {
  if (status.state() == "healthy") {
    return kHealthy;
  }
  return status.state() == "degraded" ? kDegraded : kSilent;
}

Result<int> status(Context& context) {
  const Result<Client*> client = context.client();
  Result<pb::Status> reply =
      client ? (*client)->call<pb::Status>("AdminService.GetStatus", pb::GetStatusRequest())
             : tl::unexpected(client.error());
  if (!reply) {
    const dsl::Code code = reply.error().code();
    if (code == dsl::Code::kFailedPrecondition) {  // it answers names, without its database
      context.complain(reply.error().render());
      return kDegraded;
    }
    if (code != dsl::Code::kUnavailable && code != dsl::Code::kDeadlineExceeded) {
      return tl::unexpected(std::move(reply).error());
    }
    context.complain(reply.error().render());
    return kSilent;
  }
  // From here its addresses can be asked only when they are this machine's.
  if (context.is_local() && !reply->dns_listeners().empty() && !answers(context, *reply)) {
    reply->set_state("not answering");
    reply->add_problems("none of the DNS sockets answers");
  }
  if (context.json()) {
    context.print_json(*reply);
  } else if (!context.globals.quiet) {
    context.print(status_page(context.globals, *reply, context.now_ms()));
  }
  return exit_code(*reply);
}

}  // namespace

Command status_command(Context& context) {
  Command command;
  command.name = "status";
  command.summary = "Show whether the name service is well: zones, upstreams, cache";
  command.description =
      "On the server itself its DNS sockets are asked, too. Exit code 0: healthy; 1: degraded; 2: "
      "it does not answer.";
  command.examples = {"mcns status", "mcns status --json", "mcns status --quiet || reboot-alarm"};
  command.run = [&context] { return status(context); };
  return command;
}

}  // namespace mcns::cli
