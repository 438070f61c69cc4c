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
constexpr std::size_t kChangesMax = 1000;       // of a zone, read at once

// One stream. Confined to its thread.
class Watch {
 public:
  Watch(Context& context, const CallContext& call, WatchFilter filter,
        dsl::rpc::Writer<pb::WatchEvent>& writer)
      : services_(context.services), call_(call), filter_(std::move(filter)), writer_(writer) {}

  Result<void> run();

 private:
  struct Seen {
    std::uint32_t serial = 0;  // 0: the zone is new
    std::int64_t change = 0;   // the last number that was sent
  };
  // What of a zone comes next, of one moment.
  struct Page {
    store::ZoneRow zone;
    std::vector<store::ChangeRow> changes;
  };

  Result<void> remember_present();
  Result<void> send_changes();
  Result<void> send_changes(const Name& origin);
  Result<void> send_page(const Page& page);
  Result<void> send_queries(QueryEvents::Subscription& queries, std::chrono::milliseconds patience);
  Result<void> send(const store::ZoneRow& zone, const store::ChangeRow& change);
  Result<void> send(const QueryEvent& query);
  Result<void> send_missed(std::uint64_t events);

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
    queries.emplace(services_.queries);
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
  MC_ASSIGN(const std::vector<store::ZoneRow> zones,
            services_.database.read([](Transaction& tx) { return store::all_zones(tx); }));
  for (const store::ZoneRow& zone : zones) {
    if (seen_[zone.id].serial != zone.soa.serial && filter_.wants_zone(zone.origin)) {
      MC_TRY(send_changes(zone.origin));
    }
  }
  return {};
}

// From what was sent last on, page by page: an import alone may be many of them.
Result<void> Watch::send_changes(const Name& origin) {
  bool more = true;
  while (more && !call_.cancelled()) {
    MC_ASSIGN(const std::optional<Page> page,
              services_.database.read([&](Transaction& tx) -> Result<std::optional<Page>> {
                MC_ASSIGN(std::optional<store::ZoneRow> zone, store::find_zone(tx, origin));
                if (!zone) {
                  return std::optional<Page>();  // deleted meanwhile, with its journal
                }
                MC_ASSIGN(std::vector<store::ChangeRow> changes,
                          store::next_changes(tx, *zone, seen_[zone->id].change, kChangesMax));
                return std::optional(Page{std::move(*zone), std::move(changes)});
              }));
    if (!page) {
      return {};
    }
    MC_TRY(send_page(*page));
    more = page->changes.size() == kChangesMax;
  }
  return {};
}

// Serials form a chain. Where a link is missing the journal has dropped changes before they were
// sent, or did not take those of an import larger than itself; how many those were nobody knows.
Result<void> Watch::send_page(const Page& page) {
  Seen& seen = seen_[page.zone.id];
  for (const store::ChangeRow& change : page.changes) {
    const bool is_first = seen.serial == 0 || change.serial_from == 0;  // of a zone that is new
    const bool follows =
        is_first || change.serial_from == seen.serial || change.serial_to == seen.serial;
    if (!follows) {
      MC_TRY(send_missed(1));
    }
    seen = {change.serial_to, change.id};
    MC_TRY(send(page.zone, change));
  }
  const bool is_last = page.changes.size() < kChangesMax;
  if (is_last && seen.serial != page.zone.soa.serial) {
    MC_TRY(send_missed(1));
    seen.serial = page.zone.soa.serial;
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
  return missed == 0 ? Result<void>() : send_missed(missed);
}

Result<void> Watch::send_missed(std::uint64_t events) {
  pb::WatchEvent event;
  event.set_missed(events);
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
  out.set_limited(std::string(query.limited));
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
