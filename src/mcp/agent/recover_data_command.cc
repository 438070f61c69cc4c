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

// "ledger.db to 2026-11-26T08:00:01.250Z from its replica; files of the point of ..."
std::string sources_of(const UnitRecovery& plan) {
  std::string out;
  for (const recovery::ReplayedDatabase& database : plan.databases) {
    out += text("{}{} from its replica, to {}", out.empty() ? "" : "; ", database.replica.database,
                dsl::env::format_time(database.plan.commit.time));
  }
  if (plan.uses_point()) {
    out += text("{}the rest from the point of {}", out.empty() ? "" : "; ",
                moment(plan.restore.manifest.begun_ms));
  }
  return out;
}

json::object to_json(const recovery::UnitPlace& unit, const recovery::UnitLosses& losses,
                     const UnitRecovery* plan) {
  json::object row{{"unit", unit.name},
                   {"root", unit.root},
                   {"lost", recovery::to_text(losses)},
                   {"items", losses.items.size()}};
  if (plan != nullptr) {
    json::array databases;
    for (const recovery::ReplayedDatabase& database : plan->databases) {
      databases.push_back(
          {{"database", database.replica.database},
           {"mirror", database.plan.source},
           {"reached_ms", database.plan.commit.time.time_since_epoch().count()}});
    }
    row["databases"] = std::move(databases);
    row["point"] = plan->uses_point() ? plan->restore.manifest.id : "";
  }
  return row;
}

}  // namespace

cli::Command RecoverDataCommand::command() {
  cli::Command command{
      .name = "recover-data",
      .summary = "Brings back what services have lost of their data, then their containers.",
      .description =
          "Looks at every service's directory: is it there, and are its databases there and whole? "
          "A lost database comes from its replica, to the last commit that was stored; what has no "
          "replica, and files, come from the newest point that has the service. What is still there "
          "stays. A plan is shown first; a service that runs is stopped for it, and started again. "
          "Files that the point has and the directory lacks come back only for services that are "
          "named: they may have been removed on purpose.\n"
          "Exit code with --dry-run: 0 nothing is lost, 10 something is.",
      .examples = {"mcp-agent recover-data --dry-run --identity id.txt",
                   "mcp-agent recover-data ledger --identity id.txt",
                   "mcp-agent recover-data ledger --without-point"},
      .options = {{.name = "SERVICE", .target = &services_, .help = "only these; nothing: all"},
                  {.name = "--without-point",
                   .target = &without_point_,
                   .help = "from replicas only; looks at no backup"}},
      .run = [this] { return run(); }};
  for (cli::Option& option : access_.reading()) {
    command.options.push_back(std::move(option));
  }
  return command;
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
  MC_ASSIGN(target_, recovery::open_target(env_, place_->urls.front(), place_->ssh));
  MC_ASSIGN(found_, recovery::points_of(*target_));
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
    for (const std::string& directory : replica_directories(config)) {
      unit.place.mirrors.push_back(directory + "/" + each.name);
    }
    MC_ASSIGN(unit.point, point_with(each.name));
    const recovery::Manifest* manifest = unit.point ? &points_[*unit.point].manifest : nullptr;
    MC_ASSIGN(unit.replicas, recovery::find_replicas(env_, unit.place, manifest));
    MC_ASSIGN(unit.losses, recovery::find_losses(env_, unit.place, manifest, unit.replicas));
    units.push_back(std::move(unit));
  }
  return units;
}

bool RecoverDataCommand::is_wanted(const Unit& unit) const {
  return unit.losses.certain() || (!unit.losses.items.empty() && !services_.empty());
}

Result<UnitRecovery> RecoverDataCommand::plan(const Unit& unit) {
  cli::Progress progress(globals_);
  std::optional<recovery::Manifest> manifest;
  if (unit.point) {
    manifest = points_[*unit.point].manifest;
  }
  return dsl::with_context(
      recovery::plan_unit_recovery(
          env_, unit.place, unit.losses, std::move(manifest), unit.replicas, keys_.identities,
          [&](const std::string& what) { progress.step(0, 0, unit.place.name, what); }),
      unit.place.name);
}

void RecoverDataCommand::print_plan(const std::vector<Unit>& units,
                                    const std::vector<UnitRecovery>& plans) const {
  json::array rows;
  cli::Table table({{"SERVICE"}, {"LOST"}, {"COMES BACK"}});
  for (const Unit& unit : units) {
    const auto plan = std::find_if(plans.begin(), plans.end(), [&](const UnitRecovery& each) {
      return each.unit.name == unit.place.name;
    });
    const bool any = plan != plans.end();
    rows.push_back(to_json(unit.place, unit.losses, any ? &*plan : nullptr));
    table.add({unit.place.name, recovery::to_text(unit.losses),
               any                         ? sources_of(*plan)
               : unit.losses.items.empty() ? ""
                                           : "name the service to bring them back"});
  }
  std::printf("%s", globals_.output == cli::Output::kJson
                        ? (json::serialize(json::object{{"units", rows}}) + "\n").c_str()
                        : table.render(globals_).c_str());
}

// Only what loses data asks.
Result<bool> RecoverDataCommand::confirm(const std::vector<UnitRecovery>& plans) const {
  const bool loses = std::any_of(plans.begin(), plans.end(),
                                 [](const UnitRecovery& plan) { return plan.uses_point(); });
  if (!loses) {
    return true;
  }
  return cli::confirm(globals_, "bring back what the point has? What was changed after it is lost.");
}

Result<void> RecoverDataCommand::bring_back(const Config& config, Registry& registry,
                                            const Unit& unit, UnitRecovery recovery) {
  // What needs time is done before the service is stopped.
  std::unique_ptr<recovery::Scratch> scratch;
  std::optional<recovery::LocalPoint> local;
  recovery::PointSource source;
  if (recovery.uses_point()) {
    const recovery::FoundPoint& point = points_[*unit.point].point;
    MC_ASSIGN(recovery::Scratch made, recovery::Scratch::make(env_, place_->scratch));
    scratch = std::make_unique<recovery::Scratch>(std::move(made));
    local.emplace(env_, *target_, scratch->path());
    source.seal = point.seal;
    MC_ASSIGN(source.signature, local->fetch(signature_name(point.id, point.seal)));
    MC_ASSIGN(source.archive, local->fetch(archive_name(point.id, point.seal)));
  }
  MC_ASSIGN(const bool was_halted, halted_for_data(env_, registry, unit.place.name));
  RestoreGuard guard(env_, &config, recovery.restore, {.in_place = true, .older_ok = true});
  MC_TRY(guard.check());
  Result<void> done = guard.stop_services();
  if (done && guard.has_stopped()) {
    // It went on until now: its replica has more.
    Result<UnitRecovery> later = plan(unit);
    done = later ? Result<void>() : tl::unexpected(later.error());
    recovery = later ? *std::move(later) : std::move(recovery);
  }
  if (done) {
    cli::Progress progress(globals_);
    done = recovery::carry_out(
        env_, recovery, source.archive.empty() ? nullptr : &source, keys_,
        [&](const std::string& what) { progress.step(0, 0, unit.place.name, what); });
  }
  if (done && was_halted) {
    guard.start_too(unit.place.name);
  }
  // What was stopped is started again also when nothing came back.
  Result<void> started = guard.start_services();
  MC_TRY(dsl::with_context(done, unit.place.name));
  return started;
}

Result<int> RecoverDataCommand::run() {
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_ASSIGN(const auto registry, Registry::open_as_guest(env_, config.database_path));
  MC_TRY(open_points());
  MC_ASSIGN(const std::vector<Unit> units, look(config, *registry));
  std::vector<UnitRecovery> plans;
  for (const Unit& unit : units) {
    if (is_wanted(unit)) {
      MC_ASSIGN(UnitRecovery one, plan(unit));
      plans.push_back(std::move(one));
    }
  }
  print_plan(units, plans);
  if (globals_.dry_run) {
    return plans.empty() ? dsl::kExitOk : dsl::kExitChangesNeeded;
  }
  MC_ASSIGN(const bool agreed, confirm(plans));
  if (!agreed) {
    return dsl::kExitFailed;
  }
  for (UnitRecovery& each : plans) {
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& one) {
      return one.place.name == each.unit.name;
    });
    const std::string name = each.unit.name;
    MC_TRY(bring_back(config, *registry, *unit, std::move(each)));
    if (!globals_.quiet && globals_.output != cli::Output::kJson) {
      std::printf("%s: its data is back; mcp-agent backup undo takes it back\n", name.c_str());
    }
  }
  return recover_containers_(services_);
}

}  // namespace mcp::agent
