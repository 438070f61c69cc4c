#include "mcp/agent/images.h"

#include <algorithm>
#include <set>

#include "dsl/log/log.h"
#include "mcp/boot/planner.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.images");
constexpr std::uint32_t kFolderMode = 0750;
constexpr std::uint32_t kFileMode = 0640;
constexpr const char* kPartial = ".partial";
constexpr const char* kPathHint =
    "the path is one of the node, and the agent's user must be able to read it; from elsewhere: "
    "ssh NODE podman load < FILE as that user";
// Stays free beside an archive: what the next deploy asks for.
constexpr std::uint64_t kFreeBytesMin = 256u << 20;

std::uint64_t to_mib(std::uint64_t bytes) { return (bytes + (1u << 20) - 1) >> 20; }

bool has_reference(const runtime::Image& image, const std::string& reference) {
  const auto in = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), reference) != names.end();
  };
  return in(image.names) || in(image.digests);
}

const runtime::Image* find_stored(const std::vector<runtime::Image>& stored,
                                  const std::string& reference) {
  const auto found = std::find_if(stored.begin(), stored.end(), [&](const runtime::Image& image) {
    return has_reference(image, reference);
  });
  return found == stored.end() ? nullptr : &*found;
}

bool is_pinned(const std::string& reference) { return reference.find('@') != std::string::npos; }

// After a load of the archive podman has the image `id` under `reference`; one that is pinned by
// digest is found by its id (Containers::find_image).
bool holds(const std::vector<ArchivedImage>& archived, const std::string& id,
           const std::string& reference) {
  if (is_pinned(reference)) {
    return archived.size() == 1 && archived.front().id == id;
  }
  return std::any_of(archived.begin(), archived.end(), [&](const ArchivedImage& image) {
    return image.id == id &&
           std::any_of(image.names.begin(), image.names.end(), [&](const std::string& name) {
             return name == reference || name.ends_with("/" + reference);
           });
  });
}

// Podman's word for an archive says nothing of where the space is short; ours does.
Error explained(Error error, const std::string& folder) {
  if (error.code() == Code::kNoSpace) {
    error.set_id(model::code::kDiskFull);
    error.set_hint(
        text("free space below {} and where podman keeps temporary files; podman image prune "
             "removes unused images",
             folder));
  }
  return error;
}

// Podman answers 500 for what is no archive, with a line for each form that it tried.
Error not_loaded(const Error& error) {
  if (error.code() == Code::kInternal) {
    return fail(Code::kInvalidArgument, "{}", error.message().substr(0, error.message().find('\n')))
        .id(model::code::kArchiveUnusable)
        .hint(
            "it must be the whole of what podman save or docker save writes; tar -tf FILE lists "
            "it");
  }
  Error out = explained(error, "podman's store");
  if (error.code() == Code::kNotFound || error.code() == Code::kPermissionDenied) {
    out.set_id(model::code::kArchiveUnusable);
    out.set_hint(kPathHint);
  }
  return out;
}

}  // namespace

Result<std::vector<ImageUse>> Images::used(const std::vector<std::string>& tiers) {
  const std::vector<std::string>& stages = config_.boot_stages;
  const auto place = [&](const std::string& stage) {
    return std::find(stages.begin(), stages.end(), stage) - stages.begin();
  };
  MC_ASSIGN(const std::vector<ServiceRecord> records, registry_.services());
  std::map<std::string, ImageUse> uses;
  for (const ServiceRecord& record : records) {
    const std::string& tier = record.service.tier;
    if (!tiers.empty() && std::find(tiers.begin(), tiers.end(), tier) == tiers.end()) {
      continue;
    }
    for (const ComponentRecord& component : record.components) {
      ImageUse& use = uses[component.image];
      const bool first = use.reference.empty();
      use.reference = component.image;
      use.digest = component.image_digest.empty() ? use.digest : component.image_digest;
      use.used_by.push_back(component.service + "/" + component.name);
      use.stage = first || place(tier) < place(use.stage) ? tier : use.stage;
    }
  }
  std::vector<ImageUse> out;
  for (auto& [reference, use] : uses) {
    out.push_back(std::move(use));
  }
  std::stable_sort(out.begin(), out.end(), [&](const ImageUse& a, const ImageUse& b) {
    return place(a.stage) < place(b.stage);
  });
  return out;
}

Result<pb::ListImagesReply> Images::list() {
  MC_ASSIGN(const std::vector<ImageUse> uses, used());
  MC_ASSIGN(const std::vector<runtime::Image> stored, runtime_.images());
  pb::ListImagesReply reply;
  for (const ImageUse& use : uses) {
    MC_TRY(add_used(stored, use, reply));
  }
  add_others(uses, stored, reply);
  return reply;
}

Result<void> Images::add_used(const std::vector<runtime::Image>& stored, const ImageUse& use,
                              pb::ListImagesReply& reply) {
  pb::ImageState& row = *reply.add_images();
  row.set_reference(use.reference);
  row.set_digest(use.digest);
  row.mutable_used_by()->Assign(use.used_by.begin(), use.used_by.end());
  row.set_stage(use.stage);
  // A reference without its registry is found by podman only.
  std::optional<runtime::Image> image;
  if (const runtime::Image* found = find_stored(stored, use.reference)) {
    image = *found;
  } else {
    MC_ASSIGN(image, runtime_.image(use.reference));
  }
  if (image) {
    row.set_in_store(true);
    row.set_digest(image->digest);
    row.set_id(image->id);
    row.set_size_bytes(static_cast<std::int64_t>(image->size_bytes));
  }
  const auto archive = find_archive(env_.files(), config_.image_dirs, use.reference);
  if (!archive) {
    return {};
  }
  row.set_archive(*archive);
  const auto archived = contents(*archive);
  if (!archived) {
    row.set_archive_state("unreadable");
    return {};
  }
  if (image) {
    row.set_archive_state(holds(*archived, image->id, use.reference) ? "same" : "differs");
    return {};
  }
  row.set_archive_state("only");
  row.set_id(archived->front().id);
  if (const auto info = env_.files().stat(*archive)) {
    row.set_size_bytes(static_cast<std::int64_t>(info->size_bytes));
  }
  return {};
}

void Images::add_others(const std::vector<ImageUse>& uses,
                        const std::vector<runtime::Image>& stored, pb::ListImagesReply& reply) {
  std::set<std::string> shown;
  for (const pb::ImageState& row : reply.images()) {
    shown.insert(row.archive());
  }
  const auto add = [&](const std::string& path, const std::string& reference,
                       const std::string& id) -> pb::ImageState& {
    pb::ImageState& row = *reply.add_images();
    row.set_archive(path);
    row.set_reference(reference);
    row.set_id(id);
    if (const auto info = env_.files().stat(path)) {
      row.set_size_bytes(static_cast<std::int64_t>(info->size_bytes));
    }
    return row;
  };
  const auto is_used = [&](const std::string& reference) {
    return std::any_of(uses.begin(), uses.end(),
                       [&](const ImageUse& use) { return use.reference == reference; });
  };
  for (const std::string& folder : config_.image_dirs) {
    for (const std::string& name : env_.files().list(folder).value_or(std::vector<std::string>{})) {
      const std::string path = folder + "/" + name;
      if (!is_archive_name(name) || shown.contains(path)) {
        continue;
      }
      const auto archived = contents(path);
      if (!archived) {
        add(path, "", "").set_archive_state("unreadable");
        continue;
      }
      for (const ArchivedImage& image : *archived) {
        for (const std::string& reference :
             image.names.empty() ? std::vector<std::string>{""} : image.names) {
          pb::ImageState& row = add(path, reference, image.id);
          const runtime::Image* present = find_stored(stored, reference);
          row.set_in_store(present != nullptr);
          row.set_digest(present == nullptr ? "" : present->digest);
          row.set_archive_state(is_used(reference)        ? "misnamed"
                                : present == nullptr      ? "only"
                                : present->id == image.id ? "same"
                                                          : "differs");
        }
      }
    }
  }
}

Result<Images::Target> Images::target_of(const std::string& reference) {
  if (config_.image_dirs.empty()) {
    return fail(Code::kFailedPrecondition, "there is no folder for image archives")
        .hint("set agent.image_dirs in the agent's configuration, then restart the agent");
  }
  Target target;
  MC_ASSIGN(const std::optional<runtime::Image> image, runtime_.image(reference));
  if (!image) {
    return fail(Code::kFailedPrecondition, "image {} is not in podman's store", reference)
        .id(model::code::kImageMissing)
        .hint("mcp image ls shows what is there; mcp image load FILE brings it from an archive");
  }
  target.image = *image;
  target.path = text("{}/{}.tar", config_.image_dirs.front(), boot::archive_stem(reference));
  const auto archive = find_archive(env_.files(), config_.image_dirs, reference);
  if (!archive) {
    return target;
  }
  const auto archived = contents(*archive);
  if (!archived) {
    logger.warn("an image archive cannot be read and is written anew",
                {{"archive", *archive}, {"error", archived.error().message()}});
  } else if (holds(*archived, image->id, reference)) {
    MC_ASSIGN(const dsl::env::FileInfo info, env_.files().stat(*archive));
    target.present = Saved{.path = *archive, .id = image->id, .size_bytes = info.size_bytes};
  }
  return target;
}

Result<void> Images::check_space(const Target& target) {
  const std::string& folder = config_.image_dirs.front();
  MC_ASSIGN(const std::uint64_t free, env_.files().free_bytes(folder));
  if (free < target.image.size_bytes + kFreeBytesMin) {
    return fail(Code::kNoSpace,
                "an archive of {} MiB beside {} MiB that stay free does not fit: {} MiB are free "
                "below {}",
                to_mib(target.image.size_bytes), to_mib(kFreeBytesMin), free >> 20, folder)
        .id(model::code::kDiskFull)
        .hint("free some space, or name a folder on another disk first in agent.image_dirs");
  }
  return {};
}

Result<Images::Saved> Images::plan_save(const std::string& reference) {
  MC_ASSIGN(Target target, target_of(reference));
  if (target.present) {
    return *target.present;
  }
  return Saved{.path = std::move(target.path),
               .id = std::move(target.image.id),
               .size_bytes = target.image.size_bytes,
               .written = true};
}

Result<Images::Saved> Images::save(const std::string& reference, const Watcher& watcher) {
  const std::lock_guard lock(saving_);
  MC_ASSIGN(const Target target, target_of(reference));
  if (target.present) {
    return *target.present;
  }
  const std::string& folder = config_.image_dirs.front();
  MC_TRY(env_.files().make_directories(folder, kFolderMode));
  MC_TRY(check_space(target));
  const std::string partial = target.path + kPartial;
  const auto into_place = [&]() -> Result<std::uint64_t> {
    MC_ASSIGN(const std::uint64_t size, write(target, partial, reference, watcher));
    MC_TRY(env_.files().rename(partial, target.path));
    MC_TRY(env_.files().sync_directory(folder));
    return size;
  };
  const Result<std::uint64_t> size = into_place();
  if (!size) {
    (void)env_.files().remove(partial);  // may not have been made; `sweep` has another try
    return fail(explained(size.error(), folder)).context(text("archive of {}", reference));
  }
  return Saved{.path = target.path, .id = target.image.id, .size_bytes = *size, .written = true};
}

Result<std::uint64_t> Images::write(const Target& target, const std::string& partial,
                                    const std::string& reference, const Watcher& watcher) {
  const std::uint64_t total = target.image.size_bytes;
  std::uint64_t size = 0;
  {
    MC_ASSIGN(const auto file,
              env_.files().open(partial, dsl::env::OpenMode::kTruncate, kFileMode));
    const auto take = [&](std::string_view piece) -> Result<void> {
      MC_TRY(file->write_at(size, std::as_bytes(std::span(piece.data(), piece.size()))));
      size += piece.size();
      if (watcher.progress) {
        watcher.progress(size, std::max(size, total));
      }
      return {};
    };
    // By its id an image gets an archive without a name, which is all that one pinned by its digest
    // can have. Such an archive is known by its file's name.
    const std::string& name = is_pinned(reference) ? target.image.id : reference;
    MC_TRY(runtime_.save(name, take, watcher.cancelled));
    MC_TRY(file->sync());
  }
  // Podman ends the stream in the same way when it fails in its midst.
  MC_ASSIGN(const std::vector<ArchivedImage> archived, read_image_archive(env_.files(), partial));
  if (!holds(archived, target.image.id, reference)) {
    return fail(Code::kConflict, "{} became another image meanwhile", reference)
        .hint("run it again");
  }
  return size;
}

Result<void> Images::check_path(const std::string& path) {
  if (!path.starts_with('/')) {
    return fail(Code::kInvalidArgument, "{} is not an absolute path", path)
        .hint("name the archive by its path on the node: mcp image load /srv/mcp/images/x.tar");
  }
  const Result<dsl::env::FileInfo> info = env_.files().stat(path);
  if (!info || info->kind != dsl::env::FileKind::kRegular) {
    const Code code = info ? Code::kInvalidArgument : info.error().code();
    return fail(code, "{}", info ? text("{} is not a file", path) : info.error().message())
        .id(model::code::kArchiveUnusable)
        .hint(kPathHint);
  }
  return {};
}

Result<std::vector<Images::Loaded>> Images::plan_load(const std::string& path) {
  MC_TRY(check_path(path));
  MC_ASSIGN(const std::vector<ArchivedImage> archived, contents(path));
  std::vector<Loaded> loaded;
  for (const ArchivedImage& image : archived) {
    for (const std::string& name :
         image.names.empty() ? std::vector<std::string>{""} : image.names) {
      loaded.push_back({.reference = name, .id = image.id});
    }
  }
  return loaded;
}

Result<std::vector<Images::Loaded>> Images::load(const std::string& path) {
  MC_TRY(check_path(path));
  const Result<std::vector<std::string>> names = runtime_.load(path);
  if (!names) {
    return fail(not_loaded(names.error()));
  }
  std::vector<Loaded> loaded;
  for (const std::string& name : *names) {
    MC_ASSIGN(const std::optional<runtime::Image> image, runtime_.image(name));
    const bool is_id = name.starts_with("sha256:") || (image && name == image->id);
    loaded.push_back({.reference = is_id ? "" : name, .id = image ? image->id : ""});
  }
  return loaded;
}

void Images::sweep() {
  if (config_.image_dirs.empty()) {
    return;
  }
  const std::string& folder = config_.image_dirs.front();
  for (const std::string& name : env_.files().list(folder).value_or(std::vector<std::string>{})) {
    if (!name.ends_with(text(".tar{}", kPartial))) {
      continue;
    }
    const Result<void> removed = env_.files().remove(folder + "/" + name);
    logger.warn("an image archive was left half-written",
                {{"file", name}, {"removed", removed ? "yes" : removed.error().message()}});
  }
}

Result<std::vector<ArchivedImage>> Images::contents(const std::string& path) {
  MC_ASSIGN(const dsl::env::FileInfo info, env_.files().stat(path));
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(path);
    if (found != known_.end() && found->second.inode == info.inode &&
        found->second.changed_ns == info.changed_ns) {
      return found->second.images;
    }
  }
  MC_ASSIGN(std::vector<ArchivedImage> images, read_image_archive(env_.files(), path));
  const std::lock_guard lock(mutex_);
  known_[path] = {.inode = info.inode, .changed_ns = info.changed_ns, .images = images};
  return images;
}

}  // namespace mcp::agent
