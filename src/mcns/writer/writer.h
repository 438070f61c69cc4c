// Every change of the zones goes through here: rules, journal, serial, durable commit, and the
// version that shows it, before anybody is told that it was done.
//
//   MC_ASSIGN(auto writer, Writer::open(env, database, zones, options));
//   MC_ASSIGN(auto done, writer->apply({.account = "mcp-agent"}, batch));
//   // every query from now on sees it; done.serial is the zone's
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/figures/latency.h"
#include "mcns/store/records.h"
#include "mcns/wire/message.h"
#include "mcns/zone/image.h"
#include "mcns/zone/store.h"

namespace mcns {

struct Outcome {
  std::uint32_t serial = 0;  // of the zone, afterwards; of a dry run as it is
  bool changed = false;      // its records or its fields; to renew a lease is no change
  std::uint64_t added = 0;   // rows of `changes`, also when they are too many to be listed
  std::uint64_t removed = 0;
  // What was (or would be) done, by zone, deletions first; that of a reverse zone too (auto PTR).
  // None when there are more than the journal takes.
  std::vector<store::ChangeRow> changes;
  std::vector<store::RecordRow> records;  // stored form of what operations added or set
  std::vector<std::string> warnings;      // "the TTL of the 2 other A records of ... became 60"
};

// On whose behalf, and by which way. Rights were checked before, apart from the ownership of
// records, which is checked against the rows themselves.
struct Author {
  std::string account;
  std::string source = "api";     // of ChangeRow
  bool may_touch_others = false;  // records that belong to another account
  // Runs last in the transaction of the write, on the writer's thread, unless it is a dry run: what
  // has to be kept together with it or not at all. Its error takes the write back.
  std::function<dsl::Result<void>(dsl::db::Transaction&, const Outcome&)> together = nullptr;
};

struct Operation {
  enum class Kind {
    kAdd,         // one record; kAlreadyExists when it is there, unless TTL or lease are others
    kSet,         // the whole RRset becomes `rdata`; nothing changes when it is that already
    kChange,      // the record `id`: its TTL, its lease, and its value when there is `rdata`;
                  // kNotFound when it is gone, whatever has taken its place
    kDelete,      // the record with `rdata`, or the RRset when there is none; kNotFound
    kDeleteName,  // every RRset of the name
  };
  Kind kind = Kind::kAdd;
  std::int64_t id = 0;  // of kChange; `name` and `type` are those of that record
  Name name;
  Type type = Type::kA;
  // That of the RRset otherwise, for a new one the zone's default; moves the whole RRset.
  std::optional<std::uint32_t> ttl;
  std::vector<Bytes> rdata;
  std::optional<std::chrono::seconds> lease;  // the record stays for good otherwise
  bool keeps_lease = false;                   // of kChange without `lease`: as the record has it
};

struct Batch {
  Name zone;
  std::vector<Operation> operations;       // applied in order, all or none
  std::optional<std::uint32_t> if_serial;  // kFailedPrecondition when the zone is beyond it
  bool strict = false;                     // what is a warning otherwise is refused
  bool force = false;                      // past the guard
  bool dry_run = false;
};

// What an update gives a zone. All else stays as it is when the turn of the write has come, so that
// of two that give different fields neither undoes the other.
struct ZoneUpdate {
  Name zone;
  std::optional<Name> primary_ns;
  std::optional<Name> admin_email;
  std::optional<std::uint32_t> refresh_s;
  std::optional<std::uint32_t> retry_s;
  std::optional<std::uint32_t> expire_s;
  std::optional<std::uint32_t> minimum_ttl_s;
  std::optional<std::uint32_t> default_ttl;
  std::optional<std::uint32_t> serial;  // newer than the zone's (RFC 1982), or the same
  std::optional<store::SerialPolicy> serial_policy;
  std::optional<bool> auto_ptr;
  std::optional<std::uint32_t> if_serial;  // kFailedPrecondition when the zone is beyond it
  bool dry_run = false;

  // The fields, but not the serial, which the write gives.
  void put(store::ZoneRow& row) const;
};

// A batch or an import that removes more than `shrink_percent_max` of a zone's names, and at least
// `names_min`, is refused unless forced.
struct GuardOptions {
  int shrink_percent_max = 50;
  std::uint64_t names_min = 20;
};

struct WriterOptions {
  GuardOptions guard;
  std::size_t group_max = 256;                     // writes in one commit
  std::chrono::milliseconds group_wait{2};         // for more of them, while some are under way
  std::size_t queue_max = 4096;                    // beyond it kUnavailable at once
  std::size_t journal_rows_max = 100000;           // a zone's; the oldest go, by whole serials
  std::chrono::milliseconds lease_interval{1000};  // how often leases are looked at
  // Is told, before those who wrote are, of names at and below which others answer than before:
  // zones that came or went, delegations, their glue. On the thread that writes; may be empty.
  std::function<void(const std::vector<Name>&)> moved = nullptr;
};

// How long its steps take.
struct WriterFigures {
  Latency commits;    // of a group of writes: its transaction, to stable storage
  Latency publishes;  // from there to the version that everybody reads
};

// Thread-safe. Owns the thread that writes.
class Writer {
 public:
  // Loads every zone of the database into `zones`, in place of what is there, and begins to write.
  // When `image`, which was read into `zones`, says that they have what the database has, they
  // stay. `database` was opened with `store::migrations()`; it and `zones` outlive the writer.
  static dsl::Result<std::unique_ptr<Writer>> open(dsl::env::Env& env, dsl::db::Database& database,
                                                   zone::Store& zones, WriterOptions options,
                                                   const std::vector<zone::ImageZone>& image = {});
  virtual ~Writer() = default;

  // kNotFound for a zone that is not here, kConflict with the record that is in the way (CNAME
  // beside others, ...), kInvalidArgument for what cannot stand in a zone, kPermissionDenied for
  // a record of another's, kFailedPrecondition "guard" with the counts. Of several operations the
  // details name those at fault, `where` being "operations[2]".
  virtual dsl::Result<Outcome> apply(const Author& author, const Batch& batch) = 0;

  // `row` without id and times; its SOA serial 0 begins by its policy. `records` may hold its NS;
  // without any the primary_ns of the SOA becomes one. kAlreadyExists.
  virtual dsl::Result<Outcome> create_zone(const Author& author, store::ZoneRow row,
                                           std::vector<Record> records) = 0;
  // kInvalidArgument for a serial that is older.
  virtual dsl::Result<Outcome> update_zone(const Author& author, const ZoneUpdate& update) = 0;
  // kFailedPrecondition when the zone is beyond `if_serial`: what others wrote is not deleted with
  // what the caller has seen.
  virtual dsl::Result<Outcome> delete_zone(const Author& author, const Name& origin,
                                           std::optional<std::uint32_t> if_serial,
                                           bool dry_run) = 0;

  // The zone becomes these records (or gets them beside its own: `merge`), in one commit and one
  // version. The SOA among them sets the zone's fields and its serial when that is newer. Of
  // signatures and what else a signer makes nothing is taken, with a warning.
  struct Import {
    using Take = std::function<void(Record)>;

    Name zone;
    std::vector<Record> records;
    // In place of `records`: tells them one by one on the caller's thread, so that a million need
    // not be there at once. Its error is that of the import.
    std::function<dsl::Result<void>(const Take&)> read = nullptr;
    bool merge = false;
    bool create = false;  // when there is no such zone
    bool force = false;
    bool dry_run = false;
    std::optional<std::uint32_t> if_serial;
  };
  virtual dsl::Result<Outcome> import(const Author& author, Import import) = 0;
  // Undoes every change of records and SOA after `serial`, as a new version. Leases of records that
  // come back are gone. kNotFound when the journal does not reach back that far,
  // kFailedPrecondition when the zone is beyond `if_serial`.
  virtual dsl::Result<Outcome> rollback(const Author& author, const Name& zone,
                                        std::uint32_t serial,
                                        std::optional<std::uint32_t> if_serial, bool dry_run) = 0;

  // Of the writes from now on.
  virtual void set_limits(const GuardOptions& guard, std::size_t journal_rows_max) = 0;

  // New writes are refused (kUnavailable) from the return of `pause` on, and those accepted are
  // done: for the hand-over to another process. `resume` when that came to nothing.
  virtual void pause() = 0;
  virtual void resume() = 0;

  virtual const WriterFigures& figures() const = 0;
};

}  // namespace mcns
