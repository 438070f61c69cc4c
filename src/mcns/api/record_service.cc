// RecordService: records one by one, by RRset, and many at once.
#include "mcns/api/batches.h"
#include "mcns/api/convert.h"
#include "mcns/api/fields.h"
#include "mcns/api/handlers.h"
#include "mcns/api/rows.h"
#include "mcns/v1/record.pb.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::db::Transaction;
using dsl::rpc::CallContext;

namespace {

constexpr std::size_t kPageDefault = 200;

Result<pb::Outcome> write(Context& context, const CallContext& call, Prepared prepared) {
  Services& services = context.services;
  Result<Outcome> outcome = services.writer.apply(author_of(services, call, "api"), prepared.batch);
  if (!outcome) {
    return tl::unexpected(for_caller(std::move(outcome).error()));
  }
  outcome->warnings.insert(outcome->warnings.begin(), prepared.warnings.begin(),
                           prepared.warnings.end());
  return concluded(call, prepared.batch.zone, *outcome, prepared.batch.dry_run);
}

template <class Request>
Result<pb::Outcome> change(Context& context, const CallContext& call, const Request& request) {
  return context.replies.once<pb::Outcome>(
      call, request_id(request.change()), request, [&]() -> Result<pb::Outcome> {
        MC_ASSIGN(Prepared prepared, prepare(context.services, request));
        return write(context, call, std::move(prepared));
      });
}

Result<pb::ListRecordsReply> list(Context& context, const pb::ListRecordsRequest& request) {
  MC_ASSIGN(const Name zone, absolute_name(request.zone(), "zone"));
  store::RecordFilter filter;
  if (!request.name().empty()) {
    MC_ASSIGN(filter.name, name_in_zone(request.name(), zone, "name"));
  }
  if (!request.type().empty()) {
    MC_ASSIGN(filter.type, record_type(request.type(), "type"));
  }
  if (!request.owner().empty()) {
    filter.owner = request.owner();
  }
  PageLimit limit;
  limit.rows =
      request.page_size() == 0 ? kPageDefault : static_cast<std::size_t>(request.page_size());
  return context.services.database.read([&](Transaction& tx) -> Result<pb::ListRecordsReply> {
    MC_ASSIGN(const store::ZoneRow row, zone_row(tx, zone));
    MC_ASSIGN(const store::RecordPage page,
              records_page(tx, row, filter, request.page_token(), limit));
    pb::ListRecordsReply reply;
    for (const store::RecordRow& record : page.records) {
      *reply.add_records() = to_proto(record, zone);
    }
    reply.set_next_page_token(page.next);
    reply.set_serial(row.soa.serial);
    return reply;
  });
}

Result<pb::Record> get(Context& context, const pb::GetRecordRequest& request) {
  MC_ASSIGN(const Name zone, absolute_name(request.zone(), "zone"));
  return context.services.database.read([&](Transaction& tx) -> Result<pb::Record> {
    MC_ASSIGN(const store::ZoneRow row, zone_row(tx, zone));
    MC_ASSIGN(const store::RecordRow record, record_row(tx, row, request.id()));
    return to_proto(record, zone);
  });
}

Result<pb::RRset> get_rrset(Context& context, const pb::GetRRsetRequest& request) {
  MC_ASSIGN(const Name zone, absolute_name(request.zone(), "zone"));
  MC_ASSIGN(const Name name, name_in_zone(request.name(), zone, "name"));
  MC_ASSIGN(const Type type, record_type(request.type(), "type"));
  return context.services.database.read([&](Transaction& tx) -> Result<pb::RRset> {
    MC_ASSIGN(const store::ZoneRow row, zone_row(tx, zone));
    MC_ASSIGN(const std::vector<store::RecordRow> records, rrset_rows(tx, row, name, type));
    if (records.empty()) {
      return fail(Code::kNotFound, "{} has no {} records", name.text(), mcns::text(type))
          .hint("mcns record list shows what it has");
    }
    pb::RRset out;
    out.set_zone(zone_text(zone));
    out.set_serial(row.soa.serial);
    out.set_name(name.text_below(zone));
    out.set_type(mcns::text(type));
    out.set_ttl(records.front().ttl);
    for (const store::RecordRow& record : records) {
      *out.add_records() = to_proto(record, zone);
    }
    return out;
  });
}

}  // namespace

void add_record_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  const std::string service = "mcns.v1.RecordService.";
  table.add<pb::ListRecordsRequest, pb::ListRecordsReply>(
      service + "ListRecords", [context](CallContext&, const pb::ListRecordsRequest& request) {
        return list(*context, request);
      });
  table.add<pb::GetRecordRequest, pb::Record>(
      service + "GetRecord", [context](CallContext&, const pb::GetRecordRequest& request) {
        return get(*context, request);
      });
  table.add<pb::GetRRsetRequest, pb::RRset>(
      service + "GetRRset", [context](CallContext&, const pb::GetRRsetRequest& request) {
        return get_rrset(*context, request);
      });
  const auto add_change = [&]<class Request>(const char* method, const Request&) {
    table.add<Request, pb::Outcome>(service + method,
                                    [context](CallContext& call, const Request& request) {
                                      return change(*context, call, request);
                                    });
  };
  add_change("CreateRecord", pb::CreateRecordRequest::default_instance());
  add_change("UpdateRecord", pb::UpdateRecordRequest::default_instance());
  add_change("DeleteRecord", pb::DeleteRecordRequest::default_instance());
  add_change("SetRRset", pb::SetRRsetRequest::default_instance());
  add_change("DeleteRRset", pb::DeleteRRsetRequest::default_instance());
  add_change("BatchRecords", pb::BatchRecordsRequest::default_instance());
}

}  // namespace mcns::api
