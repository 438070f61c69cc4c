#include "mcns/api/handlers.h"

#include "mcns/api/api.h"
#include "mcns/api/audit.h"
#include "mcns/api/convert.h"
#include "mcns/api/fields.h"
#include "mcns/api/unchangeable.h"

namespace mcns::api {

namespace {

dsl::rpc::MethodTable table_of(const ContextPtr& context) {
  dsl::rpc::MethodTable table;
  add_zone_methods(table, context);
  add_zonefile_methods(table, context);
  add_history_methods(table, context);
  add_record_methods(table, context);
  add_admin_methods(table, context);
  add_access_methods(table, context);
  add_forward_methods(table, context);
  add_watch_methods(table, context);
  return table;
}

}  // namespace

dsl::rpc::MethodTable make_methods(Services& services) {
  const dsl::rpc::MethodTable table = table_of(std::make_shared<Context>(services));
  return services.unchangeable ? unchangeable_methods(table, *services.unchangeable) : table;
}

dsl::rpc::MethodTable declared_methods() { return table_of(nullptr); }

Author author_of(const Services& services, const dsl::rpc::CallContext& call,
                 const std::string& source) {
  const Standing standing = standing_of(call.caller(), services.settings.agent_accounts);
  return {.account = call.caller().subject,
          .source = source,
          .may_touch_others = may_touch_others(standing)};
}

Result<void> heed(const pb::Change& change, const Heeds& heeds) {
  const auto refuse = [](const std::string& field) {
    return tl::unexpected(
        at_field(dsl::fail(dsl::Code::kInvalidArgument, "means nothing here").hint("leave it out"),
                 "change." + field));
  };
  if (change.if_serial() != 0 && !heeds.if_serial) {
    return refuse("if_serial");
  }
  if (change.force() && !heeds.force) {
    return refuse("force");
  }
  if (change.strict() && !heeds.strict) {
    return refuse("strict");
  }
  return {};
}

std::string request_id(const pb::Change& change) {
  return change.dry_run() ? std::string() : change.request_id();
}

pb::Outcome concluded(const dsl::rpc::CallContext& call, const Name& zone, const Outcome& outcome,
                      bool dry_run) {
  if (!dry_run) {
    audit(call, zone, outcome);
  }
  return to_proto(outcome, zone);
}

dsl::Error for_caller(dsl::Error error) {
  if (error.code() != dsl::Code::kFailedPrecondition || !error.message().starts_with("guard:")) {
    return error;
  }
  dsl::Error out(dsl::Code::kConflict, error.message());
  out.set_id(error.id());
  out.set_hint(error.hint());
  for (const dsl::Detail& detail : error.details()) {
    out.add_detail(detail.where, detail.message);
  }
  return out;
}

}  // namespace mcns::api
