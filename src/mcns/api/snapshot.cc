#include "mcns/api/snapshot.h"

#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "mcns/api/fields.h"
#include "mcns/store/record_table.h"
#include "mcns/store/schema.h"
#include "mcns/store/snapshot_files.h"
#include "mcns/store/zone_table.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;

namespace {

const dsl::log::Logger logger("api.snapshot");

Result<std::string> destination(Services& services, const dsl::rpc::CallContext& call,
                                const pb::SnapshotRequest& request) {
  if (request.out().empty()) {
    return dsl::text("{}/{}", services.settings.backup_dir, store::snapshot_name(call.now()));
  }
  if (!call.peer().local) {
    return fail(Code::kPermissionDenied, "a path of this machine is for callers on it")
        .hint("leave it out: the copy then lies in the folder of backups; or use --local here");
  }
  if (!request.out().starts_with('/')) {
    return fail(Code::kInvalidArgument, "out: {} is not absolute", request.out())
        .detail("out", "must be an absolute path")
        .hint("/srv/mcns/backups/before.db");
  }
  return request.out();
}

Result<std::vector<pb::ZoneStatus>> zones_in(dsl::db::Transaction& tx) {
  std::vector<pb::ZoneStatus> zones;
  MC_ASSIGN(const std::vector<store::ZoneRow> rows, store::all_zones(tx));
  for (const store::ZoneRow& row : rows) {
    MC_ASSIGN(const store::ZoneCounts counts, store::count_zone(tx, row));
    pb::ZoneStatus& zone = zones.emplace_back();
    zone.set_name(zone_text(row.origin));
    zone.set_serial(row.soa.serial);
    zone.set_names(counts.names);
    zone.set_records(counts.records + 1);  // the SOA has no row
  }
  return zones;
}

// What the copy holds, read as a start from it would read it; kDataLoss when it is damaged.
Result<std::vector<pb::ZoneStatus>> verified_zones(dsl::env::Env& env, const std::string& path) {
  std::vector<pb::ZoneStatus> zones;
  {
    MC_ASSIGN(const auto copy,
              dsl::db::Database::open(
                  env, path, {.migrations = store::migrations(), .readers = 1, .owner = false}));
    MC_TRY(copy->check());
    MC_ASSIGN(zones, copy->read(zones_in));
  }
  // Left by the look: nothing was written into them.
  for (const char* companion : {"-wal", "-shm"}) {
    (void)env.files().remove(path + companion);
  }
  return zones;
}

// The oldest first, as their names say. One that stays is a matter for the log: the copy is made.
std::vector<std::string> prune(Services& services, std::size_t keep) {
  std::vector<std::string> removed;
  dsl::env::FileSystem& files = services.env.files();
  const std::string& folder = services.settings.backup_dir;
  const Result<std::vector<std::string>> names = store::snapshot_names(files, folder);
  if (!names) {
    logger.failure(dsl::log::Level::kWarn, "older snapshots stay", names.error());
    return removed;
  }
  for (std::size_t i = 0; i + keep < names->size(); ++i) {
    const std::string path = dsl::text("{}/{}", folder, (*names)[i]);
    if (const Result<void> done = files.remove(path); done) {
      removed.push_back(path);
    } else {
      logger.failure(dsl::log::Level::kWarn, "an older snapshot stays", done.error());
    }
  }
  return removed;
}

}  // namespace

Result<pb::SnapshotReply> snapshot(Services& services, const dsl::rpc::CallContext& call,
                                   const pb::SnapshotRequest& request) {
  MC_ASSIGN(const std::string path, destination(services, call, request));
  dsl::env::FileSystem& files = services.env.files();
  MC_TRY(files.make_directories(dsl::env::folder_of(path), 0750));
  MC_ASSIGN(const dsl::db::SnapshotReport report, services.database.snapshot(path));
  Result<std::vector<pb::ZoneStatus>> zones = verified_zones(services.env, path);
  if (!zones) {
    (void)files.remove(path);  // a damaged copy must not be taken for a good one
    return tl::unexpected(std::move(zones).error());
  }
  pb::SnapshotReply reply;
  reply.set_path(path);
  reply.set_size_bytes(report.size_bytes);
  reply.set_sha256(report.sha256);
  reply.set_rows(report.rows);
  reply.mutable_zones()->Assign(zones->begin(), zones->end());
  if (request.keep() > 0) {
    for (std::string& removed : prune(services, static_cast<std::size_t>(request.keep()))) {
      reply.add_removed(std::move(removed));
    }
  }
  return reply;
}

}  // namespace mcns::api
