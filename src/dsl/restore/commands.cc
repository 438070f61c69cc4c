#include "dsl/restore/commands.h"

#include <cstdio>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "dsl/config/units.h"
#include "dsl/replica/rebuild.h"
#include "dsl/secret/secret.h"

namespace dsl::restore {
namespace {

namespace json = boost::json;

// "2026-04-03T08:45:00Z", or "15m" for so long ago.
Result<env::WallTime> parse_moment(env::Env& env, const std::string& text) {
  if (const auto ago = config::parse_duration(text)) {
    return env.clock().now() - *ago;
  }
  auto time = env::parse_time(text);
  if (!time) {
    time.error().set_hint("write it as 2026-04-03T08:45:00Z, or as how long ago: 15m");
  }
  return time;
}

Progress to(cli::Progress& printed) {
  return [&printed](int number, int total, const std::string& what) {
    printed.step(number, total, "", what);
  };
}

json::object to_json(const replica::Position& commit) {
  return {{"epoch", commit.epoch.name()},
          {"generation", commit.generation},
          {"offset", commit.offset},
          {"time", env::format_time(commit.time)}};
}

json::object to_json(const Plan& plan, bool done) {
  json::object object{{"source", plan.source}, {"destination", plan.destination}, {"done", done}};
  if (!plan.is_copy) {
    object["commit"] = to_json(plan.commit);
    object["torn"] = plan.chain.torn;
    if (plan.chain.broken) {
      object["gap"] = plan.chain.broken->to_text();
    }
  }
  json::array aside;
  for (const auto& [from, to] : plan.set_aside.moves) {
    aside.push_back({{"from", from}, {"to", to}});
  }
  object["set_aside"] = aside;
  object["notes"] = json::array(plan.notes.begin(), plan.notes.end());
  return object;
}

void print_plan(const Plan& plan) {
  std::printf("restore    %s\n", plan.destination.c_str());
  if (plan.is_copy) {
    std::printf("from copy  %s\n", plan.source.c_str());
  } else {
    std::printf("from       %s, base of %s and %zu pieces of its log, all checked\n",
                plan.source.c_str(), env::format_time(plan.chain.base.time).c_str(),
                plan.chain.pieces.size());
    std::printf("to commit  %s\n", plan.commit.to_text().c_str());
    if (plan.chain.torn) {
      std::printf("note       the last commit was cut off by a power failure and is left out\n");
    }
    if (plan.chain.broken) {
      std::printf("gap        %s\n", plan.chain.broken->to_text().c_str());
    }
  }
  for (const std::string& note : plan.notes) {
    std::printf("note       %s\n", note.c_str());
  }
  for (const auto& [from, to] : plan.set_aside.moves) {
    std::printf("set aside  %s as %s\n", from.c_str(), to.c_str());
  }
}

}  // namespace

Commands::Commands(std::string program, env::Env& env, const cli::Globals& globals,
                   std::function<Result<Settings>()> settings,
                   std::function<Result<void>(const std::string&)> restored)
    : program_(std::move(program)),
      env_(env),
      globals_(globals),
      settings_(std::move(settings)),
      restored_(std::move(restored)) {}

std::vector<cli::Command> Commands::list() {
  const cli::Option identity{.name = "--identity",
                             .target = &identity_,
                             .help = "file with the age key that opens the replica",
                             .value_name = "FILE",
                             .complete = "file"};
  const cli::Option from{.name = "--from",
                         .target = &from_,
                         .help = "this mirror only",
                         .value_name = "DIRECTORY",
                         .complete = "file"};
  const cli::Option at{.name = "--at",
                       .target = &at_,
                       .help =
                           "the last commit not after this moment: "
                           "2026-04-03T08:45:00Z, or 15m for so long ago",
                       .value_name = "TIME"};
  const cli::Option to{.name = "--to",
                       .target = &to_,
                       .help = "put it into this directory and touch nothing else",
                       .value_name = "DIRECTORY",
                       .complete = "file"};
  cli::Option from_any = from;
  from_any.help = "a mirror, or a copy of the database";
  from_any.value_name = "PATH";
  cli::Command restore_command{
      .name = "restore",
      .summary = "Brings the database back from its replica or from a copy",
      .description =
          "Reads and checks all that it needs, says which commit it will reach, then does it. What "
          "is live is set aside under another name and never written over; the service must be "
          "stopped, or use --to.\n"
          "Exit code: 23 when something is damaged or missing and --allow-gap is not given, 24 for "
          "the wrong key, 6 while the database is in use.",
      .examples = {text("{} restore --dry-run --identity key.txt", program_),
                   text("{} restore --at 2026-04-03T08:45:00Z --identity key.txt", program_),
                   text("{} restore --at 15m --to /tmp/look --identity key.txt", program_)},
      .options = {at,
                  from_any,
                  to,
                  identity,
                  {.name = "--allow-gap",
                   .target = &allow_gap_,
                   .help = "be content with the last commit before what is damaged or missing"}},
      .run = [this] { return restore(); }};
  cli::Command list_command{.name = "list",
                            .summary = "Shows what the mirrors hold; needs no key",
                            .examples = {text("{} replica list", program_)},
                            .options = {from},
                            .run = [this] { return list_replica(); }};
  cli::Command verify_command{
      .name = "verify",
      .summary = "Reads every byte of the mirrors and checks hashes, chain and log",
      .description =
          "Exit code 23 when anything is damaged or missing; each finding names the "
          "commits that are lost.",
      .examples = {text("{} replica verify --identity key.txt", program_)},
      .options = {from, identity},
      .run = [this] { return verify(); }};
  cli::Option to_required = to;
  to_required.help = "directory to make";
  to_required.required = true;
  cli::Command export_command{
      .name = "export-wal",
      .summary = "Writes the base and its logs for the plain sqlite3 shell, with a script",
      .examples = {text("{} replica export-wal --to /tmp/wal --identity key.txt", program_),
                   "sh /tmp/wal/replay.sh"},
      .options = {to_required, at, from, identity},
      .run = [this] { return export_wal(); }};
  cli::Command replica_command{
      .name = "replica",
      .summary = "About the continuous replica of the database",
      .commands = {std::move(list_command), std::move(verify_command), std::move(export_command)}};
  return {std::move(restore_command), std::move(replica_command)};
}

Result<replica::Identities> Commands::identities(const Settings& settings) const {
  return read_identities(env_, identity_.empty() ? settings.replica.identity_file : identity_);
}

Result<Request> Commands::request(const Settings& settings) const {
  Request request{.database = settings.database,
                  .mirrors = settings.replica.directories(),
                  .from = from_,
                  .to = to_,
                  .allow_gap = allow_gap_};
  if (!at_.empty()) {
    MC_ASSIGN(request.at, parse_moment(env_, at_));
  }
  return request;
}

Result<int> Commands::restore() {
  MC_ASSIGN(const Settings settings, settings_());
  MC_ASSIGN(const replica::Identities keys, identities(settings));
  MC_ASSIGN(const Request wanted, request(settings));
  cli::Progress printed(globals_);
  MC_ASSIGN(const Plan plan, make_plan(env_, wanted, keys, to(printed)));
  printed.done();
  if (globals_.output != cli::Output::kJson) {
    print_plan(plan);
  }
  if (!globals_.dry_run) {
    MC_TRY(carry_out(env_, wanted, plan, keys, to(printed)));
    printed.done();
    if (wanted.to.empty() && restored_) {
      MC_TRY(restored_(settings.database));
    }
  }
  if (globals_.output == cli::Output::kJson) {
    std::printf("%s\n", json::serialize(to_json(plan, !globals_.dry_run)).c_str());
  } else {
    std::printf("%s\n", globals_.dry_run ? "dry run    nothing was changed" : "done");
  }
  return kExitOk;
}

Result<std::vector<std::string>> Commands::mirrors(const Settings& settings) const {
  std::vector<std::string> mirrors =
      from_.empty() ? settings.replica.directories() : std::vector<std::string>{from_};
  if (mirrors.empty()) {
    return fail(Code::kFailedPrecondition, "the configuration names no mirror")
        .hint("set replica.mirrors, or name a mirror with --from");
  }
  return mirrors;
}

Result<int> Commands::list_replica() {
  MC_ASSIGN(const Settings settings, settings_());
  MC_ASSIGN(const auto directories, mirrors(settings));
  cli::Table table({{"MIRROR"},
                    {"EPOCH"},
                    {"BASE", true},
                    {"SEGMENTS", true},
                    {"LOG", true},
                    {"TAILS", true, true},
                    {"ENDED"}});
  json::array rows;
  for (const std::string& mirror : directories) {
    const auto store = open_mirror(env_, mirror, settings.database);
    MC_ASSIGN(const auto epochs, replica::list_epochs(*store));
    for (const replica::EpochSummary& epoch : epochs) {
      const std::string ended =
          !epoch.closed     ? "open"
          : epoch.closed_at ? text("{}: {}", env::format_time(*epoch.closed_at), *epoch.closed)
                            : *epoch.closed;
      table.add({mirror, epoch.epoch.name(),
                 epoch.has_base ? cli::size_text(epoch.base_bytes) : "missing",
                 std::to_string(epoch.segments), cli::size_text(epoch.segment_bytes),
                 std::to_string(epoch.tails), ended});
      json::object row{{"mirror", mirror},
                       {"epoch", epoch.epoch.name()},
                       {"base_bytes", epoch.base_bytes},
                       {"has_base", epoch.has_base},
                       {"segments", epoch.segments},
                       {"log_bytes", epoch.segment_bytes},
                       {"tails", epoch.tails},
                       {"open", !epoch.closed.has_value()}};
      if (epoch.closed) {
        row["reason"] = *epoch.closed;
      }
      if (epoch.closed_at) {
        row["closed"] = env::format_time(*epoch.closed_at);
      }
      rows.push_back(std::move(row));
    }
  }
  if (globals_.output == cli::Output::kJson) {
    std::printf("%s\n", json::serialize(rows).c_str());
  } else if (table.empty()) {
    std::printf("no replica of %s in any mirror\n", settings.database.c_str());
  } else {
    std::printf("%s", table.render(globals_).c_str());
  }
  return kExitOk;
}

Result<int> Commands::verify() {
  MC_ASSIGN(const Settings settings, settings_());
  MC_ASSIGN(const replica::Identities keys, identities(settings));
  MC_ASSIGN(const auto directories, mirrors(settings));
  int exit = kExitOk;
  json::array rows;
  cli::Table table({{"MIRROR"}, {"EPOCH"}, {"STATE"}, {"OLDEST"}, {"NEWEST"}, {"FINDING"}});
  cli::Progress printed(globals_);
  for (const std::string& mirror : directories) {
    const auto store = open_mirror(env_, mirror, settings.database);
    MC_ASSIGN(const auto epochs, replica::list_epochs(*store));
    for (const replica::EpochSummary& epoch : epochs) {
      if (!epoch.has_base && epoch.objects.empty()) {
        continue;  // the note of an epoch that this mirror never had
      }
      std::string finding;
      std::string oldest;
      std::string newest;
      const auto chain =
          replica::read_chain(*store, epoch, keys, [&](std::size_t done, std::size_t all) {
            printed.step(static_cast<int>(done), static_cast<int>(all), epoch.epoch.name(),
                         "check " + mirror);
          });
      if (chain) {
        oldest = env::format_time(chain->base.time);
        newest = env::format_time(chain->newest({})->time);
        finding = chain->broken ? chain->broken->to_text() : "";
      } else if (chain.error().code() == Code::kDataLoss ||
                 chain.error().code() == Code::kNotFound) {
        finding = chain.error().message();
      } else {
        return tl::unexpected(chain.error());
      }
      exit = finding.empty() ? exit : static_cast<int>(kExitDamaged);
      const auto state = finding.empty() ? cli::paint(globals_, cli::Paint::kGood, "whole")
                                         : cli::paint(globals_, cli::Paint::kBad, "damaged");
      table.add({mirror, epoch.epoch.name(), state, oldest, newest, finding});
      rows.push_back(json::object{{"mirror", mirror},
                                  {"epoch", epoch.epoch.name()},
                                  {"whole", finding.empty()},
                                  {"oldest", oldest},
                                  {"newest", newest},
                                  {"finding", finding}});
    }
  }
  printed.done();
  if (globals_.output == cli::Output::kJson) {
    std::printf("%s\n", json::serialize(rows).c_str());
  } else {
    std::printf("%s", table.render(globals_).c_str());
  }
  return exit;
}

Result<int> Commands::export_wal() {
  MC_ASSIGN(const Settings settings, settings_());
  MC_ASSIGN(const replica::Identities keys, identities(settings));
  MC_ASSIGN(const Request wanted, request(settings));
  cli::Progress printed(globals_);
  MC_ASSIGN(const Plan plan, make_plan(env_, wanted, keys, to(printed)));
  if (plan.is_copy) {
    return fail(Code::kInvalidArgument, "{} is a copy: it has no log", plan.source)
        .hint("name a mirror with --from");
  }
  const auto store = open_mirror(env_, plan.source, settings.database);
  MC_ASSIGN(const auto files,
            replica::export_log(*store, plan.chain, plan.commit, keys, env_.files(), to_));
  printed.done();
  if (globals_.output == cli::Output::kJson) {
    json::array names;
    for (const replica::ExportedFile& file : files) {
      names.push_back({{"name", file.name}, {"bytes", file.size_bytes}});
    }
    std::printf("%s\n", json::serialize(json::object{{"directory", to_},
                                                     {"commit", to_json(plan.commit)},
                                                     {"files", names}})
                            .c_str());
    return kExitOk;
  }
  cli::Table table({{"FILE"}, {"SIZE", true}});
  for (const replica::ExportedFile& file : files) {
    table.add({file.name, cli::size_text(file.size_bytes)});
  }
  std::printf("%sup to     %s\nreplay    sh %s/replay.sh\n", table.render(globals_).c_str(),
              plan.commit.to_text().c_str(), to_.c_str());
  return kExitOk;
}

}  // namespace dsl::restore
