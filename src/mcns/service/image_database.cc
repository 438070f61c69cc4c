#include "mcns/service/image_database.h"

#include <mutex>
#include <optional>

#include "dsl/log/log.h"
#include "mcns/rdata/rdata.h"
#include "mcns/store/record_table.h"
#include "mcns/store/schema.h"
#include "mcns/store/sort_key.h"
#include "mcns/store/zone_table.h"

namespace mcns {
namespace {

using dsl::Result;
using dsl::db::Database;
using dsl::db::Transaction;

const dsl::log::Logger logger("mcns.image");

// What the SOA tells of a zone. How its serial moves and its other policies are for writes alone.
Result<store::ZoneRow> zone_row(const zone::Zone& zone, dsl::env::WallTime as_of) {
  store::ZoneRow row;
  row.id = zone.id();
  row.origin = zone.origin();
  const auto soa = zone.apex().find(Type::kSoa);
  MC_ASSERT(soa.has_value(), "a zone that was published has an SOA");
  MC_ASSIGN(row.soa, Soa::parse(soa->first_rdata()));
  row.soa_ttl = soa->ttl();
  row.default_ttl = soa->ttl();
  row.created_at = as_of;
  row.updated_at = as_of;
  return row;
}

// Makes rows of the records of one zone. Confined to the transaction.
class ZoneFiller {
 public:
  ZoneFiller(Transaction& tx, const store::ZoneRow& zone, std::int64_t last_id)
      : zone_(zone), writer_(tx, zone), last_id_(last_id) {}

  Result<std::int64_t> fill(const zone::Zone& zone) {
    Result<void> done;
    zone.each([&](zone::Node node) {
      if (done) {
        done = add(node);
      }
    });
    MC_TRY(done);
    return last_id_;
  }

 private:
  Result<void> add(zone::Node node) {
    store::RecordRow row{
        .zone_id = zone_.id, .created_at = zone_.created_at, .updated_at = zone_.updated_at};
    MC_ASSIGN(row.name, Name::from_wire(Bytes(node.name()) + zone_.origin.wire()));
    const Bytes key = store::sort_key(row.name, zone_.origin);
    Result<void> done;
    node.each([&](const zone::RrsetView& rrset) {
      if (rrset.type == Type::kSoa) {
        return;  // it is the zone's row
      }
      row.type = rrset.type;
      row.ttl = rrset.ttl();
      rrset.each([&](std::string_view, std::string_view rdata) {
        row.id = ++last_id_;
        row.rdata = rdata;
        row.canonical = canonical_rdata(row.type, rdata);
        if (done) {
          done = writer_.insert(row, key);
        }
      });
    });
    return done;
  }

  const store::ZoneRow& zone_;
  store::RecordWriter writer_;
  std::int64_t last_id_;
};

Result<std::unique_ptr<Database>> rows_of(dsl::env::Env& env, zone::Store& zones,
                                          dsl::env::WallTime as_of) {
  MC_ASSIGN(auto rows, Database::in_memory(env, store::migrations()));
  zone::Reader reader(zones);
  const zone::Pin version(reader);
  std::int64_t last_id = 0;
  const Result<void> filled = rows->write([&](Transaction& tx) -> Result<void> {
    for (const auto& zone : version->zones()) {
      MC_ASSIGN(const store::ZoneRow row, zone_row(*zone, as_of));
      MC_TRY(store::insert_zone(tx, row, 0));
      MC_ASSIGN(last_id, ZoneFiller(tx, row, last_id).fill(*zone));
    }
    return {};
  });
  MC_TRY(filled);
  logger.info("has made rows of the zones, to be read", {{"records", last_id}});
  return rows;
}

class ImageDatabase final : public Database {
 public:
  ImageDatabase(dsl::env::Env& env, zone::Store& zones, dsl::Error why, dsl::env::WallTime as_of)
      : env_(env), zones_(zones), why_(std::move(why)), as_of_(as_of) {}

  Result<dsl::db::SnapshotReport> snapshot(const std::string&) override {
    return tl::unexpected(why_);
  }
  Result<void> check() override { return tl::unexpected(why_); }
  Result<void> checkpoint() override { return {}; }
  std::optional<dsl::replica::Status> replica_status() const override { return std::nullopt; }
  Result<void> wait_until_replicated(std::chrono::milliseconds) override { return {}; }
  void stop_waiting() override {}
  int schema_version() const override { return static_cast<int>(store::migrations().size()); }

 protected:
  Result<void> write_erased(const std::function<Result<void>(Transaction&)>&) override {
    return tl::unexpected(why_);
  }
  Result<void> read_erased(const std::function<Result<void>(Transaction&)>& work, View) override {
    MC_ASSIGN(Database * rows, rows_once());
    return rows->read(work);
  }

 private:
  Result<Database*> rows_once() {
    const std::lock_guard lock(mutex_);
    if (!rows_) {
      MC_ASSIGN(rows_, rows_of(env_, zones_, as_of_));
    }
    return rows_.get();
  }

  dsl::env::Env& env_;
  zone::Store& zones_;
  const dsl::Error why_;
  const dsl::env::WallTime as_of_;
  std::mutex mutex_;
  std::unique_ptr<Database> rows_;  // guarded by mutex_ until it is there
};

}  // namespace

std::unique_ptr<Database> image_database(dsl::env::Env& env, zone::Store& zones,
                                         const dsl::Error& why, dsl::env::WallTime as_of) {
  return std::make_unique<ImageDatabase>(env, zones, why, as_of);
}

}  // namespace mcns
