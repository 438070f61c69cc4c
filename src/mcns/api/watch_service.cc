// WatchService: what happens, as it happens.
#include <map>
#include <optional>
#include <utility>

#include "mcns/api/convert.h"
#include "mcns/api/fields.h"
#include "mcns/api/handlers.h"
#include "mcns/api/rows.h"
#include "mcns/api/watch_filter.h"
#include "mcns/store/change_table.h"
#include "mcns/store/zone_table.h"

namespace mcns::api {

using dsl::db::Transaction;
using dsl::rpc::CallContext;

namespace {

constexpr std::chrono::milliseconds kLook{50};  // between looks for a new version of the zones
constexpr std::size_t kChangesMax = 1000;       // of a zone, at one look

// One stream. Confined to its thread.
class Watch {
 public:
  Watch(Context& context, const CallContext& call, WatchFilter filter,
        dsl::rpc::Writer<pb::WatchEvent>& writer)
      : services_(context.services), call_(call), filter_(std::move(filter)), writer_(writer) {}

  Result<void> run();

 private:
  struct Seen {
    std::uint32_t serial = 0;
    std::int64_t change = 0;  // the last number that was sent
  };

  Result<void> remember_present();
  Result<void> send_changes();
  Result<void> send_queries(QueryEvents::Subscription& queries, std::chrono::milliseconds patience);
  Result<void> send(const store::ZoneRow& zone, const store::ChangeRow& change);
  Result<void> send(const QueryEvent& query);

  Services& services_;
  const CallContext& call_;
  const WatchFilter filter_;
  dsl::rpc::Writer<pb::WatchEvent>& writer_;
  std::uint64_t version_ = 0;
  std::map<std::int64_t, Seen> seen_;  // by zone
};

Result<void> Watch::run() {
  // The workers make events only while somebody wants them.
  std::optional<QueryEvents::Subscription> queries;
  if (filter_.wants_queries()) {
    queries.emplace(services_.queries, services_.env.clock());
  }
  MC_TRY(remember_present());
  pb::WatchEvent began;
  began.set_began(true);
  MC_TRY(writer_.write(began));
  bool last = false;
  while (!last && !call_.cancelled()) {
    // What came before the service was told to end is still sent.
    last = services_.stopping;
    if (queries) {
      MC_TRY(send_queries(*queries, last ? std::chrono::milliseconds(0) : kLook));
    } else if (!last) {
      services_.env.clock().sleep_for(kLook);
    }
    MC_TRY(send_changes());
  }
  return {};
}

Result<void> Watch::remember_present() {
  version_ = services_.resolver.zones.newest();
  return services_.database.read([&](Transaction& tx) -> Result<void> {
    MC_ASSIGN(const std::vector<store::ZoneRow> zones, store::all_zones(tx));
    for (const store::ZoneRow& zone : zones) {
      MC_ASSIGN(const std::vector<store::ChangeRow> last, store::list_changes(tx, zone, 0, 1));
      seen_[zone.id] = {zone.soa.serial, last.empty() ? 0 : last.front().id};
    }
    return {};
  });
}

// The journal is what tells of every change, whoever made it; a new version, that there is one.
Result<void> Watch::send_changes() {
  const std::uint64_t newest = services_.resolver.zones.newest();
  if (newest == version_ || !filter_.wants_changes()) {
    return {};
  }
  version_ = newest;
  std::vector<std::pair<store::ZoneRow, std::vector<store::ChangeRow>>> came;
  MC_TRY(services_.database.read([&](Transaction& tx) -> Result<void> {
    MC_ASSIGN(std::vector<store::ZoneRow> zones, store::all_zones(tx));
    for (store::ZoneRow& zone : zones) {
      Seen& seen = seen_[zone.id];
      if (seen.serial == zone.soa.serial || !filter_.wants_zone(zone.origin)) {
        continue;
      }
      MC_ASSIGN(std::vector<store::ChangeRow> changes,
                changes_after(tx, zone, seen.change, kChangesMax));
      seen = {zone.soa.serial, changes.empty() ? seen.change : changes.back().id};
      came.emplace_back(std::move(zone), std::move(changes));
    }
    return {};
  }));
  for (const auto& [zone, changes] : came) {
    for (const store::ChangeRow& change : changes) {
      MC_TRY(send(zone, change));
    }
  }
  return {};
}

Result<void> Watch::send_queries(QueryEvents::Subscription& queries,
                                 std::chrono::milliseconds patience) {
  for (const QueryEvent& query : queries.take(patience)) {
    if (filter_.wants(query)) {
      MC_TRY(send(query));
    }
  }
  const std::uint64_t missed = queries.missed();
  if (missed == 0) {
    return {};
  }
  pb::WatchEvent event;
  event.set_missed(missed);
  return writer_.write(event);
}

Result<void> Watch::send(const store::ZoneRow& zone, const store::ChangeRow& change) {
  if (!filter_.wants_name(change.name)) {
    return {};
  }
  pb::WatchEvent event;
  event.mutable_change()->set_zone(zone_text(zone.origin));
  *event.mutable_change()->mutable_entry() = to_proto(change, zone.origin);
  return writer_.write(event);
}

Result<void> Watch::send(const QueryEvent& query) {
  pb::WatchEvent event;
  pb::QueryEvent& out = *event.mutable_query();
  out.set_at_ms(to_ms(query.at));
  out.set_client(query.client);
  out.set_transport(query.stream ? "tcp" : "udp");
  out.set_name(query.name.text());
  out.set_type(mcns::text(query.type));
  out.set_rcode(mcns::text(query.rcode));
  out.set_source(std::string(query.source));
  out.set_took_us(static_cast<std::uint32_t>(query.took.count()));
  return writer_.write(event);
}

}  // namespace

void add_watch_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  table.add_stream<pb::WatchRequest, pb::WatchEvent>(
      "mcns.v1.WatchService.Watch",
      [context](CallContext& call, const pb::WatchRequest& request,
                dsl::rpc::Writer<pb::WatchEvent>& writer) -> Result<void> {
        MC_ASSIGN(WatchFilter filter, WatchFilter::parse(request));
        return Watch(*context, call, std::move(filter), writer).run();
      });
}

}  // namespace mcns::api
