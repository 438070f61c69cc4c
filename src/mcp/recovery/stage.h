// The units of a restore on their way: made beside their places and checked, not live yet. Private
// to mcp::recovery.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/recovery/exchange.h"
#include "mcp/recovery/restore.h"
#include "mcp/recovery/unpack.h"

namespace mcp::recovery {

// "20261126T020000Z", for names of what is set aside.
std::string time_stamp(dsl::env::Env& env);
// "mcr" of "mcr/data/x" and of "mcr".
std::string unit_of(const std::string& path);
// "data/x" of "mcr/data/x", nothing of "mcr".
std::string below_unit(const std::string& path);
// Where a unit is made and where its trash is: beside its place, so that it can be renamed. A
// directory that is shared stays, so its members are made within it.
std::string place_of(const RestoreStep& step);
std::string trash_of(const std::string& parent);
// Where the unit is until it is put in its place.
std::string stage_folder(const RestorePlan& plan, const RestoreStep& step);

// What is left of it goes with the object. Confined to its owner.
class Stage {
 public:
  // `plan` outlives it.
  Stage(dsl::env::Env& env, const RestorePlan& plan, RestoreProgress progress);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // What a restore that was cut off has left is removed.
  Result<void> prepare();
  // Unpacks the plan's units from the point; a database is looked through while the next entries
  // are unpacked, and so before the signature is known to be right: it takes no place before. The
  // manifest is that of the archive. Errors of `read_point`; kDataLoss when it is another point
  // than the plan's.
  Result<Manifest> fill(const PointSource& source, const ReadKeys& keys);
  // Every database of the plan's units was opened and looked through once this returns.
  Result<void> check_databases(const Manifest& manifest);
  // Modes and times of directories, and all of it on stable storage.
  Result<void> finish();
  std::string folder(const RestoreStep& step) const { return stage_folder(plan_, step); }
  // Writes the record that `undo` goes by, then exchanges the names, one by one.
  Result<void> put_in_place(const std::vector<Move>& moves);

 private:
  Result<void> add(const dsl::archive::TarEntry& entry, const dsl::archive::Source& content);
  const RestoreStep* step_of(const std::string& unit) const;
  Result<void> check_soon(const std::string& path, const std::string& file);
  Result<void> wait_for_check(const std::string& path);
  Result<void> write_record(const std::vector<Move>& moves);
  Result<void> add_image(const dsl::archive::TarEntry& entry, const dsl::archive::Source& content);
  Result<void> put_images();
  void remove(const RestoreStep& step);

  dsl::env::Env& env_;
  const RestorePlan& plan_;
  const RestoreProgress progress_;
  std::map<std::string, Unpacker> unpackers_;
  std::vector<std::pair<std::string, std::string>> images_;  // name, where it lies until the end
  std::vector<std::string> made_;  // directories for units, which were not there
  std::uint64_t bytes_ = 0;
  std::set<std::string> databases_;                          // of the plan's manifest
  std::map<std::string, std::future<Result<void>>> checks_;  // by path in the point
  std::set<std::string> checked_;                            // found in order
};

}  // namespace mcp::recovery
