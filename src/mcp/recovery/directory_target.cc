// A target that is a directory of this machine, or looks like one: a mounted disk.
#include "mcp/recovery/targets.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;

namespace {

class DirectoryTarget final : public Target {
 public:
  DirectoryTarget(dsl::env::Env& env, std::string url, std::string directory)
      : env_(env), url_(std::move(url)), directory_(std::move(directory)) {}

  const std::string& url() const override { return url_; }
  std::string directory() const override { return directory_; }

  Result<std::vector<StoredObject>> list() override {
    Result<std::vector<std::string>> names = env_.files().list(directory_);
    if (!names) {
      return fail(Code::kUnavailable, "the target {} cannot be read: {}", url_,
                  names.error().message())
          .hint("is the disk mounted? a new target: mkdir -p " + directory_);
    }
    std::vector<StoredObject> objects;
    for (std::string& name : *names) {
      MC_ASSIGN(const dsl::env::FileInfo info, env_.files().stat(path(name), false));
      if (info.kind == dsl::env::FileKind::kRegular) {
        objects.push_back({std::move(name), info.size_bytes});
      }
    }
    return objects;
  }

  Result<void> put(const std::string& name, const std::string& local,
                   const dsl::archive::MinisignHash& blake2b) override {
    const std::string partial = path(name) + ".partial";
    (void)env_.files().remove(partial);  // of one that was cut off
    MC_TRY(copy_file(env_, local, partial));
    MC_ASSIGN(const auto stored, hash_of_file(env_, partial));
    if (stored != blake2b) {
      (void)env_.files().remove(partial);
      return fail(Code::kDataLoss, "{} holds other bytes than were written to {}", url_, name)
          .hint("check that disk; nothing was stored");
    }
    MC_TRY(env_.files().rename(partial, path(name)));
    return env_.files().sync_directory(directory_);
  }

  Result<std::string> fetch(const std::string& name, const std::string&) override {
    MC_ASSIGN(const bool there, env_.files().exists(path(name)));
    if (!there) {
      return fail(Code::kNotFound, "{} has no {}", url_, name);
    }
    return path(name);
  }

  Result<void> remove(const std::string& name) override {
    Result<void> removed = env_.files().remove(path(name));
    if (!removed && removed.error().code() != Code::kNotFound) {
      return removed;
    }
    return env_.files().sync_directory(directory_);
  }

 private:
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  dsl::env::Env& env_;
  const std::string url_;
  const std::string directory_;
};

}  // namespace

std::unique_ptr<Target> directory_target(dsl::env::Env& env, std::string url,
                                         std::string directory) {
  return std::make_unique<DirectoryTarget>(env, std::move(url), std::move(directory));
}

}  // namespace mcp::recovery
