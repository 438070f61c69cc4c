#include "mcp/recovery/unit_data.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "dsl/db/image.h"
#include "dsl/env/path.h"
#include "dsl/replica/names.h"
#include "mcp/recovery/stage.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::size_t kNamedMax = 3;  // in a sentence

// Names of databases that a mirror has an epoch of.
Result<std::vector<std::string>> databases_in(dsl::env::FileSystem& files,
                                              const std::string& mirror) {
  std::vector<std::string> found;
  const Result<std::vector<std::string>> names = files.list(mirror);
  if (!names && names.error().code() == Code::kNotFound) {
    return found;
  }
  MC_TRY(names);
  for (const std::string& name : *names) {
    const Result<std::vector<std::string>> epochs = files.list(mirror + "/" + name);
    if (epochs && std::any_of(epochs->begin(), epochs->end(), [](const std::string& epoch) {
          return dsl::replica::parse_epoch(epoch).has_value();
        })) {
      found.push_back(name);
    }
  }
  return found;
}

// Where the unit's database of that name lies.
Result<std::string> place_in(const UnitPlace& unit, const Manifest* point,
                             const std::string& name) {
  std::vector<std::string> places;
  for (const FileRecord& file : point == nullptr ? std::vector<FileRecord>() : point->files) {
    const std::string below = below_unit(file.entry.path);
    if (file.database && unit_of(file.entry.path) == unit.name &&
        dsl::env::name_of(below) == name) {
      places.push_back(below);
    }
  }
  if (places.empty() || std::find(places.begin(), places.end(), name) != places.end()) {
    return name;
  }
  if (places.size() > 1) {
    return fail(Code::kFailedPrecondition, "{} has two databases called {} ({}, {})", unit.name,
                name, places[0], places[1])
        .hint(
            "which one the replica is of is not known: restore it by hand, "
            "docs/formats/replica.md");
  }
  return places.front();
}

bool is_certain(const LostItem& item) {
  return item.loss != Loss::kFileMissing &&
         (item.loss != Loss::kDatabaseMissing || item.replicated);
}

Result<void> look_at_database(dsl::env::Env& env, const std::string& root, const std::string& path,
                              bool is_replicated, UnitLosses& losses) {
  const Result<dsl::env::FileInfo> info = env.files().stat(root + "/" + path);
  if (!info && info.error().code() == Code::kNotFound) {
    losses.items.push_back({Loss::kDatabaseMissing, path, "", is_replicated});
    return {};
  }
  MC_TRY(info);
  if (info->kind != dsl::env::FileKind::kRegular || info->size_bytes == 0) {
    losses.items.push_back({Loss::kDatabaseDamaged, path, "it is no database any more"});
    return {};
  }
  const auto image = dsl::db::Image::pin(env, root + "/" + path);
  Result<void> checked = image ? (*image)->check() : tl::unexpected(image.error());
  if (!checked && checked.error().code() != Code::kDataLoss) {
    return checked;
  }
  if (!checked) {
    losses.items.push_back({Loss::kDatabaseDamaged, path, checked.error().message()});
  }
  return {};
}

std::string named(const UnitLosses& losses, Loss loss) {
  std::string names;
  std::size_t count = 0;
  for (const LostItem& item : losses.items) {
    if (item.loss == loss && ++count <= kNamedMax) {
      names += (names.empty() ? "" : ", ") + item.path;
    }
  }
  return count > kNamedMax ? text("{} and {} more", names, count - kNamedMax) : names;
}

}  // namespace

Result<std::vector<UnitReplica>> find_replicas(dsl::env::Env& env, const UnitPlace& unit,
                                               const Manifest* point) {
  std::vector<UnitReplica> replicas;
  for (const std::string& mirror : unit.mirrors) {
    MC_ASSIGN(const std::vector<std::string> names, databases_in(env.files(), mirror));
    for (const std::string& name : names) {
      MC_ASSIGN(const std::string place, place_in(unit, point, name));
      const auto known = std::find_if(replicas.begin(), replicas.end(),
                                      [&](const auto& each) { return each.database == place; });
      if (known != replicas.end()) {
        known->mirrors.push_back(mirror);
        continue;
      }
      MC_ASSIGN(const dsl::env::FileInfo folder, env.files().stat(mirror + "/" + name));
      replicas.push_back(
          {.database = place, .mirrors = {mirror}, .uid = folder.uid, .gid = folder.gid});
    }
  }
  return replicas;
}

bool UnitLosses::whole() const {
  return count(Loss::kDirectoryMissing) + count(Loss::kDirectoryEmpty) > 0;
}

bool UnitLosses::certain() const { return std::any_of(items.begin(), items.end(), is_certain); }

UnitLosses UnitLosses::certain_ones() const {
  UnitLosses out;
  std::copy_if(items.begin(), items.end(), std::back_inserter(out.items), is_certain);
  return out;
}

std::size_t UnitLosses::count(Loss loss) const {
  return static_cast<std::size_t>(std::count_if(
      items.begin(), items.end(), [&](const LostItem& item) { return item.loss == loss; }));
}

Result<UnitLosses> find_losses(dsl::env::Env& env, const UnitPlace& unit, const Manifest* point,
                               const std::vector<UnitReplica>& replicas) {
  UnitLosses losses;
  const Result<std::vector<std::string>> top = env.files().list(unit.root);
  if (!top && top.error().code() != Code::kNotFound) {
    return tl::unexpected(top.error());
  }
  std::map<std::string, bool> databases;  // whether it is replicated
  for (const UnitReplica& replica : replicas) {
    databases[replica.database] = true;
  }
  const bool had_something =
      !databases.empty() || (point != nullptr && point->unit(unit.name) != nullptr);
  if (!top || (top->empty() && had_something)) {
    losses.items.push_back({top ? Loss::kDirectoryEmpty : Loss::kDirectoryMissing, "", ""});
    return losses;
  }
  for (const FileRecord& file : point == nullptr ? std::vector<FileRecord>() : point->files) {
    const std::string below = below_unit(file.entry.path);
    if (unit_of(file.entry.path) != unit.name || below.empty()) {
      continue;
    }
    if (file.database) {
      databases.try_emplace(below, false);
      continue;
    }
    const Result<dsl::env::FileInfo> info = env.files().stat(unit.root + "/" + below, false);
    if (!info && info.error().code() == Code::kNotFound) {
      losses.items.push_back({Loss::kFileMissing, below, ""});
    } else if (!info) {
      return tl::unexpected(info.error());
    }
  }
  for (const auto& [database, is_replicated] : databases) {
    MC_TRY(look_at_database(env, unit.root, database, is_replicated, losses));
  }
  return losses;
}

std::string to_text(const UnitLosses& losses) {
  if (losses.items.empty()) {
    return "nothing is missing";
  }
  if (losses.whole()) {
    return losses.count(Loss::kDirectoryEmpty) > 0 ? "its directory is empty"
                                                   : "its directory is gone";
  }
  std::string out;
  const auto say = [&](Loss loss, const char* one, const char* what) {
    const std::size_t count = losses.count(loss);
    if (count > 0) {
      out += text("{}{} {} {} ({})", out.empty() ? "" : "; ", count,
                  count == 1 ? one : std::string(one) + "s", what, named(losses, loss));
    }
  };
  say(Loss::kDatabaseMissing, "database", "gone");
  say(Loss::kDatabaseDamaged, "database", "damaged");
  say(Loss::kFileMissing, "file", "missing");
  return out;
}

}  // namespace mcp::recovery
