// mcns explain, tail
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::cli::Command;

namespace {

struct Question {
  std::string name;
  std::string type = "A";
  std::string from;
  bool dnssec_ok = false;
  bool tcp = false;
  bool no_recursion = false;
};

Result<int> explain(Context& context, const Question& question) {
  pb::ExplainRequest request;
  request.set_name(question.name);
  request.set_type(question.type);
  request.set_from(question.from);
  request.set_dnssec_ok(question.dnssec_ok);
  request.set_tcp(question.tcp);
  request.set_no_recursion(question.no_recursion);
  return show<pb::Explanation>(
      context, "AdminService.Explain", request, "",
      [&](const pb::Explanation& reply) { return explanation_text(context.globals, reply); });
}

struct Watched {
  std::string name;
  std::string client;
  std::string rcode;
  std::string zone;
  bool changes = false;
  bool queries = false;
};

Result<int> tail(Context& context, const Watched& watched) {
  MC_ASSIGN(Client * client, context.client());
  pb::WatchRequest request;
  request.set_name(watched.name);
  request.set_client(watched.client);
  request.set_rcode(watched.rcode);
  request.set_zone(watched.zone);
  request.set_changes(watched.changes);
  // Whoever names a client or an rcode means questions.
  request.set_queries(watched.queries ||
                      (!watched.changes && (!watched.client.empty() || !watched.rcode.empty())));
  MC_TRY(client->stream<pb::WatchEvent>(
      "WatchService.Watch", request, [&](const pb::WatchEvent& event) -> Result<void> {
        if (context.json()) {
          context.print_json_line(event);
        } else if (const std::string line = event_line(context.globals, event); !line.empty()) {
          context.print_now(line);
        }
        return {};
      }));
  return dsl::kExitOk;
}

}  // namespace

Command explain_command(Context& context) {
  const auto question = std::make_shared<Question>();
  Command command;
  command.name = "explain";
  command.summary = "Answer a question and tell each decision on the way";
  command.description =
      "Zone match, cut, wildcard, alias, cache, upstream: as the server decides for a client, with "
      "the packet that it would get.";
  command.examples = {"mcns explain www.example.net AAAA",
                      "mcns explain example.org MX --from 192.0.2.7",
                      "mcns explain example.net SOA --do --json"};
  command.options = {
      {.name = "NAME",
       .target = &question->name,
       .help = "Its final dot is optional",
       .required = true},
      {.name = "TYPE", .target = &question->type, .help = "A unless it is given"},
      {.name = "--from",
       .target = &question->from,
       .help = "As a client at this address; otherwise as one on this machine",
       .value_name = "ADDRESS"},
      {.name = "--do", .target = &question->dnssec_ok, .help = "As a client that wants DNSSEC"},
      {.name = "--tcp", .target = &question->tcp, .help = "As asked over TCP"},
      {.name = "--no-recursion",
       .target = &question->no_recursion,
       .help = "As a client that asks for our own answer only (RD=0)"}};
  command.run = [&context, question] { return explain(context, *question); };
  return command;
}

Command tail_command(Context& context) {
  const auto watched = std::make_shared<Watched>();
  Command command;
  command.name = "tail";
  command.summary = "Show changes and questions as they happen";
  command.examples = {"mcns tail", "mcns tail --name '*.example.net' --rcode NXDOMAIN",
                      "mcns tail --client 192.0.2.0/24", "mcns tail --changes --zone example.net"};
  command.options = {{.name = "--name",
                      .target = &watched->name,
                      .help = "Of these names only; * is any text",
                      .value_name = "GLOB"},
                     {.name = "--client",
                      .target = &watched->client,
                      .help = "Questions of these clients only",
                      .value_name = "CIDR"},
                     {.name = "--rcode",
                      .target = &watched->rcode,
                      .help = "Questions with this answer only",
                      .value_name = "RCODE"},
                     {.name = "--zone",
                      .target = &watched->zone,
                      .help = "Changes of this zone only",
                      .value_name = "ZONE",
                      .complete = "zone"},
                     {.name = "--changes", .target = &watched->changes, .help = "No questions"},
                     {.name = "--queries", .target = &watched->queries, .help = "No changes"}};
  command.run = [&context, watched] { return tail(context, *watched); };
  return command;
}

}  // namespace mcns::cli
