#include "dsl/replica/directory_store.h"

#include <set>
#include <utility>

#include "dsl/env/path.h"

namespace dsl::replica {
namespace {

constexpr std::uint32_t kFolderMode = 0700;
constexpr std::uint32_t kFileMode = 0600;
constexpr std::string_view kPartialEnd = ".partial";
constexpr int kListTriesMax = 100;

class FileUpload final : public Upload {
 public:
  FileUpload(env::FileSystem& files, std::unique_ptr<env::File> file, std::string partial,
             std::string path, Durability durability)
      : files_(files),
        file_(std::move(file)),
        partial_(std::move(partial)),
        path_(std::move(path)),
        durability_(durability) {}
  ~FileUpload() override {
    if (file_ != nullptr) {
      file_.reset();
      (void)files_.remove(partial_);  // its name says what it is; nothing reads it
    }
  }

  Result<void> write(std::span<const std::byte> bytes) override {
    MC_TRY(file_->write_at(size_bytes_, bytes));
    size_bytes_ += bytes.size();
    return {};
  }

  Result<void> commit() override {
    if (durability_ == Durability::kAtOnce) {
      MC_TRY(file_->sync());
    }
    MC_TRY(files_.rename(partial_, path_));
    file_.reset();
    return durability_ == Durability::kAtOnce ? files_.sync_directory(env::folder_of(path_))
                                              : Result<void>();
  }

 private:
  env::FileSystem& files_;
  std::unique_ptr<env::File> file_;  // null once it bears its name
  std::string partial_;
  std::string path_;
  Durability durability_;
  std::uint64_t size_bytes_ = 0;
};

class AppendedFile final : public AppendedObject {
 public:
  AppendedFile(env::FileSystem& files, std::unique_ptr<env::File> file, std::string partial,
               std::string path)
      : files_(files),
        file_(std::move(file)),
        partial_(std::move(partial)),
        path_(std::move(path)) {}

  Result<void> append(std::span<const std::byte> bytes) override {
    MC_TRY(file_->write_at(size_bytes_, bytes));
    MC_TRY(file_->sync());
    if (size_bytes_ == 0) {
      MC_TRY(files_.rename(partial_, path_));
      MC_TRY(files_.sync_directory(env::folder_of(path_)));
    }
    size_bytes_ += bytes.size();
    return {};
  }

 private:
  env::FileSystem& files_;
  std::unique_ptr<env::File> file_;
  std::string partial_;  // until something was appended
  std::string path_;
  std::uint64_t size_bytes_ = 0;
};

class DirectoryStore final : public Store {
 public:
  DirectoryStore(env::Env& env, std::string directory, Durability durability)
      : env_(env), directory_(std::move(directory)), durability_(durability) {}

  const std::string& place() const override { return directory_; }

  Result<std::unique_ptr<Upload>> put(const std::string& name) override {
    const std::string path = path_of(name);
    const std::string partial = path + std::string(kPartialEnd);
    MC_ASSIGN(auto file, open_partial(partial));
    return std::make_unique<FileUpload>(files(), std::move(file), partial, path, durability_);
  }

  Result<std::unique_ptr<AppendedObject>> append_to_new(const std::string& name) override {
    const std::string path = path_of(name);
    const std::string partial = path + std::string(kPartialEnd);
    MC_ASSIGN(auto file, open_partial(partial));
    return std::make_unique<AppendedFile>(files(), std::move(file), partial, path);
  }

  Result<archive::Source> get(const std::string& name) override {
    MC_ASSIGN(std::shared_ptr<env::File> file, files().open(path_of(name), env::OpenMode::kRead));
    return [file = std::move(file),
            offset = std::uint64_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
      MC_ASSIGN(const std::size_t size, file->read_at(offset, out));
      offset += size;
      return size;
    };
  }

  Result<std::vector<StoredObject>> list() override {
    std::vector<StoredObject> objects;
    MC_ASSIGN(const bool exists, files().exists(directory_));
    if (!exists) {
      return objects;
    }
    MC_ASSIGN(const auto folders, files().list(directory_));
    for (const std::string& folder : folders) {
      const auto info = files().stat(path_of(folder));
      if (info && info->kind == env::FileKind::kDirectory) {
        MC_TRY(list_folder(folder, objects));
      } else if (!info && info.error().code() != Code::kNotFound) {
        return tl::unexpected(info.error());
      }
    }
    return objects;
  }

  Result<bool> contains(const std::string& name) override { return files().exists(path_of(name)); }

  Result<void> remove(const std::string& name) override {
    auto removed = files().remove(path_of(name));
    if (!removed && removed.error().code() != Code::kNotFound) {
      return removed;
    }
    return {};
  }

  Result<void> remove_folder(const std::string& folder) override {
    const std::string path = path_of(folder);
    MC_ASSIGN(const bool exists, files().exists(path));
    if (!exists) {
      return {};
    }
    MC_ASSIGN(const auto names, files().list(path));
    for (const std::string& name : names) {
      MC_TRY(files().remove(text("{}/{}", path, name)));
    }
    return files().remove(path);
  }

 private:
  // A store has one writer: what a power cut left under this name is written over.
  Result<std::unique_ptr<env::File>> open_partial(const std::string& path) {
    MC_ASSIGN(const bool exists, files().exists(directory_));
    if (!exists) {
      return fail(Code::kNotFound, "{} is not there", directory_)
          .hint("mount its disk, or make the directory");
    }
    MC_TRY(files().make_directories(env::folder_of(path), kFolderMode));
    return files().open(path, env::OpenMode::kTruncate, kFileMode);
  }

  // Looks again when an object went meanwhile: what took its place may have come after the names
  // were read.
  Result<void> list_folder(const std::string& folder, std::vector<StoredObject>& objects) {
    const std::size_t before = objects.size();
    for (int tries = 0; tries < kListTriesMax; ++tries) {
      MC_ASSIGN(const bool is_whole, list_once(folder, objects));
      if (is_whole) {
        return {};
      }
      objects.resize(before);
    }
    return fail(Code::kUnavailable, "{} changed at every look", path_of(folder)).hint("try again");
  }

  // False when an object went meanwhile.
  Result<bool> list_once(const std::string& folder, std::vector<StoredObject>& objects) {
    const auto names = files().list(path_of(folder));
    if (!names) {
      return names.error().code() == Code::kNotFound ? Result<bool>(true)
                                                     : tl::unexpected(names.error());
    }
    for (const std::string& name : *names) {
      if (name.ends_with(kPartialEnd)) {
        continue;
      }
      const auto info = files().stat(text("{}/{}/{}", directory_, folder, name));
      if (!info) {
        return info.error().code() == Code::kNotFound ? Result<bool>(false)
                                                      : tl::unexpected(info.error());
      }
      if (info->kind == env::FileKind::kRegular) {
        objects.push_back({.name = text("{}/{}", folder, name), .size_bytes = info->size_bytes});
      }
    }
    return true;
  }

  env::FileSystem& files() { return env_.files(); }
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }

  env::Env& env_;
  const std::string directory_;
  const Durability durability_;
};

}  // namespace

std::unique_ptr<Store> directory_store(env::Env& env, std::string directory,
                                       Durability durability) {
  return std::make_unique<DirectoryStore>(env, std::move(directory), durability);
}

Result<void> sync_objects(env::FileSystem& files, const std::string& directory,
                          const std::vector<std::string>& names) {
  std::set<std::string> folders;
  for (const std::string& name : names) {
    const std::string path = text("{}/{}", directory, name);
    const auto file = files.open(path, env::OpenMode::kReadWrite);
    if (!file && file.error().code() == Code::kNotFound) {
      continue;
    }
    if (!file) {
      return tl::unexpected(file.error());
    }
    MC_TRY((*file)->sync());
    folders.insert(env::folder_of(path));
  }
  for (const std::string& folder : folders) {
    MC_TRY(files.sync_directory(folder));
  }
  return {};
}

}  // namespace dsl::replica
