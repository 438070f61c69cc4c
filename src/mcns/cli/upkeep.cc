// mcns check, seed, snapshot
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::cli::Command;

namespace {

constexpr std::chrono::milliseconds kDiskTime{600'000};

Result<int> check(Context& context, const std::string& zone) {
  MC_ASSIGN(Client * client, context.client());
  pb::CheckRequest request;
  request.set_zone(zone);
  bool failed = false;
  MC_TRY(client->stream<pb::Finding>("AdminService.Check", request,
                                     [&](const pb::Finding& finding) -> Result<void> {
                                       failed = failed || finding.severity() == "fail";
                                       if (context.json()) {
                                         context.print_json_line(finding);
                                       } else {
                                         context.print_now(finding_text(context.globals, finding));
                                       }
                                       return {};
                                     }));
  return failed ? dsl::kExitFailed : dsl::kExitOk;
}

Result<int> seed(Context& context) {
  if (!context.globals.dry_run) {
    return fail(Code::kInvalidArgument, "seed files are applied at each start of the service")
        .hint("mcns seed --dry-run shows what the next start would add");
  }
  return show<pb::PreviewSeedReply>(context, "AdminService.PreviewSeed", pb::PreviewSeedRequest(),
                                    "the next start would add nothing",
                                    [](const pb::PreviewSeedReply& reply) {
                                      std::string out;
                                      for (const std::string& line : reply.lines()) {
                                        out += line + "\n";
                                      }
                                      return out;
                                    });
}

Result<int> snapshot(Context& context, const std::string& out, std::int64_t keep) {
  if (keep < 0 || keep > 100'000) {
    return fail(Code::kInvalidArgument, "--keep {}: not within 0 and 100000", keep);
  }
  if (context.globals.dry_run) {
    context.note("no copy was made");
    return dsl::kExitOk;
  }
  MC_ASSIGN(Client * client, context.client());
  pb::SnapshotRequest request;
  request.set_out(out);
  request.set_keep(static_cast<std::int32_t>(keep));
  MC_ASSIGN(const pb::SnapshotReply reply,
            client->call<pb::SnapshotReply>("AdminService.Snapshot", request, kDiskTime));
  if (context.json()) {
    context.print_json(reply);
  } else {
    context.print(snapshot_text(reply));
  }
  return dsl::kExitOk;
}

}  // namespace

std::vector<Command> upkeep_commands(Context& context) {
  const auto zone = std::make_shared<std::string>();
  Command check_command;
  check_command.name = "check";
  check_command.summary = "Look through the database and the zones for what is wrong or will be";
  check_command.description =
      "Aliases that lead nowhere or in a circle, name servers without an address, records that are "
      "never answered, SOA fields that do no good. Exit code 1 when something is broken.";
  check_command.examples = {"mcns check", "mcns check example.net --json"};
  check_command.options = {{.name = "ZONE",
                            .target = zone.get(),
                            .help = "This one only; otherwise all and the database",
                            .complete = "zone"}};
  check_command.run = [&context, zone] { return check(context, *zone); };

  Command seed_command;
  seed_command.name = "seed";
  seed_command.summary = "Show what the seed files would add at the next start";
  seed_command.description =
      "Each entry of a seed file is applied once, at a start of the service.";
  seed_command.examples = {"mcns seed --dry-run"};
  seed_command.run = [&context] { return seed(context); };

  const auto out = std::make_shared<std::string>();
  const auto keep = std::make_shared<std::int64_t>(0);
  Command snapshot_command;
  snapshot_command.name = "snapshot";
  snapshot_command.summary = "Make a verified copy of the database, while it is in use";
  snapshot_command.examples = {"mcns snapshot --keep 14", "mcns snapshot --out /srv/before.db"};
  snapshot_command.options = {{.name = "--out",
                               .target = out.get(),
                               .help = "An absolute path on this machine; otherwise "
                                       "backups/mcns-<time>.db of the service",
                               .value_name = "FILE",
                               .complete = "file"},
                              {.name = "--keep",
                               .target = keep.get(),
                               .help = "Remove all but so many of the newest; 0 = none",
                               .value_name = "COUNT"}};
  snapshot_command.run = [&context, out, keep] { return snapshot(context, *out, *keep); };

  return {std::move(check_command), std::move(seed_command), std::move(snapshot_command)};
}

}  // namespace mcns::cli
