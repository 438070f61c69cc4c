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

std::optional<std::uint32_t> if_serial_of(const pb::Change& change) {
  return change.if_serial() == 0 ? std::nullopt : std::optional(change.if_serial());
}

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
void put_times(const Request& request, ZoneUpdate& update) {
  const auto put = [](bool given, std::uint32_t value, std::optional<std::uint32_t>& target) {
    if (given) {
      target = value;
    }
  };
  put(request.has_refresh(), request.refresh(), update.refresh_s);
  put(request.has_retry(), request.retry(), update.retry_s);
  put(request.has_expire(), request.expire(), update.expire_s);
  put(request.has_minimum_ttl(), request.minimum_ttl(), update.minimum_ttl_s);
  put(request.has_default_ttl(), request.default_ttl(), update.default_ttl);
}

Result<store::ZoneRow> new_zone(const pb::CreateZoneRequest& request) {
  store::ZoneRow row;
  MC_ASSIGN(row.origin, absolute_name(request.name(), "name"));
  MC_ASSIGN(row.soa.primary_ns, host_name(request.primary_ns(), row.origin, "primary_ns"));
  if (request.admin_email().empty()) {
    MC_ASSIGN(row.soa.admin_email, row.origin.child("hostmaster"));
  } else {
    MC_ASSIGN(row.soa.admin_email, mailbox_name(request.admin_email(), "admin_email"));
  }
  ZoneUpdate times;
  put_times(request, times);
  times.put(row);
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

Result<ZoneUpdate> update_of(const pb::UpdateZoneRequest& request) {
  ZoneUpdate update;
  MC_ASSIGN(update.zone, absolute_name(request.zone(), "zone"));
  if (request.has_primary_ns()) {
    MC_ASSIGN(update.primary_ns, host_name(request.primary_ns(), update.zone, "primary_ns"));
  }
  if (request.has_admin_email()) {
    MC_ASSIGN(update.admin_email, mailbox_name(request.admin_email(), "admin_email"));
  }
  put_times(request, update);
  if (request.serial() != 0) {
    update.serial = request.serial();
  }
  update.serial_policy = store::parse_serial_policy(request.serial_policy());
  if (request.has_auto_ptr()) {
    update.auto_ptr = request.auto_ptr();
  }
  update.if_serial = if_serial_of(request.change());
  update.dry_run = request.change().dry_run();
  return update;
}

Result<pb::Zone> update(Context& context, const CallContext& call,
                        const pb::UpdateZoneRequest& request) {
  MC_TRY(heed(request.change(), {.if_serial = true}));
  MC_ASSIGN(const ZoneUpdate given, update_of(request));
  Result<Outcome> outcome =
      context.services.writer.update_zone(author_of(context.services, call, "api"), given);
  if (!outcome) {
    return tl::unexpected(for_caller(std::move(outcome).error()));
  }
  MC_ASSIGN(store::ZoneRow row, read_zone(context, given.zone));
  if (given.dry_run) {
    given.put(row);
    row.soa.serial = given.serial.value_or(row.soa.serial);
  } else {
    audit(call, given.zone, *outcome);
  }
  return described(context, row);
}

Result<pb::DeleteZoneReply> remove(Context& context, const CallContext& call,
                                   const pb::DeleteZoneRequest& request) {
  MC_TRY(heed(request.change(), {.if_serial = true}));
  MC_ASSIGN(const Name origin, absolute_name(request.zone(), "zone"));
  MC_ASSIGN(const store::ZoneRow row, read_zone(context, origin));
  const pb::Zone zone = described(context, row);
  const bool dry_run = request.change().dry_run();
  Result<Outcome> outcome = context.services.writer.delete_zone(
      author_of(context.services, call, "api"), origin, if_serial_of(request.change()), dry_run);
  if (!outcome) {
    return tl::unexpected(for_caller(std::move(outcome).error()));
  }
  pb::DeleteZoneReply reply;
  reply.set_records(zone.records());
  if (!dry_run) {
    forget_below(context, origin);
    audit(call, dsl::text("zone {}", zone_text(origin)),
          dsl::text("serial {}, {} records", zone.serial(), zone.records()), "");
  }
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
