#include "mcp/recovery/restore.h"

#include <algorithm>

#include "dsl/db/database.h"
#include "dsl/env/path.h"
#include "dsl/restore/swap.h"
#include "mcp/recovery/exchange.h"
#include "mcp/recovery/scratch.h"
#include "mcp/recovery/tree.h"
#include "mcp/recovery/unpack.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;
using dsl::env::folder_of;
using dsl::env::name_of;

namespace {

constexpr std::string_view kStageFolder = ".mc-restore";
constexpr std::string_view kTrashFolder = ".trash";
constexpr std::string_view kRecordPrefix = "restore-";
constexpr std::string_view kRecordSuffix = ".json";
constexpr std::string_view kImagesUnit = "images";
constexpr std::uint64_t kSpareBytes = 64u << 20;
constexpr std::uint32_t kPrivate = 0700;

std::string stamp(dsl::env::Env& env) {
  std::string out = dsl::env::format_time(env.clock().now());
  std::erase_if(out, [](char c) { return c == '-' || c == ':' || c == '.'; });
  return out;
}

std::string trash_of(const std::string& parent) { return text("{}/{}", parent, kTrashFolder); }

// "mcr" of "mcr/data/x" and of "mcr".
std::string unit_of(const std::string& path) { return path.substr(0, path.find('/')); }
// "data/x" of "mcr/data/x", nothing of "mcr".
std::string below_unit(const std::string& path) {
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(slash + 1);
}

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

// Where a unit is unpacked: beside where it will be, so that it can be renamed.
// A directory that is shared stays, so its members are made within it.
std::string place_of(const RestoreStep& step) {
  return step.shares_root ? step.root : folder_of(step.root);
}
std::string stage_of(const RestorePlan& plan, const RestoreStep& step) {
  return text("{}/{}/{}/{}", place_of(step), kStageFolder, plan.manifest.id, step.unit);
}

class Restore {
 public:
  Restore(dsl::env::Env& env, const RestorePlan& plan, const RestoreProgress& progress)
      : env_(env), plan_(plan), progress_(progress) {}
  ~Restore() {
    for (const auto& [name, partial] : images_) {
      (void)env_.files().remove(partial);
    }
    for (const RestoreStep& step : plan_.steps) {
      remove_stage(step);  // of one that failed; what was taken from it is there no more
    }
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

  Result<void> prepare() {
    for (const RestoreStep& step : plan_.steps) {
      const std::string stage = stage_of(plan_, step);
      MC_TRY(remove_tree(env_.files(), stage));
      MC_TRY(env_.files().make_directories(stage, kPrivate));
      MC_ASSIGN(Unpacker unpacker, Unpacker::open(stage));
      unpackers_.emplace(step.unit, std::move(unpacker));
    }
    return {};
  }

  Result<void> entry(const TarEntry& entry, const dsl::archive::Source& content) {
    if (unit_of(entry.path) == kImagesUnit) {
      return image(entry, content);
    }
    const auto unpacker = unpackers_.find(unit_of(entry.path));
    if (unpacker == unpackers_.end()) {
      return {};
    }
    if (entry.kind == TarKind::kHardLink && unit_of(entry.link) != unit_of(entry.path)) {
      return fail(Code::kDataLoss, "{} is a link into another unit", entry.path);
    }
    MC_TRY(unpacker->second.add(entry, below_unit(entry.path), below_unit(entry.link), content));
    bytes_ += entry.size_bytes;
    progress_(unpacker->first, bytes_);
    return {};
  }

  // Every database is opened and looked through before it takes its place.
  Result<void> finish(const Manifest& manifest) {
    for (const FileRecord& file : manifest.files) {
      const RestoreStep* step = step_of(unit_of(file.entry.path));
      if (step != nullptr && file.database) {
        const std::string path = stage_of(plan_, *step) + "/" + below_unit(file.entry.path);
        progress_(step->unit, bytes_);
        MC_TRY(dsl::with_context(dsl::db::Database::check_file(env_, path), file.entry.path));
      }
    }
    for (auto& [unit, unpacker] : unpackers_) {
      MC_TRY(unpacker.finish());
    }
    return {};
  }

  Result<void> put_in_place(const Manifest& manifest) {
    std::vector<Move> moves;
    for (const RestoreStep& step : plan_.steps) {
      MC_TRY(step.shares_root ? add_members(step, manifest, moves) : add_whole(step, moves));
    }
    MC_TRY(write_record(moves));
    for (const Move& move : moves) {
      MC_TRY(dsl::with_context(recovery::put_in_place(env_, move), move.unit));
    }
    return put_images();
  }

 private:
  Result<void> add_whole(const RestoreStep& step, std::vector<Move>& moves) const {
    moves.push_back({.unit = step.unit,
                     .fresh = stage_of(plan_, step),
                     .root = step.root,
                     .set_aside = step.set_aside});
    return {};
  }

  // What lies at the top of the unit, one by one.
  Result<void> add_members(const RestoreStep& step, const Manifest& manifest,
                           std::vector<Move>& moves) const {
    MC_TRY(env_.files().make_directories(step.root, kPrivate));
    for (const FileRecord& file : manifest.files) {
      const std::string below = below_unit(file.entry.path);
      if (unit_of(file.entry.path) != step.unit || below.empty() ||
          below.find('/') != std::string::npos) {
        continue;
      }
      Move move{.kind = file.database ? Move::Kind::kDatabase : Move::Kind::kTree,
                .unit = step.unit,
                .fresh = stage_of(plan_, step) + "/" + below,
                .root = step.root + "/" + below};
      MC_ASSIGN(const bool is_there, env_.files().exists(move.root));
      if (is_there && file.database) {
        MC_ASSIGN(const auto aside, dsl::restore::what_to_set_aside(env_, move.root));
        move.set_aside = aside.name;
      } else if (is_there) {
        move.set_aside = step.set_aside + "/" + below;
      }
      moves.push_back(std::move(move));
    }
    return {};
  }

  const RestoreStep* step_of(const std::string& unit) const {
    const auto found = std::find_if(plan_.steps.begin(), plan_.steps.end(),
                                    [&](const RestoreStep& step) { return step.unit == unit; });
    return found == plan_.steps.end() ? nullptr : &*found;
  }

  // What `undo` goes by; there before the first name changes.
  Result<void> write_record(const std::vector<Move>& moves) {
    const std::string trash = trash_of(place_of(plan_.steps.front()));
    MC_TRY(env_.files().make_directories(trash, kPrivate));
    return env_.files().write_file(
        text("{}/{}{}{}", trash, kRecordPrefix, stamp(env_), kRecordSuffix),
        record_of(plan_.manifest.id, moves), 0600);
  }

  // Archives that are there already stay as they are.
  Result<void> put_images() {
    for (const auto& [name, partial] : images_) {
      MC_TRY(env_.files().rename(partial, plan_.images_to + "/" + name));
    }
    const bool any = !images_.empty();
    images_.clear();
    return any ? env_.files().sync_directory(plan_.images_to) : Result<void>();
  }

  void remove_stage(const RestoreStep& step) {
    const std::string stage = stage_of(plan_, step);
    (void)remove_tree(env_.files(), stage);
    (void)env_.files().remove(folder_of(stage));
    (void)env_.files().remove(folder_of(folder_of(stage)));  // unless others are at work there
  }

  Result<void> image(const TarEntry& entry, const dsl::archive::Source& content) {
    const std::string name = below_unit(entry.path);
    if (plan_.images_to.empty() || name.empty() || name.find('/') != std::string::npos ||
        entry.kind != TarKind::kFile) {
      return {};
    }
    MC_TRY(env_.files().make_directories(plan_.images_to, 0750));
    MC_ASSIGN(const bool is_there, env_.files().exists(plan_.images_to + "/" + name));
    if (is_there) {
      return {};
    }
    const std::string partial = plan_.images_to + "/" + name + ".partial";
    (void)env_.files().remove(partial);         // of one that was cut off
    MC_TRY(write_out(env_, partial, content));  // its name comes when the whole point was in order
    images_.emplace_back(name, partial);
    return {};
  }

  dsl::env::Env& env_;
  const RestorePlan& plan_;
  const RestoreProgress& progress_;
  std::map<std::string, Unpacker> unpackers_;
  std::vector<std::pair<std::string, std::string>> images_;  // name, where it lies until the end
  std::uint64_t bytes_ = 0;
};

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
  const std::string now = stamp(env);
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
  MC_TRY(env.files().make_directories(parent, 0755));
  MC_ASSIGN(const std::uint64_t free, env.files().free_bytes(parent));
  if (free < plan.bytes_needed + kSpareBytes) {
    return fail(Code::kNoSpace, "{} has {} MiB free, the restore needs {} MiB", parent, free >> 20,
                (plan.bytes_needed + kSpareBytes) >> 20)
        .hint("free some space, or restore single units with --service; nothing was changed");
  }
  return plan;
}

Result<void> carry_out(dsl::env::Env& env, const RestorePlan& plan, const PointSource& source,
                       const ReadKeys& keys, const RestoreProgress& progress) {
  Restore restore(env, plan, progress);
  MC_TRY(restore.prepare());
  MC_ASSIGN(const Manifest manifest,
            read_point(env, source, keys, [&](const TarEntry& entry, const auto& content) {
              return restore.entry(entry, content);
            }));
  if (manifest.id != plan.manifest.id) {
    return fail(Code::kDataLoss, "the archive is of {} and its manifest of {}", manifest.id,
                plan.manifest.id);
  }
  MC_TRY(restore.finish(manifest));
  return restore.put_in_place(manifest);
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
    const std::string aside =
        text("{}/{}-{}-undone", trash_of(folder_of(move->root)), name_of(move->root), stamp(env));
    MC_ASSIGN(const Move back, take_back(env, *move, aside));
    undone.push_back({back.unit, back.root, back.set_aside});
  }
  MC_TRY(env.files().rename(record, record + ".undone"));
  MC_TRY(env.files().sync_directory(folder_of(record)));
  return undone;
}

}  // namespace mcp::recovery
