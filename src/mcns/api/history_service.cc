// ZoneService: the journal of a zone, and the way back.
#include "mcns/api/convert.h"
#include "mcns/api/fields.h"
#include "mcns/api/handlers.h"
#include "mcns/api/rows.h"
#include "mcns/v1/zone.pb.h"

namespace mcns::api {

using dsl::db::Transaction;
using dsl::rpc::CallContext;

namespace {

constexpr std::size_t kPageDefault = 200;

Result<pb::ListChangesReply> list(Context& context, const pb::ListChangesRequest& request) {
  MC_ASSIGN(const Name zone, absolute_name(request.zone(), "zone"));
  ChangeFilter filter{.after_serial = request.after_serial(),
                      .until_serial = request.until_serial()};
  if (!request.name().empty()) {
    MC_ASSIGN(filter.name, name_in_zone(request.name(), zone, "name"));
  }
  PageLimit limit;
  limit.rows =
      request.page_size() == 0 ? kPageDefault : static_cast<std::size_t>(request.page_size());
  return context.services.database.read([&](Transaction& tx) -> Result<pb::ListChangesReply> {
    MC_ASSIGN(const store::ZoneRow row, zone_row(tx, zone));
    MC_ASSIGN(const ChangePage page, changes_page(tx, row, filter, request.page_token(), limit));
    pb::ListChangesReply reply;
    for (const store::ChangeRow& change : page.rows) {
      *reply.add_changes() = to_proto(change, zone);
    }
    reply.set_next_page_token(page.next);
    return reply;
  });
}

Result<pb::Outcome> roll_back(Context& context, const CallContext& call,
                              const pb::RollbackZoneRequest& request) {
  MC_TRY(heed(request.change(), {.if_serial = true}));
  MC_ASSIGN(const Name zone, absolute_name(request.zone(), "zone"));
  // What is undone must be what the caller has seen.
  const std::uint32_t seen = request.change().if_serial();
  Result<Outcome> outcome = context.services.writer.rollback(
      author_of(context.services, call, "rollback"), zone, request.to_serial(),
      seen == 0 ? std::nullopt : std::optional(seen), request.change().dry_run());
  if (!outcome) {
    return tl::unexpected(for_caller(std::move(outcome).error()));
  }
  return concluded(call, zone, *outcome, request.change().dry_run());
}

}  // namespace

void add_history_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  const std::string service = "mcns.v1.ZoneService.";
  table.add<pb::ListChangesRequest, pb::ListChangesReply>(
      service + "ListChanges", [context](CallContext&, const pb::ListChangesRequest& request) {
        return list(*context, request);
      });
  table.add<pb::RollbackZoneRequest, pb::Outcome>(
      service + "RollbackZone",
      [context](CallContext& call, const pb::RollbackZoneRequest& request) {
        return context->replies.once<pb::Outcome>(call, request_id(request.change()), request, [&] {
          return roll_back(*context, call, request);
        });
      });
}

}  // namespace mcns::api
