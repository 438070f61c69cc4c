#include "mcp/agent/recover_data_command.h"

#include <algorithm>
#include <cstdio>

#include <boost/json.hpp>

#include "mcp/agent/backup_text.h"
#include "mcp/agent/backup_units.h"
#include "mcp/agent/data_watch.h"
#include "mcp/agent/restore_guard.h"
#include "mcp/recovery/scratch.h"

namespace mcp::agent {

namespace json = boost::json;
namespace cli = dsl::cli;
using dsl::Code;
using dsl::fail;
using dsl::text;
using recovery::UnitRecovery;

namespace {

std::string moment(std::int64_t ms) {
  return dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(ms)));
}

// "ledger.db from its replica, to 2026-11-26T08:00:01.250Z; files from the point of ..."
std::string sources_of(const UnitRecovery& plan) {
  std::string out;
  for (const recovery::ReplayedDatabase& database : plan.databases) {
    out += text("{}{} from its replica, to {}", out.empty() ? "" : "; ", database.replica.database,
                dsl::env::format_time(database.plan.commit.time));
  }
  const std::string separator = out.empty() ? "" : "; ";
  if (plan.uses_point()) {
    out += text("{}{}from the point of {}", separator, plan.databases.empty() ? "" : "the rest ",
                moment(plan.restore.manifest.begun_ms));
  } else if (plan.losses.whole()) {
    out += separator + "its files have no copy";
  }
  return out;
}

// What is given up by it: what came after the point, or files that have no copy.
bool loses(const UnitRecovery& plan) { return plan.uses_point() || plan.losses.whole(); }

json::value to_json(const UnitRecovery& plan) {
  json::array databases;
  for (const recovery::ReplayedDatabase& database : plan.databases) {
    databases.push_back({{"database", database.replica.database},
                         {"mirror", database.plan.source},
                         {"reached_ms", database.plan.commit.time.time_since_epoch().count()}});
  }
  json::value point;
  if (plan.uses_point()) {
    point = plan.restore.manifest.id;
  }
  return json::object{{"databases", std::move(databases)}, {"point", std::move(point)}};
}

}  // namespace

cli::Command RecoverDataCommand::command() {
  cli::Command command{
      .name = "recover-data",
      .summary = "Brings back what services have lost of their data, then their containers.",
      .description =
          "Looks at every service's directory: is it there, and are its databases there and whole? "
          "A lost database comes from its replica, to the last commit that was stored; what has no "
          "replica, and files, come from the newest point that has the service. What is still "
          "there stays. A plan is shown first; a service that runs is stopped for it, and started "
          "again. Files that the point has and the directory lacks, and databases that are missing "
          "and not replicated, come back only for services that are named: they may have been "
          "removed on purpose.\n"
          "Exit code with --dry-run: 0 nothing is lost, 10 something is; 7 when some services "
          "could not be looked at or brought back.",
      .examples = {"mcp-agent recover-data --dry-run --identity id.txt",
                   "mcp-agent recover-data ledger --identity id.txt",
                   "mcp-agent recover-data ledger --without-point"},
      .options = {{.name = "SERVICE", .target = &services_, .help = "only these; nothing: all"},
                  {.name = "--without-point",
                   .target = &without_point_,
                   .help = "from replicas only; looks at no backup"},
                  {.name = "--without-replicas",
                   .target = &without_replicas_,
                   .help = "from the newest point only"}},
      .run = [this] { return run(); }};
  for (cli::Option& option : access_.reading()) {
    command.options.push_back(std::move(option));
  }
  return command;
}

Result<void> RecoverDataCommand::check_request(const Config& config) const {
  if (std::find(services_.begin(), services_.end(), kAgentUnit) != services_.end()) {
    return fail(Code::kInvalidArgument,
                "{} is the agent itself, which does not come back like this", kAgentUnit)
        .hint("mcp-agent restore when its registry has a replica, else mcp-agent rebuild");
  }
  MC_ASSIGN(const bool has_registry, env_.files().exists(config.database_path));
  if (!has_registry) {
    return fail(Code::kNotFound, "there is no registry at {}, so no service is known",
                config.database_path)
        .hint("mcp-agent restore when it has a replica, else mcp-agent rebuild; then this again");
  }
  for (const std::string& directory :
       without_replicas_ ? std::vector<std::string>() : config.backup.replicas) {
    MC_ASSIGN(const bool is_there, env_.files().exists(directory));
    if (!is_there) {
      return fail(Code::kUnavailable, "{} of backup.replicas is not there", directory)
          .hint("mount it; or --without-replicas, which gives up what came after the newest point");
    }
  }
  return {};
}

// Which points there are; none are read yet.
Result<void> RecoverDataCommand::open_points() {
  if (access_.has_identity()) {
    MC_ASSIGN(keys_, access_.keys(BackupAccess::Signer::kIgnored));
  }
  const Result<Config> config = access_.config_inside();
  const bool has_target = access_.has_from() || (config && !config->backup.targets.empty());
  if (without_point_ || !has_target) {
    return {};
  }
  MC_ASSIGN(place_, access_.place());
  MC_TRY(open_first_target(*place_));
  if (found_.empty()) {
    return {};
  }
  Result<recovery::ReadKeys> keys = access_.keys(BackupAccess::Signer::kRequired);
  if (!keys && !access_.has_identity()) {
    keys.error().set_hint(
        "--identity FILE, the one of mcp-agent backup key create; or --without-point to bring back "
        "databases from their replicas alone");
  }
  MC_ASSIGN(keys_, std::move(keys));
  return {};
}

// The first that answers.
Result<void> RecoverDataCommand::open_first_target(const BackupAccess::Place& place) {
  std::optional<dsl::Error> first;
  for (const std::string& url : place.urls) {
    Result<std::unique_ptr<recovery::Target>> target = recovery::open_target(env_, url, place.ssh);
    Result<std::vector<recovery::FoundPoint>> found =
        target ? recovery::points_of(**target) : tl::unexpected(target.error());
    if (found) {
      target_ = std::move(*target);
      found_ = std::move(*found);
      return {};
    }
    std::fprintf(stderr, "warning: %s: %s\n", url.c_str(), found.error().message().c_str());
    first = first ? first : found.error();
  }
  return fail(Code::kUnavailable, "no target has answered: {}", first->message())
      .hint("--from URL names another one; --without-point looks at replicas alone");
}

// The newest point that has the unit.
Result<std::optional<std::size_t>> RecoverDataCommand::point_with(const std::string& unit) {
  const auto has = [&](const FromPoint& each) { return each.manifest.unit(unit) != nullptr; };
  const auto known = std::find_if(points_.begin(), points_.end(), has);
  if (known != points_.end()) {
    return static_cast<std::size_t>(known - points_.begin());
  }
  while (looked_at_ < found_.size()) {
    const recovery::FoundPoint& point = found_[looked_at_++];
    if (!point.has_signature || !point.has_manifest) {
      continue;  // it was cut off
    }
    MC_ASSIGN(recovery::Manifest manifest, access_.manifest_of(*target_, *place_, point, keys_));
    points_.push_back({point, std::move(manifest)});
    if (has(points_.back())) {
      return points_.size() - 1;
    }
  }
  return std::nullopt;
}

const recovery::Manifest* RecoverDataCommand::manifest_of(const Unit& unit) const {
  return unit.point ? &points_[*unit.point].manifest : nullptr;
}

Result<void> RecoverDataCommand::look_at(const Config& config, Unit& unit) {
  if (!without_replicas_) {
    for (const std::string& directory : replica_directories(config)) {
      unit.place.mirrors.push_back(directory + "/" + unit.place.name);
    }
  }
  MC_ASSIGN(unit.point, point_with(unit.place.name));
  MC_ASSIGN(unit.replicas, recovery::find_replicas(env_, unit.place, manifest_of(unit)));
  MC_ASSIGN(unit.losses, recovery::find_losses(env_, unit.place, manifest_of(unit), unit.replicas));
  return {};
}

Result<std::vector<RecoverDataCommand::Unit>> RecoverDataCommand::look(const Config& config,
                                                                       Registry& registry) {
  MC_ASSIGN(const std::vector<recovery::Unit> known, backup_units(config, registry, services_));
  std::vector<Unit> units;
  cli::Progress progress(globals_);
  for (const recovery::Unit& each : known) {
    if (each.name == kAgentUnit) {
      continue;
    }
    progress.step(0, 0, each.name, "look");
    Unit unit;
    unit.place = {.name = each.name, .root = each.root};
    const Result<void> looked = look_at(config, unit);
    // A key that is wrong is so for all of them.
    if (!looked && looked.error().code() == Code::kWrongKey) {
      return tl::unexpected(looked.error());
    }
    if (!looked) {
      unit.error = looked.error();
    }
    units.push_back(std::move(unit));
  }
  return units;
}

recovery::UnitLosses RecoverDataCommand::wanted(const Unit& unit) const {
  return services_.empty() ? unit.losses.certain_ones() : unit.losses;
}

void RecoverDataCommand::make_plan(Unit& unit) {
  cli::Progress progress(globals_);
  std::string said;
  std::optional<recovery::Manifest> manifest;
  if (unit.point) {
    manifest = points_[*unit.point].manifest;
  }
  Result<UnitRecovery> plan =
      recovery::plan_unit_recovery(env_, unit.place, wanted(unit), std::move(manifest),
                                   unit.replicas, keys_.identities, [&](const std::string& what) {
                                     if (what != said) {
                                       progress.step(0, 0, unit.place.name, what);
                                       said = what;
                                     }
                                   });
  unit.plan.reset();
  if (plan) {
    unit.plan = std::move(*plan);
    return;
  }
  unit.error = plan.error();
  if (unit.error->code() == Code::kDataLoss) {
    unit.error->set_hint("--without-replicas takes the newest point in place of the replica");
  }
}

std::string RecoverDataCommand::outcome_text(const Unit& unit) const {
  if (unit.error) {
    return "not: " + unit.error->message();
  }
  if (unit.plan) {
    return sources_of(*unit.plan);
  }
  return unit.losses.items.empty() ? "" : "only when the service is named";
}

void RecoverDataCommand::print_plan(const std::vector<Unit>& units) const {
  json::array rows;
  cli::Table table({{"SERVICE"}, {"LOST"}, {"COMES BACK"}});
  for (const Unit& unit : units) {
    const bool compared = unit.point || !unit.replicas.empty();
    const std::string lost = unit.losses.items.empty() && !compared && !unit.error
                                 ? "no point and no replica to compare with"
                                 : recovery::to_text(unit.losses);
    json::object row{{"unit", unit.place.name},
                     {"root", unit.place.root},
                     {"lost", lost},
                     {"items", unit.losses.items.size()},
                     {"error", unit.error ? unit.error->message() : ""}};
    row["plan"] = unit.plan ? to_json(*unit.plan) : json::value();
    rows.push_back(std::move(row));
    table.add({unit.place.name, unit.error ? "unknown" : lost, outcome_text(unit)});
  }
  std::printf("%s", globals_.output == cli::Output::kJson
                        ? (json::serialize(json::object{{"units", rows}}) + "\n").c_str()
                        : table.render(globals_).c_str());
}

// Only what loses data asks.
Result<bool> RecoverDataCommand::confirm(const std::vector<Unit>& units) const {
  const bool any = std::any_of(units.begin(), units.end(), [](const Unit& unit) {
    return unit.plan && !unit.error && loses(*unit.plan);
  });
  return any ? cli::confirm(globals_,
                            "go on? What came after the point, and what has no copy, is lost.")
             : Result<bool>(true);
}

// Where the files of the unit's point lie, once they were fetched.
struct RecoverDataCommand::Fetched {
  std::unique_ptr<recovery::Scratch> scratch;
  std::unique_ptr<recovery::LocalPoint> local;  // what it fetched goes before the scratch
  recovery::PointSource source;
};

// Nothing, when the plan uses no point or it is there already.
Result<void> RecoverDataCommand::fetch(const Unit& unit, Fetched& fetched) {
  if (!unit.plan->uses_point() || fetched.local) {
    return {};
  }
  const recovery::FoundPoint& point = points_[*unit.point].point;
  MC_ASSIGN(recovery::Scratch made, recovery::Scratch::make(env_, place_->scratch));
  fetched.scratch = std::make_unique<recovery::Scratch>(std::move(made));
  fetched.local = std::make_unique<recovery::LocalPoint>(env_, *target_, fetched.scratch->path());
  fetched.source.seal = point.seal;
  MC_ASSIGN(fetched.source.signature, fetched.local->fetch(signature_name(point.id, point.seal)));
  MC_ASSIGN(fetched.source.archive, fetched.local->fetch(archive_name(point.id, point.seal)));
  return {};
}

Result<void> RecoverDataCommand::bring_back(const Config& config, Registry& registry, Unit& unit) {
  Fetched fetched;
  MC_TRY(fetch(unit, fetched));  // needs time, so before the service is stopped
  MC_ASSIGN(const bool was_halted, halted_for_data(env_, registry, unit.place.name));
  const recovery::RestorePlan planned = unit.plan->restore;
  RestoreGuard guard(env_, &config, planned, {.in_place = true, .older_ok = true});
  MC_TRY(guard.check());
  const auto carry_out = [&]() -> Result<void> {
    MC_TRY(guard.stop_services());
    // It went on until now, and so did whoever was at work in its directory.
    MC_ASSIGN(unit.losses,
              recovery::find_losses(env_, unit.place, manifest_of(unit), unit.replicas));
    if (wanted(unit).items.empty()) {
      return {};
    }
    make_plan(unit);
    if (unit.error) {
      return tl::unexpected(*unit.error);
    }
    MC_TRY(fetch(unit, fetched));
    cli::Progress progress(globals_);
    return recovery::carry_out(
        env_, *unit.plan, fetched.local ? &fetched.source : nullptr, keys_,
        [&](const std::string& what) { progress.step(0, 0, unit.place.name, what); });
  };
  const Result<void> done = carry_out();
  if (done && was_halted) {
    guard.start_too(unit.place.name);
  }
  // What was stopped is started again also when nothing came back.
  Result<void> started = guard.start_services();
  MC_TRY(done);
  return started;
}

// One that was stopped for lost data which is there again, by whoever's hand.
Result<void> RecoverDataCommand::start_halted(const Config& config, Registry& registry,
                                              const Unit& unit) {
  MC_ASSIGN(const bool was_halted, halted_for_data(env_, registry, unit.place.name));
  if (!was_halted || unit.losses.certain()) {
    return {};
  }
  const recovery::RestorePlan nothing;
  RestoreGuard guard(env_, &config, nothing, {});
  guard.start_too(unit.place.name);
  return guard.start_services();
}

// Without an agent containers are left alone: this process is another user's namespace.
Result<int> RecoverDataCommand::end(const Config& config, bool all_went_well) {
  if (!agent_answers(env_, config)) {
    std::fprintf(stderr,
                 "the agent does not run, so no container was looked at\n"
                 "hint: start it, then run this again\n");
    return dsl::kExitPartial;
  }
  MC_ASSIGN(const int containers, recover_containers_(services_));
  return all_went_well || containers != dsl::kExitOk ? containers
                                                     : static_cast<int>(dsl::kExitPartial);
}

Result<int> RecoverDataCommand::run() {
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_TRY(check_request(config));
  MC_ASSIGN(const auto registry, Registry::open_as_guest(env_, config.database_path));
  MC_TRY(open_points());
  MC_ASSIGN(std::vector<Unit> units, look(config, *registry));
  for (Unit& unit : units) {
    if (!unit.error && !wanted(unit).items.empty()) {
      make_plan(unit);
    }
  }
  print_plan(units);
  const auto has_error = [](const Unit& unit) { return unit.error.has_value(); };
  // The only one that was asked for: its error is the command's.
  if (services_.size() == 1 && has_error(units.front())) {
    return tl::unexpected(*units.front().error);
  }
  if (globals_.dry_run) {
    const bool any = std::any_of(units.begin(), units.end(),
                                 [](const Unit& unit) { return unit.plan.has_value(); });
    return std::any_of(units.begin(), units.end(), has_error) ? dsl::kExitPartial
           : any                                              ? dsl::kExitChangesNeeded
                                                              : dsl::kExitOk;
  }
  MC_ASSIGN(const bool agreed, confirm(units));
  if (!agreed) {
    return dsl::kExitFailed;
  }
  for (Unit& unit : units) {
    if (unit.error) {
      continue;
    }
    const bool planned = unit.plan.has_value();
    const Result<void> done =
        planned ? bring_back(config, *registry, unit) : start_halted(config, *registry, unit);
    if (!done) {
      unit.error = done.error();
      std::fprintf(stderr, "%s: %s\n", unit.place.name.c_str(), done.error().render().c_str());
    } else if (planned && !globals_.quiet && globals_.output != cli::Output::kJson) {
      std::printf("%s: its data is back; mcp-agent backup undo takes the last one back\n",
                  unit.place.name.c_str());
    }
  }
  if (services_.size() == 1 && has_error(units.front())) {
    return units.front().error->exit_code();
  }
  return end(config, std::none_of(units.begin(), units.end(), has_error));
}

}  // namespace mcp::agent
