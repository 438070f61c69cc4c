// ZoneService: zone files in and out.
#include "mcns/api/fields.h"
#include "mcns/api/handlers.h"
#include "mcns/api/rows.h"
#include "mcns/store/zone_table.h"
#include "mcns/v1/zone.pb.h"
#include "mcns/zonefile/zonefile.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::db::Transaction;
using dsl::rpc::CallContext;

namespace {

constexpr std::size_t kPieceBytes = 256u << 10;  // of an export

Record soa_record(const store::ZoneRow& row) {
  return {.name = row.origin, .type = Type::kSoa, .ttl = row.soa_ttl, .rdata = row.soa.rdata()};
}

Result<std::string> zone_as_file(Context& context, const Name& origin) {
  std::vector<Record> records;
  std::uint32_t default_ttl = 0;
  MC_TRY(context.services.database.read([&](Transaction& tx) -> Result<void> {
    MC_ASSIGN(const store::ZoneRow row, zone_row(tx, origin));
    default_ttl = row.default_ttl;
    records.push_back(soa_record(row));
    return store::each_record(tx, row, [&](store::RecordRow& record, BytesView) -> Result<void> {
      records.push_back({.name = std::move(record.name),
                         .type = record.type,
                         .ttl = record.ttl,
                         .rdata = std::move(record.rdata)});
      return {};
    });
  }));
  return write_zonefile(origin, default_ttl, records);
}

Result<void> export_zone(Context& context, const CallContext& call,
                         const pb::ExportZoneRequest& request,
                         dsl::rpc::Writer<pb::ZonefilePiece>& writer) {
  MC_ASSIGN(const Name origin, absolute_name(request.zone(), "zone"));
  MC_ASSIGN(const std::string text, zone_as_file(context, origin));
  pb::ZonefilePiece piece;
  for (std::size_t at = 0; at < text.size();) {
    // Whole lines, so that a piece is readable and no character is cut in two.
    const std::size_t end =
        text.size() - at <= kPieceBytes ? text.size() : text.rfind('\n', at + kPieceBytes) + 1;
    piece.set_text(text.substr(at, end > at ? end - at : std::string::npos));
    at += piece.text().size();
    if (call.cancelled()) {
      return fail(Code::kCancelled, "the client has gone");
    }
    MC_TRY(writer.write(piece));
  }
  return {};
}

Result<pb::UploadState> upload(Context& context, const CallContext& call,
                               const pb::UploadZonefileRequest& request) {
  MC_ASSIGN(const Uploads::State state, context.uploads.add(call.caller().subject, request.upload(),
                                                            request.offset(), request.data()));
  pb::UploadState reply;
  reply.set_upload(state.id);
  reply.set_size(state.size);
  return reply;
}

template <class Request>
Result<std::string> text_of(Context& context, const CallContext& call, const Request& request) {
  if (request.upload().empty() == request.text().empty()) {
    return tl::unexpected(
        at_field(fail(Code::kInvalidArgument, "a zone file comes as text or as an upload")
                     .hint("give one of them"),
                 "text"));
  }
  return request.upload().empty() ? Result<std::string>(request.text())
                                  : context.uploads.read(call.caller().subject, request.upload());
}

// RFC 1035 section 5.2: every record of a master file is of the class of its zone.
Result<void> hand_on(const Writer::Import::Take& take, Record record) {
  if (record.dns_class != Class::kIn) {
    return fail(Code::kInvalidArgument, "the class is {}", mcns::text(record.dns_class))
        .hint("zones of class IN are served");
  }
  take(std::move(record));
  return {};
}

// How the records of the file are read. `there`: the zone as it is, whose TTL holds for records
// that name none.
template <class Request>
Result<std::function<Result<void>(const Writer::Import::Take&)>> reading_of(
    Context& context, const CallContext& call, const Request& request, const Name& origin,
    const Result<store::ZoneRow>& there) {
  MC_ASSIGN(std::string text, text_of(context, call, request));
  ZonefileOptions options;
  options.origin = origin;
  if (there) {
    options.default_ttl = there->default_ttl;
  }
  return [&env = context.services.env, text = std::move(text), options,
          file = request.file().empty() ? "text" : request.file()](const auto& take) {
    return read_zonefile(env, file, text, options,
                         [&](Record record, int) { return hand_on(take, std::move(record)); });
  };
}

template <class Request>
Result<pb::Outcome> become(Context& context, const CallContext& call, const Request& request,
                           const std::string& source, bool merge, bool create) {
  MC_TRY(heed(request.change(), {.if_serial = true, .force = true}));
  MC_ASSIGN(const Name origin, absolute_name(request.zone(), "zone"));
  const Result<store::ZoneRow> there =
      context.services.database.read([&](Transaction& tx) { return zone_row(tx, origin); });
  if (!there && !(create && there.error().code() == Code::kNotFound)) {
    return tl::unexpected(there.error());
  }
  Writer::Import import;
  import.zone = origin;
  MC_ASSIGN(import.read, reading_of(context, call, request, origin, there));
  import.merge = merge;
  import.create = create;
  import.force = request.change().force();
  import.dry_run = request.change().dry_run();
  if (request.change().if_serial() != 0) {
    import.if_serial = request.change().if_serial();
  }
  const bool dry_run = import.dry_run;
  Result<Outcome> outcome =
      context.services.writer.import(author_of(context.services, call, source), std::move(import));
  if (!outcome) {
    return tl::unexpected(for_caller(std::move(outcome).error()));
  }
  if (!dry_run) {
    context.uploads.forget(call.caller().subject, request.upload());
    if (create) {
      (void)context.services.resolver.cache.flush(origin.wire(), true);
    }
  }
  return concluded(call, origin, *outcome, dry_run);
}

}  // namespace

void add_zonefile_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  const std::string service = "mcns.v1.ZoneService.";
  table.add_stream<pb::ExportZoneRequest, pb::ZonefilePiece>(
      service + "ExportZone", [context](CallContext& call, const pb::ExportZoneRequest& request,
                                        dsl::rpc::Writer<pb::ZonefilePiece>& writer) {
        return export_zone(*context, call, request, writer);
      });
  table.add<pb::UploadZonefileRequest, pb::UploadState>(
      service + "UploadZonefile",
      [context](CallContext& call, const pb::UploadZonefileRequest& request) {
        return upload(*context, call, request);
      });
  table.add<pb::ImportZoneRequest, pb::Outcome>(
      service + "ImportZone", [context](CallContext& call, const pb::ImportZoneRequest& request) {
        return context->replies.once<pb::Outcome>(call, request_id(request.change()), request, [&] {
          return become(*context, call, request, "import", request.merge(), request.create());
        });
      });
  table.add<pb::ApplyZoneRequest, pb::Outcome>(
      service + "ApplyZone", [context](CallContext& call, const pb::ApplyZoneRequest& request) {
        return context->replies.once<pb::Outcome>(call, request_id(request.change()), request, [&] {
          return become(*context, call, request, "apply", false, false);
        });
      });
}

}  // namespace mcns::api
