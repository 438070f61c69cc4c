// mcns diff, history, rollback
#include <algorithm>
#include <map>
#include <tuple>

#include "mcns/cli/change.h"
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"
#include "mcns/cli/zone_text.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;
using dsl::cli::Option;

namespace {

constexpr std::int64_t kEntriesMax = 1'000'000;

struct Words {
  std::string zone;
  std::string file;
  std::string name;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t limit = 50;
  ChangeFlags change;
};

Result<std::uint32_t> serial(const char* option, std::int64_t value) {
  if (value < 0 || value > UINT32_MAX) {
    return fail(Code::kInvalidArgument, "{} {}: not a serial", option, value)
        .hint("mcns history shows those of a zone");
  }
  return static_cast<std::uint32_t>(value);
}

// Up to `limit` entries, the newest first.
Result<std::vector<pb::JournalEntry>> entries_of(Client& client, pb::ListChangesRequest request,
                                                 std::int64_t limit) {
  std::vector<pb::JournalEntry> entries;
  do {
    const auto left = limit - static_cast<std::int64_t>(entries.size());
    request.set_page_size(static_cast<std::int32_t>(std::min<std::int64_t>(left, 1000)));
    MC_ASSIGN(pb::ListChangesReply reply,
              client.call<pb::ListChangesReply>("ZoneService.ListChanges", request));
    std::move(reply.mutable_changes()->begin(), reply.mutable_changes()->end(),
              std::back_inserter(entries));
    request.set_page_token(reply.next_page_token());
  } while (!request.page_token().empty() && static_cast<std::int64_t>(entries.size()) < limit);
  return entries;
}

Result<int> history(Context& context, const Words& words) {
  if (words.limit < 1 || words.limit > kEntriesMax) {
    return fail(Code::kInvalidArgument, "--limit {}: not within 1 and {}", words.limit,
                kEntriesMax);
  }
  MC_ASSIGN(Client * client, context.client());
  pb::ListChangesRequest request;
  request.set_zone(words.zone);
  request.set_name(words.name);
  MC_ASSIGN(const std::uint32_t after, serial("--from", words.from));
  MC_ASSIGN(const std::uint32_t until, serial("--to", words.to));
  request.set_after_serial(after);
  request.set_until_serial(until);
  MC_ASSIGN(const std::vector<pb::JournalEntry> entries, entries_of(*client, request, words.limit));
  if (context.json()) {
    for (const pb::JournalEntry& entry : entries) {
      context.print_json_line(entry);
    }
  } else if (entries.empty()) {
    context.note("nothing has changed");
  } else {
    context.print(history_text(context.globals, entries));
  }
  return dsl::kExitOk;
}

// What is different in the end: a record that came and went again is not.
std::vector<pb::Difference> condensed(const std::vector<pb::JournalEntry>& entries) {
  std::map<std::tuple<std::string, std::string, std::string, std::uint32_t>, int> balance;
  for (const pb::JournalEntry& entry : entries) {
    const pb::Difference& change = entry.difference();
    balance[{change.name(), change.type(), change.value(), change.ttl()}] +=
        change.added() ? 1 : -1;
  }
  std::vector<pb::Difference> out;
  for (const auto& [key, count] : balance) {
    if (count == 0) {
      continue;
    }
    pb::Difference& change = out.emplace_back();
    change.set_added(count > 0);
    change.set_name(std::get<0>(key));
    change.set_type(std::get<1>(key));
    change.set_value(std::get<2>(key));
    change.set_ttl(std::get<3>(key));
  }
  std::stable_sort(out.begin(), out.end(), [](const pb::Difference& a, const pb::Difference& b) {
    return std::tuple(a.name(), a.added()) < std::tuple(b.name(), b.added());
  });
  return out;
}

int print_differences(Context& context, const std::vector<pb::Difference>& changes) {
  if (context.json()) {
    for (const pb::Difference& change : changes) {
      context.print_json_line(change);
    }
  } else {
    context.print(differences_text(context.globals, changes));
  }
  if (changes.empty()) {
    context.note("no difference");
  }
  return changes.empty() ? dsl::kExitOk : dsl::kExitChangesNeeded;
}

Result<int> diff(Context& context, const Words& words) {
  MC_ASSIGN(Client * client, context.client());
  if (!words.file.empty()) {
    if (words.from != 0 || words.to != 0) {
      return fail(Code::kInvalidArgument, "a file and serials cannot both be compared with")
          .hint("FILE, or --from and --to");
    }
    MC_ASSIGN(const ZoneText file, read_zone_text(context.env, words.file, words.zone));
    pb::ApplyZoneRequest request;
    request.set_zone(words.zone);
    request.set_file(file.name);
    if (fits_a_request(file.content)) {
      request.set_text(file.content);
    } else {
      MC_ASSIGN(const std::string id, upload(*client, file.content));
      request.set_upload(id);
    }
    request.mutable_change()->set_dry_run(true);
    request.mutable_change()->set_force(true);  // only looked at
    MC_ASSIGN(const pb::Outcome outcome,
              client->call<pb::Outcome>("ZoneService.ApplyZone", request, kZoneTime));
    return print_differences(context, {outcome.changes().begin(), outcome.changes().end()});
  }
  if (words.from == 0) {
    return fail(Code::kInvalidArgument, "compare {} with what?", words.zone)
        .hint("a zone file, or an earlier serial: --from SERIAL");
  }
  pb::ListChangesRequest request;
  request.set_zone(words.zone);
  MC_ASSIGN(const std::uint32_t after, serial("--from", words.from));
  MC_ASSIGN(const std::uint32_t until, serial("--to", words.to));
  request.set_after_serial(after);
  request.set_until_serial(until);
  MC_ASSIGN(const std::vector<pb::JournalEntry> entries, entries_of(*client, request, kEntriesMax));
  return print_differences(context, condensed(entries));
}

Result<int> roll_back(Context& context, const Words& words) {
  MC_ASSIGN(Client * client, context.client());
  pb::RollbackZoneRequest request;
  request.set_zone(words.zone);
  MC_ASSIGN(const std::uint32_t to, serial("--to", words.to));
  request.set_to_serial(to);
  MC_TRY(put_change(context, words.change, *request.mutable_change()));
  request.mutable_change()->set_dry_run(true);
  MC_ASSIGN(const pb::Outcome planned,
            client->call<pb::Outcome>("ZoneService.RollbackZone", request, kZoneTime));
  if (context.globals.dry_run || !planned.changed()) {
    print_outcome(context, planned);
    return dsl::kExitOk;
  }
  if (!context.json() && !context.globals.quiet) {
    context.print(outcome_text(context.globals, planned, true));
  }
  MC_ASSIGN(const bool agreed,
            dsl::cli::confirm(context.globals, text("Undo this in {}?", words.zone)));
  if (!agreed) {
    return dsl::kExitFailed;
  }
  request.mutable_change()->set_dry_run(false);
  if (request.change().if_serial() == 0) {
    request.mutable_change()->set_if_serial(planned.serial());
  }
  MC_ASSIGN(const pb::Outcome done,
            client->call<pb::Outcome>("ZoneService.RollbackZone", request, kZoneTime));
  if (context.json()) {
    context.print_json(done);
  } else {
    context.note(text("{} is as it was at {}, with serial {}", done.zone(), to, done.serial()));
  }
  return dsl::kExitOk;
}

Option zone_option(Words& words) {
  return {.name = "ZONE",
          .target = &words.zone,
          .help = "The zone",
          .required = true,
          .complete = "zone"};
}

std::vector<Option> range_options(Words& words) {
  return {{.name = "--from",
           .target = &words.from,
           .help = "What came after this serial",
           .value_name = "SERIAL"},
          {.name = "--to",
           .target = &words.to,
           .help = "Up to this serial; otherwise up to now",
           .value_name = "SERIAL"}};
}

}  // namespace

std::vector<Command> history_commands(Context& context) {
  const auto words = std::make_shared<Words>();

  Command diff_command;
  diff_command.name = "diff";
  diff_command.summary = "Compare a zone with a zone file, or with an earlier serial of its own";
  diff_command.description = "Exit code 10 when there is a difference.";
  diff_command.examples = {"mcns diff example.net example.net.zone",
                           "mcns diff example.net --from 2026040300",
                           "mcns diff example.net --from 2026040300 --to 2026040307"};
  diff_command.options = {zone_option(*words),
                          {.name = "FILE",
                           .target = &words->file,
                           .help = "A zone file; - reads stdin",
                           .complete = "file"}};
  for (Option& option : range_options(*words)) {
    diff_command.options.push_back(std::move(option));
  }
  diff_command.run = [&context, words] { return diff(context, *words); };

  Command history_command;
  history_command.name = "history";
  history_command.summary = "Show who changed what in a zone, and when, the newest first";
  history_command.examples = {"mcns history example.net", "mcns history example.net --name www",
                              "mcns history example.net --from 2026040300 --json"};
  history_command.options = {
      zone_option(*words),
      {.name = "--name", .target = &words->name, .help = "Of this name only", .value_name = "NAME"},
      {.name = "--limit",
       .target = &words->limit,
       .help = "So many records; 50",
       .value_name = "COUNT"}};
  for (Option& option : range_options(*words)) {
    history_command.options.push_back(std::move(option));
  }
  history_command.run = [&context, words] { return history(context, *words); };

  Command rollback_command;
  rollback_command.name = "rollback";
  rollback_command.summary = "Undo every change of a zone after a serial, as a new version";
  rollback_command.examples = {"mcns rollback example.net --to 2026040300 --dry-run",
                               "mcns rollback example.net --to 2026040300"};
  rollback_command.options = {zone_option(*words),
                              {.name = "--to",
                               .target = &words->to,
                               .help = "The serial to go back to; mcns history shows them",
                               .value_name = "SERIAL",
                               .required = true},
                              {.name = "--if-serial",
                               .target = &words->change.if_serial,
                               .help = "Only while the zone has this serial",
                               .value_name = "SERIAL"}};
  rollback_command.run = [&context, words] { return roll_back(context, *words); };

  return {std::move(diff_command), std::move(history_command), std::move(rollback_command)};
}

}  // namespace mcns::cli
