#include "mcp/recovery/stage.h"

#include <algorithm>

#include "dsl/db/database.h"
#include "dsl/env/path.h"
#include "mcp/recovery/scratch.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;
using dsl::env::folder_of;

namespace {

constexpr std::string_view kStageFolder = ".mc-restore";
constexpr std::string_view kTrashFolder = ".trash";
constexpr std::string_view kImagesUnit = "images";
constexpr std::uint32_t kPrivate = 0700;
constexpr std::uint32_t kShared = 0755;  // above units
constexpr std::size_t kChecksMax = 2;    // at work beside the unpacking

}  // namespace

std::string time_stamp(dsl::env::Env& env) {
  std::string out = dsl::env::format_time(env.clock().now());
  std::erase_if(out, [](char c) { return c == '-' || c == ':' || c == '.'; });
  return out;
}

std::string unit_of(const std::string& path) { return path.substr(0, path.find('/')); }

std::string below_unit(const std::string& path) {
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(slash + 1);
}

std::string place_of(const RestoreStep& step) {
  return step.shares_root ? step.root : folder_of(step.root);
}

std::string trash_of(const std::string& parent) { return text("{}/{}", parent, kTrashFolder); }

std::string stage_folder(const RestorePlan& plan, const RestoreStep& step) {
  return text("{}/{}/{}/{}", place_of(step), kStageFolder, plan.manifest.id, step.unit);
}

Stage::Stage(dsl::env::Env& env, const RestorePlan& plan, RestoreProgress progress)
    : env_(env), plan_(plan), progress_(std::move(progress)) {
  for (const FileRecord& file : plan.manifest.files) {
    if (file.database) {
      databases_.insert(file.entry.path);
    }
  }
}

Stage::~Stage() {
  checks_.clear();  // each is waited for
  for (const auto& [name, partial] : images_) {
    (void)env_.files().remove(partial);
  }
  for (const RestoreStep& step : plan_.steps) {
    remove(step);  // of one that failed; what was taken from it is there no more
  }
  for (const std::string& directory : made_) {
    (void)env_.files().remove(directory);  // unless something is in it
  }
}

Result<void> Stage::prepare() {
  for (const RestoreStep& step : plan_.steps) {
    MC_TRY(remove_tree(env_.files(), folder(step)));
    MC_ASSIGN(const bool is_there, env_.files().exists(place_of(step)));
    if (!is_there) {
      made_.push_back(place_of(step));
      MC_TRY(env_.files().make_directories(place_of(step), kShared));
    }
    MC_TRY(env_.files().make_directories(folder(step), kPrivate));
    MC_ASSIGN(Unpacker unpacker, Unpacker::open(folder(step)));
    unpackers_.emplace(step.unit, std::move(unpacker));
  }
  return {};
}

Result<Manifest> Stage::fill(const PointSource& source, const ReadKeys& keys) {
  MC_ASSIGN(Manifest manifest,
            read_point(env_, source, keys, [this](const TarEntry& entry, const auto& content) {
              return add(entry, content);
            }));
  if (manifest.id != plan_.manifest.id) {
    return fail(Code::kDataLoss, "the archive is of {} and its manifest of {}", manifest.id,
                plan_.manifest.id);
  }
  return manifest;
}

Result<void> Stage::add(const TarEntry& entry, const dsl::archive::Source& content) {
  if (unit_of(entry.path) == kImagesUnit) {
    return add_image(entry, content);
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
  return databases_.contains(entry.path)
             ? check_soon(entry.path,
                          folder(*step_of(unpacker->first)) + "/" + below_unit(entry.path))
             : Result<void>();
}

Result<void> Stage::check_soon(const std::string& path, const std::string& file) {
  if (checks_.size() == kChecksMax) {
    MC_TRY(wait_for_check(checks_.begin()->first));
  }
  checks_[path] = std::async(std::launch::async,
                             [this, file] { return dsl::db::Database::check_file(env_, file); });
  return {};
}

Result<void> Stage::wait_for_check(const std::string& path) {
  const Result<void> found = checks_.at(path).get();
  checks_.erase(path);
  checked_.insert(path);
  return dsl::with_context(found, path);
}

Result<void> Stage::check_databases(const Manifest& manifest) {
  for (const FileRecord& file : manifest.files) {
    const std::string& path = file.entry.path;
    const RestoreStep* step = step_of(unit_of(path));
    if (step == nullptr || !file.database || checked_.contains(path)) {
      continue;
    }
    progress_(step->unit, bytes_);
    if (!checks_.contains(path)) {
      MC_TRY(check_soon(path, folder(*step) + "/" + below_unit(path)));
    }
    MC_TRY(wait_for_check(path));
  }
  return {};
}

Result<void> Stage::finish() {
  for (auto& [unit, unpacker] : unpackers_) {
    MC_TRY(unpacker.finish());
  }
  return {};
}

Result<void> Stage::put_in_place(const std::vector<Move>& moves) {
  MC_TRY(write_record(moves));
  for (const Move& move : moves) {
    MC_TRY(dsl::with_context(recovery::put_in_place(env_, move), move.unit));
  }
  return put_images();
}

const RestoreStep* Stage::step_of(const std::string& unit) const {
  const auto found = std::find_if(plan_.steps.begin(), plan_.steps.end(),
                                  [&](const RestoreStep& step) { return step.unit == unit; });
  return found == plan_.steps.end() ? nullptr : &*found;
}

Result<void> Stage::write_record(const std::vector<Move>& moves) {
  const std::string trash = trash_of(place_of(plan_.steps.front()));
  MC_TRY(env_.files().make_directories(trash, kPrivate));
  return env_.files().write_file(
      text("{}/{}{}{}", trash, kRecordPrefix, time_stamp(env_), kRecordSuffix),
      record_of(plan_.manifest.id, moves), 0600);
}

// Archives that are there already stay as they are.
Result<void> Stage::put_images() {
  for (const auto& [name, partial] : images_) {
    MC_TRY(env_.files().rename(partial, plan_.images_to + "/" + name));
  }
  const bool any = !images_.empty();
  images_.clear();
  return any ? env_.files().sync_directory(plan_.images_to) : Result<void>();
}

void Stage::remove(const RestoreStep& step) {
  (void)remove_tree(env_.files(), folder(step));
  (void)env_.files().remove(folder_of(folder(step)));
  (void)env_.files().remove(folder_of(folder_of(folder(step))));  // unless others are at work there
}

Result<void> Stage::add_image(const TarEntry& entry, const dsl::archive::Source& content) {
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

}  // namespace mcp::recovery
