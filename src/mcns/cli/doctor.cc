// mcns doctor
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "dsl/rpc/look_up.h"
#include "mcns/cli/commands.h"
#include "mcns/cli/dns_client.h"
#include "mcns/cli/survey.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::text;
using dsl::cli::Command;

namespace {

constexpr std::chrono::milliseconds kPatience{2000};            // of one question
constexpr std::chrono::milliseconds kResolverPatience{12'000};  // glibc tries three servers
constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr std::size_t kNamesMax = 5;

struct Words {
  std::vector<std::string> names;
  std::vector<std::string> at;
  std::string resolv_conf = kResolvConf;
};

struct Server {
  std::string way;  // as it is shown, without the transport
  dsl::env::SocketAddress address;
  bool ours = false;
};

// What the API knows: where the service listens, and names that it has.
struct Known {
  std::vector<std::string> listeners;
  std::vector<std::string> names;
  std::string problem;  // why it is not known
};

Result<std::vector<std::string>> known_names(Client& client, const pb::Status& status) {
  std::vector<std::string> names;
  for (const pb::ZoneStatus& zone : status.zones()) {
    if (names.size() >= kNamesMax) {
      break;
    }
    pb::ListRecordsRequest request;
    request.set_zone(zone.name());
    request.set_type("A");
    request.set_page_size(1);
    MC_ASSIGN(const pb::ListRecordsReply reply,
              client.call<pb::ListRecordsReply>("RecordService.ListRecords", request));
    if (!reply.records().empty()) {
      const std::string& name = reply.records(0).name();
      names.push_back(name == "@" ? zone.name() : name + "." + zone.name());
    }
  }
  return names;
}

Known look(Context& context) {
  Known known;
  const Result<Client*> client = context.client();
  const auto status =
      client ? (*client)->call<pb::Status>("AdminService.GetStatus", pb::GetStatusRequest())
             : Result<pb::Status>(tl::unexpected(client.error()));
  if (!status) {
    known.problem = status.error().message();
    return known;
  }
  known.listeners.assign(status->dns_listeners().begin(), status->dns_listeners().end());
  const auto names = known_names(**client, *status);
  known.names = names.value_or(std::vector<std::string>());
  return known;
}

void add_server(std::vector<Server>& servers, Server server) {
  const auto there = std::find_if(servers.begin(), servers.end(),
                                  [&](const Server& known) { return known.way == server.way; });
  if (there == servers.end()) {
    servers.push_back(std::move(server));
  } else {
    there->ours = there->ours || server.ours;
  }
}

// "192.0.2.53" or "192.0.2.53:5353".
Result<dsl::env::SocketAddress> server_address(const std::string& given) {
  return dsl::env::is_address_literal(given)
             ? dsl::env::parse_socket_address(dsl::env::join_host_port(given, 53))
             : dsl::env::parse_socket_address(given);
}

Result<std::vector<Server>> servers_of(Context& context, const Words& words, const Known& known) {
  std::vector<Server> servers;
  for (const std::string& given : words.at) {
    MC_ASSIGN(const auto address, server_address(given));
    add_server(servers, {dsl::env::to_text(address), address, true});
  }
  // Those of another machine cannot be told from ours by what it calls them.
  if (words.at.empty() && context.is_local()) {
    for (const std::string& listener : known.listeners) {
      if (const auto address = listener_address(listener)) {
        add_server(servers, {dsl::env::to_text(*address), *address, true});
      }
    }
  }
  const auto content = context.env.files().read_file(words.resolv_conf);
  for (const std::string& given :
       resolv_conf_servers(content ? std::string_view(*content) : std::string_view())) {
    if (const auto address = server_address(given)) {
      add_server(servers, {dsl::env::to_text(*address), *address, false});
    }
  }
  return servers;
}

// As every program of this machine asks.
Answered by_getaddrinfo(const std::string& name) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Result<std::vector<std::string>>> found;
  };
  const auto waiting = std::make_shared<Waiting>();
  dsl::rpc::look_up(name, [waiting](Result<std::vector<std::string>> found) {
    const std::lock_guard lock(waiting->mutex);
    waiting->found = std::move(found);
    waiting->came.notify_all();
  });
  Answered out;
  out.way = "getaddrinfo";
  std::unique_lock lock(waiting->mutex);
  if (!waiting->came.wait_for(lock, kResolverPatience,
                              [&] { return waiting->found.has_value(); })) {
    out.detail = "no answer in time";
    return out;
  }
  const auto& found = *waiting->found;
  if (found) {
    out.addresses.insert(found->begin(), found->end());
    out.kind = found->empty() ? Answered::Kind::kNoAddress : Answered::Kind::kAddresses;
  } else {
    // It does not say whether nobody answered or the name is not there.
    out.kind = Answered::Kind::kNoSuchName;
    out.detail = found.error().message();
  }
  return out;
}

// Of one question; --timeout says otherwise.
std::chrono::milliseconds patience(const Context& context) {
  return context.globals.timeout.count() > 0 ? context.globals.timeout : kPatience;
}

std::vector<Answered> ask_all(Context& context, const std::vector<Server>& servers,
                              const std::string& shown, const Name& name) {
  std::vector<Answered> ways;
  for (const Server& server : servers) {
    for (const DnsTransport transport : {DnsTransport::kUdp, DnsTransport::kTcp}) {
      const auto ipv4 =
          ask(context.env, server.address, transport, name, Type::kA, patience(context));
      // Who was silent once need not be waited for again.
      const auto ipv6 =
          ipv4 ? ask(context.env, server.address, transport, name, Type::kAaaa, patience(context))
               : ipv4;
      ways.push_back(answered(text("{} {}", text(transport), server.way), server.ours, ipv4, ipv6));
    }
  }
  ways.push_back(by_getaddrinfo(shown));
  return ways;
}

Result<int> doctor(Context& context, const Words& words) {
  const Known known = look(context);
  if (!known.problem.empty()) {
    context.note(text("the API does not answer: {}", known.problem));
  }
  const std::vector<std::string>& names = words.names.empty() ? known.names : words.names;
  if (names.empty()) {
    return dsl::fail(dsl::Code::kInvalidArgument, "for which name?")
        .hint("mcns doctor www.example.net: the service has no address record to try");
  }
  MC_ASSIGN(const std::vector<Server> servers, servers_of(context, words, known));
  bool failed = false;
  for (const std::string& shown : names) {
    const Name root;
    MC_ASSIGN(const Name name, Name::parse(shown, &root));
    for (const pb::Finding& finding : judge(shown, ask_all(context, servers, shown, name))) {
      failed = failed || finding.severity() == "fail";
      if (context.json()) {
        context.print_json_line(finding);
      } else {
        context.print_now(finding_text(context.globals, finding));
      }
    }
  }
  return failed ? dsl::kExitFailed : dsl::kExitOk;
}

}  // namespace

Command doctor_command(Context& context) {
  const auto words = std::make_shared<Words>();
  Command command;
  command.name = "doctor";
  command.summary = "Ask for names by every way that this machine has, and say who disagrees";
  command.description =
      "Through getaddrinfo as every program asks, and by UDP and TCP this name service and each "
      "server of resolv.conf. Exit code 1 when one of them does not say what this service says.";
  command.examples = {"mcns doctor", "mcns doctor www.example.net",
                      "mcns doctor www.example.net --at 192.0.2.53"};
  command.options = {
      {.name = "NAME", .target = &words->names, .help = "Otherwise one of each zone"},
      {.name = "--at",
       .target = &words->at,
       .help = "Where this name service is asked; may be repeated; otherwise its "
               "own sockets",
       .value_name = "ADDRESS[:PORT]"},
      {.name = "--resolv-conf",
       .target = &words->resolv_conf,
       .help = "Which file names the servers; /etc/resolv.conf",
       .value_name = "FILE",
       .complete = "file"}};
  command.run = [&context, words] { return doctor(context, *words); };
  return command;
}

}  // namespace mcns::cli
