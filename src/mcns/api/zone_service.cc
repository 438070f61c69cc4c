// ZoneService: zones with their SOA and policies.
#include <optional>

#include "mcns/api/audit.h"
#include "mcns/api/convert.h"
#include "mcns/api/fields.h"
#include "mcns/api/handlers.h"
#include "mcns/api/rows.h"
#include "mcns/store/zone_table.h"
#include "mcns/v1/zone.pb.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::db::Transaction;
using dsl::rpc::CallContext;

namespace {

constexpr int kUpdateTries = 8;  // while records of the zone are written at the same time

Result<store::ZoneRow> read_zone(Context& context, const Name& origin) {
  return context.services.database.read([&](Transaction& tx) { return zone_row(tx, origin); });
}

pb::Zone described(Context& context, const store::ZoneRow& row) {
  zone::Reader reader(context.services.resolver.zones);
  const zone::Pin version(reader);
  return to_proto(row, version->zone(row.origin), context.services.env.clock().now());
}

Result<pb::Zone> get(Context& context, const pb::GetZoneRequest& request) {
  MC_ASSIGN(const Name origin, absolute_name(request.zone(), "zone"));
  MC_ASSIGN(const store::ZoneRow row, read_zone(context, origin));
  return described(context, row);
}

Result<pb::ListZonesReply> list(Context& context) {
  MC_ASSIGN(const std::vector<store::ZoneRow> rows,
            context.services.database.read([](Transaction& tx) { return store::all_zones(tx); }));
  zone::Reader reader(context.services.resolver.zones);
  const zone::Pin version(reader);
  pb::ListZonesReply reply;
  for (const store::ZoneRow& row : rows) {
    *reply.add_zones() =
        to_proto(row, version->zone(row.origin), context.services.env.clock().now());
  }
  return reply;
}

template <class Request>
void put_times(const Request& request, store::ZoneRow& row) {
  const auto put = [](bool given, std::uint32_t value, std::uint32_t& target) {
    target = given ? value : target;
  };
  put(request.has_refresh(), request.refresh(), row.soa.refresh_s);
  put(request.has_retry(), request.retry(), row.soa.retry_s);
  put(request.has_expire(), request.expire(), row.soa.expire_s);
  put(request.has_minimum_ttl(), request.minimum_ttl(), row.soa.minimum_ttl_s);
  put(request.has_default_ttl(), request.default_ttl(), row.default_ttl);
}

Result<store::ZoneRow> new_zone(const pb::CreateZoneRequest& request) {
  store::ZoneRow row;
  MC_ASSIGN(row.origin, absolute_name(request.name(), "name"));
  Result<Name> primary = Name::parse(request.primary_ns(), &row.origin);
  if (!primary) {
    return tl::unexpected(at_field(std::move(primary).error(), "primary_ns"));
  }
  row.soa.primary_ns = std::move(*primary);
  if (request.admin_email().empty()) {
    MC_ASSIGN(row.soa.admin_email, row.origin.child("hostmaster"));
  } else {
    MC_ASSIGN(row.soa.admin_email, mailbox_name(request.admin_email(), "admin_email"));
  }
  put_times(request, row);
  row.soa.serial = request.serial();
  row.serial_policy =
      store::parse_serial_policy(request.serial_policy()).value_or(store::SerialPolicy::kDate);
  row.auto_ptr = request.auto_ptr();
  return row;
}

// A zone that comes or goes changes where the names below it are answered from.
void forget_below(Context& context, const Name& origin) {
  (void)context.services.resolver.cache.flush(origin.wire(), true);
}

Result<pb::Zone> create(Context& context, const CallContext& call,
                        const pb::CreateZoneRequest& request) {
  MC_TRY(heed(request.change(), {}));
  MC_ASSIGN(const store::ZoneRow row, new_zone(request));
  if (request.change().dry_run()) {
    if (read_zone(context, row.origin)) {
      return fail(Code::kAlreadyExists, "zone {} is there already", zone_text(row.origin));
    }
    return described(context, row);
  }
  Result<Outcome> outcome = context.services.writer.create_zone(
      author_of(context.services, call, "api"), row, std::vector<Record>());
  if (!outcome) {
    return tl::unexpected(for_caller(std::move(outcome).error()));
  }
  forget_below(context, row.origin);
  audit(call, row.origin, *outcome);
  MC_ASSIGN(const store::ZoneRow stored, read_zone(context, row.origin));
  return described(context, stored);
}

Result<void> put_changes(const pb::UpdateZoneRequest& request, store::ZoneRow& row) {
  if (request.has_primary_ns()) {
    Result<Name> primary = Name::parse(request.primary_ns(), &row.origin);
    if (!primary) {
      return tl::unexpected(at_field(std::move(primary).error(), "primary_ns"));
    }
    row.soa.primary_ns = std::move(*primary);
  }
  if (request.has_admin_email()) {
    MC_ASSIGN(row.soa.admin_email, mailbox_name(request.admin_email(), "admin_email"));
  }
  put_times(request, row);
  if (request.serial() != 0) {
    row.soa.serial = request.serial();
  }
  row.serial_policy =
      store::parse_serial_policy(request.serial_policy()).value_or(row.serial_policy);
  if (request.has_auto_ptr()) {
    row.auto_ptr = request.auto_ptr();
  }
  return {};
}

// Reads the zone and writes it back, again while somebody else was quicker.
Result<pb::Zone> update(Context& context, const CallContext& call,
                        const pb::UpdateZoneRequest& request) {
  MC_TRY(heed(request.change(), {.if_serial = true}));
  MC_ASSIGN(const Name origin, absolute_name(request.zone(), "zone"));
  const std::uint32_t wanted = request.change().if_serial();
  for (int tries = 0;; ++tries) {
    MC_ASSIGN(store::ZoneRow row, read_zone(context, origin));
    const std::uint32_t read_at = row.soa.serial;
    MC_TRY(put_changes(request, row));
    if (request.change().dry_run()) {
      return described(context, row);
    }
    Result<Outcome> outcome = context.services.writer.update_zone(
        author_of(context.services, call, "api"), row, wanted != 0 ? wanted : read_at);
    if (outcome) {
      audit(call, origin, *outcome);
      MC_ASSIGN(const store::ZoneRow stored, read_zone(context, origin));
      return described(context, stored);
    }
    const bool outrun = outcome.error().code() == Code::kFailedPrecondition && wanted == 0;
    if (!outrun || tries + 1 >= kUpdateTries) {
      return tl::unexpected(for_caller(std::move(outcome).error()));
    }
  }
}

Result<pb::DeleteZoneReply> remove(Context& context, const CallContext& call,
                                   const pb::DeleteZoneRequest& request) {
  MC_TRY(heed(request.change(), {.if_serial = true}));
  MC_ASSIGN(const Name origin, absolute_name(request.zone(), "zone"));
  MC_ASSIGN(const store::ZoneRow row, read_zone(context, origin));
  const std::uint32_t wanted = request.change().if_serial();
  if (wanted != 0 && wanted != row.soa.serial) {
    return fail(Code::kFailedPrecondition, "{} is at serial {}, not at {}", zone_text(origin),
                row.soa.serial, wanted)
        .hint("read the zone again, then decide");
  }
  const pb::Zone zone = described(context, row);
  pb::DeleteZoneReply reply;
  reply.set_records(zone.records());
  if (request.change().dry_run()) {
    return reply;
  }
  MC_TRY(context.services.writer.delete_zone(author_of(context.services, call, "api"), origin));
  forget_below(context, origin);
  audit(call, dsl::text("zone {}", zone_text(origin)),
        dsl::text("serial {}, {} records", zone.serial(), zone.records()), "");
  return reply;
}

}  // namespace

void add_zone_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  const std::string service = "mcns.v1.ZoneService.";
  table.add<pb::ListZonesRequest, pb::ListZonesReply>(
      service + "ListZones",
      [context](CallContext&, const pb::ListZonesRequest&) { return list(*context); });
  table.add<pb::GetZoneRequest, pb::Zone>(
      service + "GetZone", [context](CallContext&, const pb::GetZoneRequest& request) {
        return get(*context, request);
      });
  table.add<pb::CreateZoneRequest, pb::Zone>(
      service + "CreateZone", [context](CallContext& call, const pb::CreateZoneRequest& request) {
        return context->replies.once<pb::Zone>(call, request_id(request.change()), request,
                                               [&] { return create(*context, call, request); });
      });
  table.add<pb::UpdateZoneRequest, pb::Zone>(
      service + "UpdateZone", [context](CallContext& call, const pb::UpdateZoneRequest& request) {
        return context->replies.once<pb::Zone>(call, request_id(request.change()), request,
                                               [&] { return update(*context, call, request); });
      });
  table.add<pb::DeleteZoneRequest, pb::DeleteZoneReply>(
      service + "DeleteZone", [context](CallContext& call, const pb::DeleteZoneRequest& request) {
        return context->replies.once<pb::DeleteZoneReply>(
            call, request_id(request.change()), request,
            [&] { return remove(*context, call, request); });
      });
}

}  // namespace mcns::api
