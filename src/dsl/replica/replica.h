// Continuous replication of a SQLite database: what a service configures, and what it can ask.
//
// Every byte of the database's write-ahead log goes to directory mirrors, in SQLite's own format,
// as soon as it is committed. docs/design/replica.md explains how; docs/formats/replica.md what
// lies in a mirror.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dsl/archive/age_keys.h"
#include "dsl/env/clock.h"

namespace dsl::replica {

struct MirrorOptions {
  std::string directory;  // must exist; the database gets a folder in it
  // A commit is acknowledged once this mirror has it, too.
  bool sync = false;
};

// What happens to writes while a mirror with `sync` cannot be written.
enum class OnSyncFailure {
  kDegrade,  // they go on without it, and health says so
  kBlock,    // they wait for it
};

struct Options {
  std::vector<MirrorOptions> mirrors;  // none = no replication
  // Who can open what is written; empty = not encrypted.
  std::vector<archive::AgeRecipient> recipients;
  OnSyncFailure on_sync_failure = OnSyncFailure::kDegrade;

  // A commit waits at most so long, or for so many bytes of log, until it is sealed. Each sealing
  // has the disk flush its caches six times: with less a fast writer would wait for those.
  std::chrono::milliseconds seal_every{400};
  std::uint64_t seal_bytes = 4u << 20;
  // A new copy of the database after so long, or once the log exceeds twice the copy.
  std::chrono::milliseconds base_every = std::chrono::hours(24);
  // Epochs that ended longer ago are removed from the mirrors; the last two stay whatever their
  // age.
  std::chrono::milliseconds keep = std::chrono::hours(30 * 24);
  // What may wait beside the database for a mirror that is away. Beyond it the mirror starts over
  // with a new copy when it is back.
  std::uint64_t spool_max = std::uint64_t{1} << 30;
};

enum class MirrorState {
  kStarting,   // was not asked yet
  kFollowing,  // has everything that is sealed
  kBehind,     // is catching up
  kFailing,    // cannot be written; tried again
  kLost,       // missed more than could wait for it
};

std::string_view name_of(MirrorState state);

struct MirrorStatus {
  std::string place;
  bool sync = false;
  bool sync_active = false;  // takes commits before they are acknowledged
  MirrorState state = MirrorState::kStarting;
  std::string error;             // of the last try that failed, while it fails
  std::uint64_t lag_bytes = 0;   // sealed and not there
  env::WallTime stored_until{};  // time of the newest commit that is there
};

struct Status {
  bool following = false;  // an epoch is open: the log is being sealed
  std::string epoch;       // the open one, or the last
  std::string reason;      // why none is open
  std::uint32_t generation = 0;
  std::uint64_t offset = 0;      // sealed up to here
  env::WallTime sealed_until{};  // time of the newest commit that is sealed
  std::vector<MirrorStatus> mirrors;
};

}  // namespace dsl::replica
