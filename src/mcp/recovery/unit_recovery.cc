#include "mcp/recovery/unit_recovery.h"

#include <algorithm>
#include <set>

#include "dsl/env/path.h"
#include "dsl/restore/swap.h"
#include "mcp/recovery/stage.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::env::folder_of;

namespace {

constexpr std::uint32_t kUnitMode = 0750;  // of a directory that no point tells of

const FileRecord* record_of_file(const Manifest& manifest, const UnitPlace& unit,
                                 const std::string& below) {
  const std::string path = unit.name + "/" + below;
  const auto found = std::find_if(manifest.files.begin(), manifest.files.end(),
                                  [&](const FileRecord& file) { return file.entry.path == path; });
  return found == manifest.files.end() ? nullptr : &*found;
}

// Stands for a point where there is none: it has the unit, and nothing of it.
Manifest nothing_of(const UnitPlace& unit) {
  Manifest manifest;
  manifest.id = "replica-" + unit.name;  // the same each time: what was cut off is found
  manifest.units.push_back({.name = unit.name, .root = unit.root});
  return manifest;
}

// Whether the database has to come back: all of the unit is lost, or it is.
bool is_lost(const UnitLosses& losses, const std::string& database) {
  return losses.whole() || std::any_of(losses.items.begin(), losses.items.end(),
                                       [&](const LostItem& item) { return item.path == database; });
}

// A replica that ends before the point was begun has nothing that the point lacks.
Result<void> plan_database(dsl::env::Env& env, const UnitReplica& replica,
                           const std::vector<dsl::archive::AgeIdentity>& identities,
                           const RecoveryProgress& progress, UnitRecovery& recovery) {
  const UnitPlace& unit = recovery.unit;
  const Manifest& manifest = recovery.restore.manifest;
  ReplayedDatabase database{.replica = replica};
  database.request.database = unit.root + "/" + replica.database;
  database.request.mirrors = replica.mirrors;
  database.request.to = folder_of(stage_folder(recovery.restore, recovery.restore.steps.front()) +
                                  "/" + replica.database);
  const FileRecord* record = record_of_file(manifest, unit, replica.database);
  const auto planned =
      dsl::restore::make_plan(env, database.request, identities,
                              [&](int, int, const std::string& what) { progress(what); });
  if (!planned && record != nullptr && planned.error().code() == Code::kNotFound) {
    return {};
  }
  MC_TRY(dsl::with_context(planned, replica.database));
  database.plan = *planned;
  if (record != nullptr) {
    const std::int64_t reached_ms = database.plan.commit.time.time_since_epoch().count();
    if (reached_ms < manifest.begun_ms) {
      return {};
    }
    database.mode = record->entry.mode;
    database.replica.uid = record->entry.uid;
    database.replica.gid = record->entry.gid;
  }
  recovery.databases.push_back(std::move(database));
  return {};
}

Result<void> check_sources(const UnitRecovery& recovery) {
  for (const LostItem& item : recovery.losses.items) {
    const bool is_replayed =
        std::any_of(recovery.databases.begin(), recovery.databases.end(),
                    [&](const auto& each) { return each.replica.database == item.path; });
    const bool has_source =
        item.path.empty()
            ? recovery.has_point || !recovery.databases.empty()
            : is_replayed || record_of_file(recovery.restore.manifest, recovery.unit, item.path);
    if (!has_source) {
      return fail(Code::kNotFound, "there is no copy of {}: no replica, and no point has it",
                  item.path.empty() ? recovery.unit.root : recovery.unit.root + "/" + item.path)
          .hint("name a target that has a point of it with --from");
    }
  }
  return {};
}

Result<void> replay(dsl::env::Env& env, const Stage& stage, const UnitRecovery& recovery,
                    const std::vector<dsl::archive::AgeIdentity>& identities,
                    const RecoveryProgress& progress) {
  const RestoreStep& step = recovery.restore.steps.front();
  for (const ReplayedDatabase& database : recovery.databases) {
    const std::string path = stage.folder(step) + "/" + database.replica.database;
    MC_TRY(dsl::restore::remove_if_there(env.files(), path));  // the point's
    MC_TRY(dsl::with_context(
        dsl::restore::carry_out(env, database.request, database.plan, identities,
                                [&](int, int, const std::string& what) { progress(what); }),
        database.replica.database));
    MC_TRY(env.files().set_mode(path, database.mode));
    MC_TRY(env.files().set_owner(path, database.replica.uid, database.replica.gid));
    if (!recovery.has_point) {
      MC_TRY(env.files().set_mode(stage.folder(step), kUnitMode));
      MC_TRY(env.files().set_owner(stage.folder(step), database.replica.uid, database.replica.gid));
    }
  }
  return {};
}

Result<Move> database_move(dsl::env::Env& env, const UnitRecovery& recovery,
                           const std::string& fresh, const std::string& below) {
  Move move{.kind = Move::Kind::kDatabase,
            .unit = recovery.unit.name,
            .fresh = fresh,
            .root = recovery.unit.root + "/" + below};
  MC_ASSIGN(const bool is_there, env.files().exists(move.root));
  if (is_there) {
    MC_ASSIGN(const auto aside, dsl::restore::what_to_set_aside(env, move.root));
    move.set_aside = aside.name;
  }
  return move;
}

bool is_below(const std::set<std::string>& trees, const std::string& path) {
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos;
       slash = path.rfind('/', slash - 1)) {
    if (trees.contains(path.substr(0, slash))) {
      return true;
    }
    if (slash == 0) {
      break;
    }
  }
  return false;
}

// Every directory on the way is one: a link would lead what comes back out of the unit.
Result<void> check_way(dsl::env::Env& env, const UnitPlace& unit, const std::string& below) {
  for (std::size_t slash = below.find('/'); slash != std::string::npos;
       slash = below.find('/', slash + 1)) {
    const std::string path = unit.root + "/" + below.substr(0, slash);
    const Result<dsl::env::FileInfo> info = env.files().stat(path, false);
    if (!info && info.error().code() == Code::kNotFound) {
      return {};  // it comes back with all below it
    }
    MC_TRY(info);
    if (info->kind != dsl::env::FileKind::kDirectory) {
      return fail(Code::kFailedPrecondition, "{} is not the directory any more that the point has",
                  path)
          .hint(
              text("nothing was changed; look at it, then: mcp backup restore latest --service {} "
                   "--to a new directory",
                   unit.name));
    }
  }
  return {};
}

// Of a unit that has lost a part of itself: what is lost, each by its topmost name.
Result<std::vector<Move>> moves_of_lost(dsl::env::Env& env, const Stage& stage,
                                        const UnitRecovery& recovery) {
  const std::string folder = stage.folder(recovery.restore.steps.front());
  std::vector<std::string> lost;
  std::set<std::string> databases;
  for (const LostItem& item : recovery.losses.items) {
    lost.push_back(item.path);
    if (item.loss != Loss::kFileMissing) {
      databases.insert(item.path);
    }
  }
  std::sort(lost.begin(), lost.end());  // a directory before what is in it
  std::vector<Move> moves;
  std::set<std::string> trees;  // that come back with all below them
  for (const std::string& below : lost) {
    if (is_below(trees, below)) {
      continue;
    }
    MC_TRY(check_way(env, recovery.unit, below));
    if (databases.contains(below)) {
      MC_ASSIGN(Move move, database_move(env, recovery, folder + "/" + below, below));
      moves.push_back(std::move(move));
      continue;
    }
    trees.insert(below);
    moves.push_back({.unit = recovery.unit.name,
                     .fresh = folder + "/" + below,
                     .root = recovery.unit.root + "/" + below});
  }
  return moves;
}

}  // namespace

bool UnitRecovery::uses_point() const {
  return has_point && (losses.whole() || losses.items.size() > databases.size());
}

Result<UnitRecovery> plan_unit_recovery(dsl::env::Env& env, const UnitPlace& unit,
                                        const UnitLosses& losses, std::optional<Manifest> point,
                                        const std::vector<UnitReplica>& replicas,
                                        const std::vector<dsl::archive::AgeIdentity>& identities,
                                        const RecoveryProgress& progress) {
  UnitRecovery recovery{.unit = unit, .losses = losses};
  recovery.has_point = point && point->unit(unit.name) != nullptr;
  MC_ASSIGN(recovery.restore,
            plan_restore(env, {.units = {unit.name}, .roots = {{unit.name, unit.root}}},
                         recovery.has_point ? *std::move(point) : nothing_of(unit)));
  for (const UnitReplica& replica : replicas) {
    if (is_lost(losses, replica.database)) {
      MC_TRY(plan_database(env, replica, identities, progress, recovery));
    }
  }
  MC_TRY(check_sources(recovery));
  // The replica's are looked through when they are made.
  std::erase_if(recovery.restore.manifest.files, [&](const FileRecord& file) {
    return std::any_of(recovery.databases.begin(), recovery.databases.end(),
                       [&](const auto& database) {
                         return file.entry.path == unit.name + "/" + database.replica.database;
                       });
  });
  return recovery;
}

Result<void> carry_out(dsl::env::Env& env, const UnitRecovery& recovery, const PointSource* source,
                       const ReadKeys& keys, const RecoveryProgress& progress) {
  const RestorePlan& plan = recovery.restore;
  if (recovery.uses_point() && source == nullptr) {
    return fail(Code::kInternal, "the point {} was not fetched", plan.manifest.id);
  }
  Stage stage(env, plan, [&](const std::string&, std::uint64_t) { progress("unpack the point"); });
  MC_TRY(stage.prepare());
  if (recovery.uses_point()) {
    MC_TRY(stage.fill(*source, keys));
    MC_TRY(stage.check_databases(plan.manifest));
  }
  MC_TRY(replay(env, stage, recovery, keys.identities, progress));
  MC_TRY(stage.finish());
  std::vector<Move> moves;
  if (recovery.losses.whole()) {
    const RestoreStep& step = plan.steps.front();
    moves.push_back({.unit = step.unit,
                     .fresh = stage.folder(step),
                     .root = step.root,
                     .set_aside = step.set_aside});
  } else {
    MC_ASSIGN(moves, moves_of_lost(env, stage, recovery));
  }
  return stage.put_in_place(moves);
}

}  // namespace mcp::recovery
