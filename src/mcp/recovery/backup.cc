#include "mcp/recovery/backup.h"

#include <algorithm>

#include <unistd.h>

#include "dsl/db/database.h"
#include "dsl/hash/sha256.h"
#include "mcp/recovery/file_sink.h"
#include "mcp/recovery/point_writer.h"
#include "mcp/recovery/scratch.h"
#include "mcp/recovery/trusted_comment.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::uint32_t kPrivate = 0700;
constexpr std::size_t kTokenBytes = 4;
constexpr std::string_view kImages = "images";

std::int64_t now_ms(dsl::env::Env& env) { return env.clock().now().time_since_epoch().count(); }

std::string megabytes(std::uint64_t bytes) { return text("{} MiB", bytes >> 20); }

}  // namespace

LocalPoint::~LocalPoint() {
  for (const std::string& path : fetched_) {
    (void)env_.files().remove(path);  // room to work in is emptied by the next run otherwise
  }
}

Result<std::string> LocalPoint::fetch(const std::string& name) {
  MC_ASSIGN(std::string path, target_.fetch(name, scratch_));
  if (path.starts_with(scratch_ + "/")) {
    fetched_.push_back(path);
  }
  return path;
}

Result<std::vector<FoundPoint>> points_of(Target& target) {
  MC_ASSIGN(const std::vector<StoredObject> objects, target.list());
  std::map<std::string, std::uint64_t> names;
  for (const StoredObject& object : objects) {
    names[object.name] = object.size_bytes;
  }
  std::vector<std::pair<dsl::env::WallTime, FoundPoint>> found;
  for (const auto& [name, size] : names) {
    if (const auto archive = parse_archive_name(name)) {
      const std::string id = archive->point.id();
      found.emplace_back(
          archive->point.time,
          FoundPoint{id, archive->seal, size, names.contains(signature_name(id, archive->seal)),
                     names.contains(manifest_name(id, archive->seal))});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<FoundPoint> out;
  for (auto& [time, point] : found) {
    out.push_back(std::move(point));
  }
  return out;
}

Result<std::unique_ptr<Backup>> Backup::open(dsl::env::Env& env, const Settings& settings) {
  MC_TRY(env.files().make_directories(settings.directory, kPrivate));
  Result<std::unique_ptr<dsl::env::FileLock>> lock = env.files().lock(
      settings.directory + "/lock",
      text("pid {}, since {}", getpid(), dsl::env::format_time(env.clock().now())));
  if (!lock) {
    if (lock.error().code() == Code::kConflict) {
      return fail(Code::kConflict, "another backup or restore is at work: {}",
                  lock.error().message())
          .hint("wait for it, or end that process");
    }
    return tl::unexpected(lock.error());
  }
  MC_ASSIGN(auto records, Records::open(env, settings.directory + "/" + kRecordsName));
  return std::unique_ptr<Backup>(new Backup(env, settings, std::move(*lock), std::move(records)));
}

Result<Created> Backup::create(const CreateRequest& request, const Progress& progress) {
  if (settings_.targets.empty()) {
    return fail(Code::kFailedPrecondition, "no target is configured")
        .hint("in the agent's configuration: [backup] targets = [\"file:///mnt/backup\"]");
  }
  PointKeys keys;
  keys.passphrase = request.passphrase;
  if (keys.passphrase == nullptr) {
    MC_ASSIGN(keys.recipients, keys_.recipients());
  }
  MC_ASSIGN(const dsl::archive::MinisignSecretKey signing, keys_.signing_key());
  keys.signing = &signing;

  MC_ASSIGN(const Records::Next next, records_->next());
  Manifest manifest;
  manifest.sequence = next.sequence;
  manifest.previous = next.previous;
  manifest.id = PointName{settings_.domain, settings_.node, env_.clock().now(),
                          env_.random().hex(kTokenBytes)}
                    .id();
  for (const dsl::archive::AgeRecipient& recipient : keys.recipients) {
    manifest.recipients.push_back(recipient.to_text());
  }

  MC_ASSIGN(const Scratch scratch, Scratch::make(env_, settings_.directory + "/work"));
  // The first directory among the targets is where it is made, so that it need not be copied.
  std::string made_in = scratch.path();
  for (const std::string& url : settings_.targets) {
    MC_ASSIGN(const auto target, open_target(env_, url, settings_.ssh));
    const std::string directory = target->directory();
    if (!directory.empty() && env_.files().exists(directory).value_or(false)) {
      made_in = directory;
      break;
    }
  }
  MC_TRY(remove_cut_off(made_in));
  MC_ASSIGN(const auto point, PointWriter::begin(env_, made_in, manifest.id, std::move(keys)));
  MC_ASSIGN(manifest, capture(request, scratch.path(), *point, std::move(manifest), progress));
  MC_ASSIGN(const std::vector<StoredFile> files, point->finish(manifest));
  MC_ASSIGN(const std::string json, to_json(manifest));

  Created created;
  created.point = {.id = manifest.id,
                   .sequence = manifest.sequence,
                   .node = manifest.node,
                   .begun_ms = manifest.begun_ms,
                   .kind = request.kind,
                   .bytes = files.front().size_bytes,
                   .content_bytes = manifest.bytes(),
                   .files = static_cast<std::int64_t>(manifest.files.size()),
                   .extent = manifest.extent(),
                   .manifest_sha256 = dsl::sha256_hex(json),
                   .keep_until_ms = request.keep_until_ms};
  for (const UnitRecord& unit : manifest.units) {
    created.point.units.push_back(unit.name);
    created.problems.insert(created.problems.end(), unit.problems.begin(), unit.problems.end());
  }
  MC_TRY(records_->put_point(created.point));
  MC_TRY(store(made_in, files, created, progress));
  return created;
}

// What a run that was cut off has left of a point of this node.
Result<void> Backup::remove_cut_off(const std::string& directory) {
  MC_ASSIGN(const std::vector<std::string> names, env_.files().list(directory));
  for (const std::string& name : names) {
    if (name.starts_with(text("{}_{}_", settings_.domain, settings_.node)) &&
        name.ends_with(".partial")) {
      MC_TRY(env_.files().remove(directory + "/" + name));
    }
  }
  return {};
}

Result<Manifest> Backup::capture(const CreateRequest& request, const std::string& staging,
                                 PointWriter& point, Manifest manifest, const Progress& progress) {
  manifest.domain = settings_.domain;
  manifest.node = settings_.node;
  manifest.tool = settings_.tool;
  manifest.begun_ms = now_ms(env_);
  manifest.tags = request.tags;
  manifest.selection = request.selection;
  manifest.uid = request.uid;
  manifest.gid = request.gid;
  manifest.user = request.user;
  manifest.uid_map = request.uid_map;
  for (const Unit& unit : request.units) {
    MC_TRY(capture_unit(
        env_, unit, point, manifest,
        [&](const std::string& name, std::uint64_t bytes) { progress(name, megabytes(bytes)); }));
  }
  for (const CreateRequest::Image& image : request.images) {
    progress(image.reference, "saving the image");
    ImageRecord record{.reference = image.reference, .digest = image.digest};
    const std::string file = staging + "/" + image.file;
    if (Result<void> saved = image.save(file); saved) {
      record.file = text("{}/{}", kImages, image.file);
      MC_TRY(capture_file(env_, file, record.file, point, manifest));
      MC_TRY(env_.files().remove(file));
    } else if (!manifest.units.empty()) {
      manifest.units.back().problems.push_back(
          text("image {}: {}", image.reference, saved.error().message()));
    }
    manifest.images.push_back(std::move(record));
  }
  return manifest;
}

// Each target for itself: one that is away keeps no other from its copy.
Result<void> Backup::store(const std::string& made_in, const std::vector<StoredFile>& files,
                           Created& created, const Progress& progress) {
  for (const std::string& url : settings_.targets) {
    CopyRow row{.point = created.point.id, .target = url, .pushed_ms = now_ms(env_)};
    const auto push = [&]() -> Result<void> {
      MC_ASSIGN(const auto target, open_target(env_, url, settings_.ssh));
      if (target->directory() == made_in) {
        return {};
      }
      // The archive last: where it is, the others are.
      for (auto file = files.rbegin(); file != files.rend(); ++file) {
        progress(url, "storing " + megabytes(file->size_bytes));
        MC_TRY(target->put(file->name, made_in + "/" + file->name, file->blake2b));
      }
      return {};
    };
    if (Result<void> pushed = push(); pushed) {
      created.stored = true;
    } else {
      row.pushed_ms = 0;
      row.error = pushed.error().message();
      created.problems.push_back(row.error);
    }
    MC_TRY(records_->put_copy(row));
  }
  return {};
}

Result<Manifest> Backup::read_whole(const std::string& url, const FoundPoint& point,
                                    const ReadKeys& keys, bool deep, const Progress& progress) {
  MC_ASSIGN(const auto target, open_target(env_, url, settings_.ssh));
  MC_ASSIGN(const Scratch scratch, Scratch::make(env_, settings_.directory + "/work"));
  LocalPoint local(env_, *target, scratch.path());
  std::string signature;
  if (point.has_signature) {
    MC_ASSIGN(signature, local.fetch(signature_name(point.id, point.seal)));
  }
  MC_ASSIGN(const std::string listing, local.fetch(manifest_name(point.id, point.seal)));
  MC_ASSIGN(const std::string archive, local.fetch(archive_name(point.id, point.seal)));
  MC_ASSIGN(Manifest beside, read_manifest(env_, point.seal, listing, signature, keys));
  std::set<std::string> to_open;
  for (const FileRecord& file : beside.files) {
    if (deep && file.database) {
      to_open.insert(file.entry.path);
    }
  }
  std::uint64_t bytes = 0;
  std::vector<std::string> databases;
  MC_ASSIGN(
      const Manifest inside,
      read_point(env_, {point.seal, archive, signature}, keys,
                 [&](const dsl::archive::TarEntry& entry, const auto& content) -> Result<void> {
                   bytes += entry.size_bytes;
                   progress(point.id, megabytes(bytes));
                   if (!to_open.contains(entry.path)) {
                     return {};
                   }
                   databases.push_back(text("{}/{}.db", scratch.path(), databases.size()));
                   return write_out(env_, databases.back(), content);
                 }));
  MC_ASSIGN(const std::string one, to_json(beside));
  MC_ASSIGN(const std::string other, to_json(inside));
  if (one != other) {
    return fail(Code::kDataLoss, "the manifest beside the archive is not the one within");
  }
  for (const std::string& database : databases) {
    MC_TRY(dsl::db::Database::check_file(env_, database));
  }
  return beside;
}

// What this node has written down when it made the point, and the one before it.
Result<void> Backup::check_chain(const Manifest& manifest) {
  MC_ASSIGN(const std::vector<PointRow> rows, records_->points());
  MC_ASSIGN(const std::string json, to_json(manifest));
  for (const PointRow& row : rows) {
    if (row.id == manifest.id && row.manifest_sha256 != dsl::sha256_hex(json)) {
      return fail(Code::kDataLoss, "it is not the point that was made under this name");
    }
    if (row.id == manifest.previous.id &&
        row.manifest_sha256 != manifest.previous.manifest_sha256) {
      return fail(Code::kDataLoss, "it follows another point than the one called {}", row.id);
    }
  }
  return {};
}

Backup::Verified Backup::verify(const std::string& url, const FoundPoint& point,
                                const ReadKeys& keys, bool deep, const Progress& progress) {
  Verified verified{.point = point.id, .target = url};
  const auto look = [&]() -> Result<void> {
    MC_ASSIGN(const Manifest manifest, read_whole(url, point, keys, deep, progress));
    return check_chain(manifest);
  };
  Result<void> done = look();
  if (!done) {
    verified.error = std::move(done).error();
  }
  if (!verified.error || verified.error->code() == Code::kDataLoss) {
    if (Result<void> written = write_down(verified); !written && !verified.error) {
      verified.error = std::move(written).error();
    }
  }
  return verified;
}

// Of a point that is not known here nothing is written down.
Result<void> Backup::write_down(const Verified& verified) {
  MC_ASSIGN(const std::vector<CopyRow> copies, records_->copies());
  for (CopyRow copy : copies) {
    if (copy.point == verified.point && copy.target == verified.target) {
      copy.verified_ms = verified.error ? 0 : now_ms(env_);
      copy.error = verified.error ? verified.error->message() : "";
      MC_TRY(records_->put_copy(copy));
    }
  }
  return {};
}

Result<std::vector<std::string>> Backup::chain_faults(const std::string& url,
                                                      const std::vector<FoundPoint>& found) {
  MC_ASSIGN(const std::vector<PointRow> points, records_->points());
  MC_ASSIGN(const std::vector<CopyRow> copies, records_->copies());
  std::vector<std::string> faults;
  for (const CopyRow& copy : copies) {
    const bool is_there = std::any_of(found.begin(), found.end(), [&](const FoundPoint& point) {
      return point.id == copy.point;
    });
    if (copy.target == url && copy.pushed_ms != 0 && !is_there) {
      faults.push_back(text("{} was stored on {} and is not there any more", copy.point, url));
    }
  }
  std::map<std::int64_t, std::string> by_number;
  for (const PointRow& point : points) {
    const auto [first, is_new] = by_number.try_emplace(point.sequence, point.id);
    if (!is_new) {
      faults.push_back(
          text("{} and {} both are number {}", first->second, point.id, point.sequence));
    }
  }
  return faults;
}

Result<std::vector<Backup::Pruned>> Backup::prune(bool dry_run) {
  MC_ASSIGN(const std::vector<PointRow> rows, records_->points());
  MC_ASSIGN(const std::vector<CopyRow> copies, records_->copies());
  std::vector<Pruned> pruned;
  for (const std::string& url : settings_.targets) {
    // Whether the last good one is left is a question for each target by itself.
    std::vector<RetainedPoint> there;
    for (const PointRow& row : rows) {
      for (const CopyRow& copy : copies) {
        if (copy.point == row.id && copy.target == url) {
          there.push_back({.id = row.id,
                           .time = dsl::env::WallTime(std::chrono::milliseconds(row.begun_ms)),
                           .whole = row.extent == Extent::kWhole && copy.error.empty(),
                           .verified = copy.verified_ms != 0,
                           .pinned = row.keep_until_ms > now_ms(env_)});
        }
      }
    }
    const auto gone = to_prune(settings_.retention, std::move(there), env_.clock().now());
    for (const std::string& id : gone) {
      Pruned each{.point = id, .target = url};
      const auto remove = [&]() -> Result<void> {
        MC_ASSIGN(const auto target, open_target(env_, url, settings_.ssh));
        for (const Seal seal : {Seal::kAge, Seal::kOpenPgp}) {
          // The archive first: without it the others are nothing.
          MC_TRY(target->remove(archive_name(id, seal)));
          MC_TRY(target->remove(manifest_name(id, seal)));
          MC_TRY(target->remove(signature_name(id, seal)));
        }
        return records_->remove_copy(id, url);
      };
      if (!dry_run) {
        if (Result<void> removed = remove(); !removed) {
          each.error = removed.error().message();
        }
      }
      pruned.push_back(std::move(each));
    }
  }
  return pruned;
}

Result<int> Backup::rescan() {
  int found = 0;
  for (const std::string& url : settings_.targets) {
    MC_ASSIGN(const int copies, rescan_target(url));
    found += copies;
  }
  return found;
}

Result<int> Backup::rescan_target(const std::string& url) {
  MC_ASSIGN(const auto target, open_target(env_, url, settings_.ssh));
  MC_ASSIGN(const std::vector<FoundPoint> points, points_of(*target));
  MC_ASSIGN(const std::vector<PointRow> rows, records_->points());
  MC_ASSIGN(const std::vector<CopyRow> copies, records_->copies());
  MC_ASSIGN(const Scratch scratch, Scratch::make(env_, settings_.directory + "/work"));
  LocalPoint local(env_, *target, scratch.path());
  int found = 0;
  std::set<std::string> there;
  for (const FoundPoint& point : points) {
    if (!point.has_signature) {
      continue;
    }
    there.insert(point.id);
    ++found;
    const bool is_known = std::any_of(rows.begin(), rows.end(),
                                      [&](const PointRow& row) { return row.id == point.id; });
    if (!is_known) {
      MC_ASSIGN(const std::string path, local.fetch(signature_name(point.id, point.seal)));
      MC_ASSIGN(const std::string content, env_.files().read_file(path));
      MC_ASSIGN(const auto signature, dsl::archive::MinisignSignature::parse(content));
      MC_ASSIGN(const TrustedComment comment, parse_trusted_comment(signature.trusted_comment));
      const auto name = parse_point_id(point.id);
      MC_TRY(records_->put_point({.id = point.id,
                                  .sequence = comment.sequence,
                                  .node = name->node,
                                  .begun_ms = name->time.time_since_epoch().count(),
                                  .kind = "found",
                                  .bytes = point.bytes,
                                  .extent = comment.extent,
                                  .manifest_sha256 = comment.manifest_sha256}));
    }
    // What is known of a copy, such as when it was verified, stays.
    const bool has_copy = std::any_of(copies.begin(), copies.end(), [&](const CopyRow& copy) {
      return copy.point == point.id && copy.target == url;
    });
    if (!has_copy) {
      MC_TRY(records_->put_copy({.point = point.id, .target = url, .pushed_ms = now_ms(env_)}));
    }
  }
  for (const CopyRow& copy : copies) {
    if (copy.target == url && !there.contains(copy.point)) {
      MC_TRY(records_->remove_copy(copy.point, url));
    }
  }
  return found;
}

}  // namespace mcp::recovery
