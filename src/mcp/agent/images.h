// Images of the node: which are used, which are in podman's store, and which are kept as archives
// so that they come back without an image registry.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/image_archive.h"
#include "mcp/agent/registry.h"
#include "mcp/runtime/runtime.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;

// An image that registered services use.
struct ImageUse {
  std::string reference;
  std::string digest;                // recorded at the last deploy; may be empty
  std::vector<std::string> used_by;  // service/component
  std::string stage;                 // the earliest
};

// Thread-safe.
class Images {
 public:
  Images(dsl::env::Env& env, const Config& config, Registry& registry, runtime::Runtime& runtime)
      : env_(env), config_(config), registry_(registry), runtime_(runtime) {}

  // Each reference once, in the order of the stages; of `tiers` only, unless there are none.
  Result<std::vector<ImageUse>> used(const std::vector<std::string>& tiers = {});

  // Those that services use first, then what else lies in agent.image_dirs.
  Result<pb::ListImagesReply> list();

  // `done` and `total` in bytes; the total is what podman says of the image and may be a little
  // off.
  struct Watcher {
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
    std::function<bool()> cancelled;
  };
  struct Saved {
    std::string path;
    std::string id;
    std::uint64_t size_bytes = 0;
    bool written = false;  // false: an archive with this very image was there
  };
  // Writes <first of agent.image_dirs>/<stem>.tar, unless the archive that would be loaded for the
  // reference holds the image already. The file is there whole or not at all: it is written beside
  // its place, synced, read back and renamed. One at a time; others wait. kNoSpace leaves nothing.
  Result<Saved> save(const std::string& reference, const Watcher& watcher = {});
  // Whether `save` would write, and where to.
  Result<Saved> plan_save(const std::string& reference);

  struct Loaded {
    std::string reference;  // empty: it has none
    std::string id;
  };
  // A regular file at an absolute path.
  Result<std::vector<Loaded>> load(const std::string& path);
  // What `load` would load.
  Result<std::vector<Loaded>> plan_load(const std::string& path);

  // Removes half-written archives that a killed agent has left. Before any save.
  void sweep();

 private:
  struct Target {
    runtime::Image image;
    std::string path;
    std::optional<Saved> present;
  };
  Result<Target> target_of(const std::string& reference);
  Result<void> check_space(const Target& target);
  Result<std::uint64_t> write(const Target& target, const std::string& partial,
                              const std::string& reference, const Watcher& watcher);
  Result<void> check_path(const std::string& path);
  Result<void> add_used(const std::vector<runtime::Image>& stored, const ImageUse& use,
                        pb::ListImagesReply& reply);
  void add_others(const std::vector<ImageUse>& uses, const std::vector<runtime::Image>& stored,
                  pb::ListImagesReply& reply);
  // As read_image_archive; what was read of a file is remembered as long as the file is the same.
  Result<std::vector<ArchivedImage>> contents(const std::string& path);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  runtime::Runtime& runtime_;

  std::mutex saving_;  // held while an archive is written
  struct Known {
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    std::vector<ArchivedImage> images;
  };
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by path; guarded by mutex_
};

}  // namespace mcp::agent
