#include "mcp/recovery/restore.h"

#include <algorithm>

#include "dsl/env/path.h"
#include "dsl/restore/swap.h"
#include "mcp/recovery/stage.h"
#include "mcp/recovery/tree.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::env::folder_of;
using dsl::env::name_of;

namespace {

constexpr std::uint64_t kSpareBytes = 64u << 20;
constexpr std::uint32_t kPrivate = 0700;

Result<std::int64_t> newest_in(const std::string& root) {
  std::int64_t newest = 0;
  const TreeVisit visit{.leave_out = [](const std::string&) { return false; },
                        .item = [&](TreeItem item) -> Result<void> {
                          newest = std::max(newest, item.entry.mtime_ns / 1'000'000);
                          return {};
                        },
                        .unreadable = [](const std::string&, const dsl::Error&) {}};
  Result<void> walked = walk_tree(root, visit);
  if (!walked && walked.error().code() != Code::kNotFound) {
    return tl::unexpected(walked.error());
  }
  return newest;
}

// Where `path` will lie, whether it is there yet or not.
Result<std::uint64_t> room_at(dsl::env::FileSystem& files, std::string path) {
  while (path.size() > 1 && !files.exists(path).value_or(true)) {
    path = folder_of(path);
  }
  return files.free_bytes(path);
}

// What lies at the top of the unit, one by one.
Result<void> add_members(dsl::env::Env& env, const Stage& stage, const RestoreStep& step,
                         const Manifest& manifest, std::vector<Move>& moves) {
  MC_TRY(env.files().make_directories(step.root, kPrivate));
  for (const FileRecord& file : manifest.files) {
    const std::string below = below_unit(file.entry.path);
    if (unit_of(file.entry.path) != step.unit || below.empty() ||
        below.find('/') != std::string::npos) {
      continue;
    }
    Move move{.kind = file.database ? Move::Kind::kDatabase : Move::Kind::kTree,
              .unit = step.unit,
              .fresh = stage.folder(step) + "/" + below,
              .root = step.root + "/" + below};
    MC_ASSIGN(const bool is_there, env.files().exists(move.root));
    if (is_there && file.database) {
      MC_ASSIGN(const auto aside, dsl::restore::what_to_set_aside(env, move.root));
      move.set_aside = aside.name;
    } else if (is_there) {
      move.set_aside = step.set_aside + "/" + below;
    }
    moves.push_back(std::move(move));
  }
  return {};
}

}  // namespace

Result<RestorePlan> plan_restore(dsl::env::Env& env, const RestoreRequest& request,
                                 Manifest manifest) {
  for (const std::string& name : request.units) {
    if (manifest.unit(name) == nullptr) {
      std::string known;
      for (const UnitRecord& unit : manifest.units) {
        known += (known.empty() ? "" : ", ") + unit.name;
      }
      return fail(Code::kNotFound, "{} is not in the point {}", name, manifest.id)
          .hint("it has " + known);
    }
  }
  RestorePlan plan;
  const std::string now = time_stamp(env);
  for (const UnitRecord& unit : manifest.units) {
    if (!request.units.empty() &&
        std::find(request.units.begin(), request.units.end(), unit.name) == request.units.end()) {
      continue;
    }
    RestoreStep step;
    step.unit = unit.name;
    step.shares_root = unit.shares_root && request.to.empty();
    const auto other = request.roots.find(unit.name);
    step.root = !request.to.empty()            ? request.to + "/" + unit.name
                : other != request.roots.end() ? other->second
                                               : unit.root;
    MC_ASSIGN(const bool is_there, env.files().exists(step.root));
    if (is_there && !request.to.empty()) {
      return fail(Code::kAlreadyExists, "{} is there already", step.root)
          .hint("name a new directory with --to");
    }
    if (is_there) {
      step.set_aside = text("{}/{}-{}", trash_of(place_of(step)), unit.name, now);
      MC_ASSIGN(step.live_newest_ms, newest_in(step.root));
    }
    for (const FileRecord& file : manifest.files) {
      if (unit_of(file.entry.path) == unit.name) {
        step.bytes += file.entry.size_bytes;
        ++step.files;
        step.databases += file.database ? 1U : 0U;
      }
    }
    plan.bytes_needed += step.bytes;
    plan.steps.push_back(std::move(step));
  }
  if (plan.steps.empty()) {
    return fail(Code::kNotFound, "the point {} has no units", manifest.id);
  }
  plan.images_to = request.images_to;
  plan.manifest = std::move(manifest);
  const std::string parent = place_of(plan.steps.front());
  MC_ASSIGN(const std::uint64_t free, room_at(env.files(), parent));
  if (free < plan.bytes_needed + kSpareBytes) {
    return fail(Code::kNoSpace, "{} has {} MiB free, the restore needs {} MiB", parent, free >> 20,
                (plan.bytes_needed + kSpareBytes) >> 20)
        .hint("free some space, or restore single units with --service; nothing was changed");
  }
  return plan;
}

Result<void> carry_out(dsl::env::Env& env, const RestorePlan& plan, const PointSource& source,
                       const ReadKeys& keys, const RestoreProgress& progress) {
  Stage stage(env, plan, progress);
  MC_TRY(stage.prepare());
  MC_ASSIGN(const Manifest manifest, stage.fill(source, keys));
  MC_TRY(stage.check_databases(manifest));
  MC_TRY(stage.finish());
  std::vector<Move> moves;
  for (const RestoreStep& step : plan.steps) {
    if (step.shares_root) {
      MC_TRY(add_members(env, stage, step, manifest, moves));
    } else {
      moves.push_back({.unit = step.unit,
                       .fresh = stage.folder(step),
                       .root = step.root,
                       .set_aside = step.set_aside});
    }
  }
  return stage.put_in_place(moves);
}

Result<std::string> last_record(dsl::env::Env& env, const std::string& parent) {
  const Result<std::vector<std::string>> names = env.files().list(trash_of(parent));
  std::string newest;
  for (const std::string& name : names.value_or(std::vector<std::string>{})) {
    if (name.starts_with(kRecordPrefix) && name.ends_with(kRecordSuffix)) {
      newest = name;  // they are sorted, by time
    }
  }
  if (newest.empty()) {
    return fail(Code::kNotFound, "no restore in {} is there to be undone", parent);
  }
  return trash_of(parent) + "/" + newest;
}

namespace {

Result<std::vector<Move>> read_record(dsl::env::Env& env, const std::string& record) {
  MC_ASSIGN(const std::string content, env.files().read_file(record));
  return dsl::with_context(parse_record(content), record);
}

}  // namespace

Result<std::vector<std::string>> units_of_record(dsl::env::Env& env, const std::string& record) {
  MC_ASSIGN(const std::vector<Move> moves, read_record(env, record));
  std::set<std::string> units;
  for (const Move& move : moves) {
    units.insert(move.unit);
  }
  return std::vector<std::string>(units.begin(), units.end());
}

Result<std::vector<Undone>> undo_restore(dsl::env::Env& env, const std::string& record) {
  MC_ASSIGN(const std::vector<Move> moves, read_record(env, record));
  std::vector<Undone> undone;
  for (auto move = moves.rbegin(); move != moves.rend(); ++move) {
    const std::string aside = text("{}/{}-{}-undone", trash_of(folder_of(move->root)),
                                   name_of(move->root), time_stamp(env));
    MC_ASSIGN(const Move back, take_back(env, *move, aside));
    undone.push_back({back.unit, back.root, back.set_aside});
  }
  MC_TRY(env.files().rename(record, record + ".undone"));
  MC_TRY(env.files().sync_directory(folder_of(record)));
  return undone;
}

}  // namespace mcp::recovery
