// mcns forward list, set, rm; mcns cache stats, flush
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::text;
using dsl::cli::Command;

namespace {

struct Words {
  std::string zone;
  std::vector<std::string> upstreams;
  std::vector<std::string> fallback;
  std::string policy;
  std::string random_case;
  std::string ca_cert;
  bool subtree = false;
};

Result<int> set(Context& context, const Words& words) {
  pb::SetForwardRequest request;
  request.set_zone(words.zone);
  request.mutable_upstreams()->Assign(words.upstreams.begin(), words.upstreams.end());
  request.mutable_fallback()->Assign(words.fallback.begin(), words.fallback.end());
  request.set_policy(words.policy);
  if (!words.random_case.empty()) {
    request.set_random_case(words.random_case == "on");
  }
  if (!words.ca_cert.empty()) {
    request.set_ca_cert(words.ca_cert == "system" ? "" : words.ca_cert);
  }
  request.set_dry_run(context.globals.dry_run);
  return show<pb::Forward>(context, "ForwardService.SetForward", request, "",
                           [&](const pb::Forward& reply) {
                             pb::ListForwardsReply list;
                             *list.add_forwards() = reply;
                             return forwards_table(context.globals, list);
                           });
}

Result<int> remove(Context& context, const std::string& zone) {
  if (context.globals.dry_run) {
    context.note(text("the forward for {} would be removed", zone));
    return dsl::kExitOk;
  }
  MC_ASSIGN(Client * client, context.client());
  pb::DeleteForwardRequest request;
  request.set_zone(zone);
  MC_TRY(client->call<pb::DeleteForwardReply>("ForwardService.DeleteForward", request));
  context.note(text("the forward for {} is gone", zone));
  return dsl::kExitOk;
}

Result<int> flush(Context& context, const Words& words) {
  if (context.globals.dry_run) {
    context.note("nothing was flushed");
    return dsl::kExitOk;
  }
  pb::FlushCacheRequest request;
  request.set_name(words.zone);
  request.set_subtree(words.subtree);
  return show<pb::FlushCacheReply>(context, "AdminService.FlushCache", request, "",
                                   [](const pb::FlushCacheReply& reply) {
                                     return text("{} {} forgotten\n", reply.entries(),
                                                 reply.entries() == 1 ? "answer" : "answers");
                                   });
}

}  // namespace

Command forward_command(Context& context) {
  const auto words = std::make_shared<Words>();

  Command list;
  list.name = "list";
  list.summary = "List who is asked for names that are not ours";
  list.examples = {"mcns forward list"};
  list.run = [&context] {
    return show<pb::ListForwardsReply>(
        context, "ForwardService.ListForwards", pb::ListForwardsRequest(),
        "nobody is asked: dns.upstreams of the configuration, or mcns forward set",
        [&](const pb::ListForwardsReply& reply) { return forwards_table(context.globals, reply); });
  };

  Command set_command;
  set_command.name = "set";
  set_command.summary = "Set the upstreams of a zone, at once and for good";
  set_command.description =
      "In place of those that the configuration file has for it. Upstreams are addresses, never "
      "names: a resolver that has to look up its resolvers does not come up. NAME is the one in "
      "the certificate of an upstream over TLS.";
  set_command.examples = {
      "mcns forward set corp.example 192.0.2.53 192.0.2.54",
      "mcns forward set . 1.1.1.1 8.8.8.8 --fallback 9.9.9.9",
      "mcns forward set . tls://1.1.1.1:853#one.one.one.one",
      "mcns forward set corp.example tls://192.0.2.53 --upstream-ca /srv/corp.pem",
      "mcns forward set ts.net tcp://100.100.100.100:53 --policy fastest"};
  set_command.options = {{.name = "ZONE",
                          .target = &words->zone,
                          .help = "Names at and below it; . for everything else",
                          .required = true},
                         {.name = "UPSTREAM",
                          .target = &words->upstreams,
                          .help = "192.0.2.1, udp://192.0.2.1:53, tcp://[2001:db8::1]:53, "
                                  "tls://192.0.2.1:853#NAME, https://192.0.2.1/dns-query#NAME",
                          .required = true},
                         {.name = "--fallback",
                          .target = &words->fallback,
                          .help = "Asked only while all others are down; may be repeated",
                          .value_name = "UPSTREAM"},
                         {.name = "--policy",
                          .target = &words->policy,
                          .help = "Which of them is asked first",
                          .value_name = "POLICY",
                          .one_of = {"ordered", "fastest", "parallel"}},
                         {.name = "--random-case",
                          .target = &words->random_case,
                          .help = "Ask over UDP with names in random case; else as [dns] says",
                          .value_name = "WHETHER",
                          .one_of = {"on", "off"}},
                         {.name = "--upstream-ca",
                          .target = &words->ca_cert,
                          .help = "Authorities of upstreams over TLS, a file on the server, or "
                                  "system; else as [dns] says",
                          .value_name = "PATH"}};
  set_command.run = [&context, words] { return set(context, *words); };

  Command remove_command;
  remove_command.name = "rm";
  remove_command.summary = "Remove what was set; the configuration file holds again";
  remove_command.examples = {"mcns forward rm corp.example"};
  remove_command.options = {{.name = "ZONE",
                             .target = &words->zone,
                             .help = "As `mcns forward list` shows it",
                             .required = true}};
  remove_command.run = [&context, words] { return remove(context, words->zone); };

  Command command;
  command.name = "forward";
  command.summary = "Say who is asked for names that are not ours";
  command.commands = {std::move(list), std::move(set_command), std::move(remove_command)};
  return command;
}

Command cache_command(Context& context) {
  Command stats;
  stats.name = "stats";
  stats.summary = "Show what the cache holds and how often it helped";
  stats.examples = {"mcns cache stats"};
  stats.run = [&context] {
    return show<pb::CacheReport>(context, "AdminService.GetCacheStats", pb::GetCacheStatsRequest(),
                                 "",
                                 [](const pb::CacheReport& reply) { return cache_page(reply); });
  };

  const auto words = std::make_shared<Words>();
  Command flush_command;
  flush_command.name = "flush";
  flush_command.summary = "Forget the answers of upstreams at a name";
  flush_command.examples = {"mcns cache flush www.example.org",
                            "mcns cache flush example.org --subtree",
                            "mcns cache flush . --subtree"};
  flush_command.options = {
      {.name = "NAME",
       .target = &words->zone,
       .help = "Its final dot is optional",
       .required = true},
      {.name = "--subtree", .target = &words->subtree, .help = "Also below it"}};
  flush_command.run = [&context, words] { return flush(context, *words); };

  Command command;
  command.name = "cache";
  command.summary = "Look at the answers of upstreams that are kept, and forget some";
  command.commands = {std::move(stats), std::move(flush_command)};
  return command;
}

}  // namespace mcns::cli
