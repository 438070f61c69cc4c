// A node's backups: makes points, carries them to the targets, looks at them and prunes them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/recovery/capture.h"
#include "mcp/recovery/keys.h"
#include "mcp/recovery/point_reader.h"
#include "mcp/recovery/records.h"
#include "mcp/recovery/retention.h"
#include "mcp/recovery/target.h"

namespace mcp::recovery {

struct Settings {
  std::string domain;
  std::string node;
  std::string tool;       // "mcp-agent 0.4.0"
  std::string directory;  // keys, records, room to work in
  std::vector<std::string> targets;
  SshOptions ssh;
  RetentionRule retention;
};

struct CreateRequest {
  std::string kind = "manual";
  // OpenPGP under this passphrase, for those who must use gpg; null = age to the recipients.
  const dsl::Secret* passphrase = nullptr;
  std::vector<Unit> units;  // in the order in which they are captured
  bool selection = false;   // the node has others
  std::map<std::string, std::string> tags;
  std::int64_t keep_until_ms = 0;
  // Stored under images/: reference, digest, and what writes the archive to a path.
  struct Image {
    std::string reference;
    std::string digest;
    std::string file;  // "mcr-v1.tar"
    std::function<Result<void>(const std::string& path)> save;
  };
  std::vector<Image> images;
  std::uint32_t uid = 0;  // of the agent's user, on the host
  std::uint32_t gid = 0;
  std::string user;
  std::vector<IdRange> uid_map;
};

struct Created {
  PointRow point;
  std::vector<std::string> problems;  // of units, and of targets that have no copy
  bool stored = false;                // at least one target has it
};

using Progress = std::function<void(const std::string& what, const std::string& how_far)>;

// Points on a target, as their names and signatures tell; nothing of them was read.
struct FoundPoint {
  std::string id;
  Seal seal = Seal::kAge;
  std::uint64_t bytes = 0;
  bool has_signature = false;
  bool has_manifest = false;
};
Result<std::vector<FoundPoint>> points_of(Target& target);  // newest first

// Where the files of a point lie locally. Those that had to be fetched are removed at the end.
class LocalPoint {
 public:
  LocalPoint(dsl::env::Env& env, Target& target, std::string scratch)
      : env_(env), target_(target), scratch_(std::move(scratch)) {}
  ~LocalPoint();
  LocalPoint(const LocalPoint&) = delete;
  LocalPoint& operator=(const LocalPoint&) = delete;

  // Path of the file; kNotFound.
  Result<std::string> fetch(const std::string& name);

 private:
  dsl::env::Env& env_;
  Target& target_;
  const std::string scratch_;
  std::vector<std::string> fetched_;
};

// One process at a time works in the directory (kConflict, with who does).
class Backup {
 public:
  static Result<std::unique_ptr<Backup>> open(dsl::env::Env& env, const Settings& settings);

  Records& records() { return *records_; }
  KeyStore& keys() { return keys_; }

  // kFailedPrecondition without a target or a recipient. Problems of single units or targets are in
  // the answer; an error means that no point was stored.
  Result<Created> create(const CreateRequest& request, const Progress& progress);

  struct Verified {
    std::string point;
    std::string target;
    std::optional<dsl::Error> error;  // nothing = in order
  };
  // Reads all of a point where `target` has it, and compares it with what is written down of it and
  // of the one before; `deep` opens every database, too. Damage is written down, and so is a point
  // that was found in order; that it could not be read (a wrong key, a target that is away) is not.
  Verified verify(const std::string& target, const FoundPoint& point, const ReadKeys& keys,
                  bool deep, const Progress& progress);
  // Where the chain of points has a fault that no single point shows: one that was stored on the
  // target and is not among `found`, and numbers that two have. In words.
  Result<std::vector<std::string>> chain_faults(const std::string& target,
                                                const std::vector<FoundPoint>& found);

  struct Pruned {
    std::string point;
    std::string target;
    std::string error;
  };
  // What the rules let go, on every target; `dry_run` only tells.
  Result<std::vector<Pruned>> prune(bool dry_run);

  // Writes down what the targets have: points that are not known yet, and copies that are gone.
  // Returns how many copies there are.
  Result<int> rescan();

 private:
  Backup(dsl::env::Env& env, const Settings& settings, std::unique_ptr<dsl::env::FileLock> lock,
         std::unique_ptr<Records> records)
      : env_(env),
        settings_(settings),
        lock_(std::move(lock)),
        records_(std::move(records)),
        keys_(env, settings.directory) {}

  Result<void> remove_cut_off(const std::string& directory);
  Result<Manifest> capture(const CreateRequest& request, const std::string& staging,
                           PointWriter& point, Manifest manifest, const Progress& progress);
  Result<Manifest> read_whole(const std::string& target, const FoundPoint& point,
                              const ReadKeys& keys, bool deep, const Progress& progress);
  Result<void> check_chain(const Manifest& manifest);
  Result<void> write_down(const Verified& verified);
  Result<int> rescan_target(const std::string& url);
  Result<void> store(const std::string& made_in, const std::vector<StoredFile>& files,
                     Created& created, const Progress& progress);

  dsl::env::Env& env_;
  const Settings settings_;
  const std::unique_ptr<dsl::env::FileLock> lock_;
  const std::unique_ptr<Records> records_;
  KeyStore keys_;
};

}  // namespace mcp::recovery
