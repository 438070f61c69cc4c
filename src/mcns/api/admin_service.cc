// AdminService: state, the way of an answer, cache, copies, checks.
#include "mcns/api/audit.h"
#include "mcns/api/explain.h"
#include "mcns/api/fields.h"
#include "mcns/api/handlers.h"
#include "mcns/api/lint.h"
#include "mcns/api/rows.h"
#include "mcns/api/snapshot.h"
#include "mcns/api/status.h"
#include "mcns/store/zone_table.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::db::Transaction;
using dsl::rpc::CallContext;

namespace {

constexpr int kCheckTries = 5;  // while the zone is written

Result<pb::FlushCacheReply> flush(Context& context, const CallContext& call,
                                  const pb::FlushCacheRequest& request) {
  MC_ASSIGN(const Name name, absolute_name(request.name(), "name"));
  pb::FlushCacheReply reply;
  reply.set_entries(context.services.resolver.cache.flush(name.wire(), request.subtree()));
  audit(call, dsl::text("cache {}{}", name.text(), request.subtree() ? " and below" : ""),
        dsl::text("{} entries", reply.entries()), "");
  return reply;
}

Result<pb::PreviewSeedReply> preview_seed(Context& context) {
  if (!context.services.hooks.seed_preview) {
    return fail(Code::kFailedPrecondition, "no seed files are configured")
        .hint("seed.paths names them");
  }
  MC_ASSIGN(const std::vector<std::string> lines, context.services.hooks.seed_preview());
  pb::PreviewSeedReply reply;
  for (const std::string& line : lines) {
    reply.add_lines(line);
  }
  return reply;
}

// --- check ---

pb::Finding finding_of(const LintFinding& found, const Name& zone) {
  pb::Finding out;
  out.set_severity(found.severity == LintFinding::Severity::kFail ? "fail" : "warn");
  out.set_zone(zone_text(zone));
  out.set_name(found.name.text_below(zone));
  out.set_finding(found.finding);
  out.set_fix(found.fix);
  return out;
}

struct ZoneRows {
  store::ZoneRow zone;
  std::vector<store::RecordRow> records;
};

Result<ZoneRows> rows_of(Context& context, const Name& origin) {
  return context.services.database.read([&](Transaction& tx) -> Result<ZoneRows> {
    ZoneRows rows;
    MC_ASSIGN(rows.zone, zone_row(tx, origin));
    MC_TRY(
        store::each_record(tx, rows.zone, [&](store::RecordRow& record, BytesView) -> Result<void> {
          rows.records.push_back(std::move(record));
          return {};
        }));
    return rows;
  });
}

// Rows and version of one moment: a commit is seen in the database a little before it is served.
Result<std::vector<LintFinding>> lint(Context& context, const CallContext& call,
                                      const Name& origin) {
  for (int tries = 0;; ++tries) {
    MC_ASSIGN(const ZoneRows rows, rows_of(context, origin));
    zone::Reader reader(context.services.resolver.zones);
    const zone::Pin version(reader);
    const zone::Zone* served = version->zone(origin);
    const bool same = served != nullptr && served->serial() == rows.zone.soa.serial;
    if (same || tries + 1 >= kCheckTries) {
      return lint_zone(rows.zone, rows.records, *version, call.now());
    }
  }
}

Result<void> check_zone(Context& context, const CallContext& call, const Name& origin,
                        dsl::rpc::Writer<pb::Finding>& writer) {
  MC_ASSIGN(const std::vector<LintFinding> found, lint(context, call, origin));
  for (const LintFinding& finding : found) {
    MC_TRY(writer.write(finding_of(finding, origin)));
  }
  if (!found.empty()) {
    return {};
  }
  pb::Finding sound;
  sound.set_severity("ok");
  sound.set_zone(zone_text(origin));
  sound.set_finding("nothing to find fault with");
  return writer.write(sound);
}

Result<void> check_database(Context& context, dsl::rpc::Writer<pb::Finding>& writer) {
  const Result<void> sound = context.services.database.check();
  pb::Finding finding;
  finding.set_severity(sound ? "ok" : "fail");
  finding.set_finding(sound ? "the database is sound" : sound.error().message());
  finding.set_fix(sound ? "" : sound.error().hint());
  return writer.write(finding);
}

Result<void> check(Context& context, const CallContext& call, const pb::CheckRequest& request,
                   dsl::rpc::Writer<pb::Finding>& writer) {
  if (!request.zone().empty()) {
    MC_ASSIGN(const Name origin, absolute_name(request.zone(), "zone"));
    return check_zone(context, call, origin, writer);
  }
  MC_TRY(check_database(context, writer));
  MC_ASSIGN(const std::vector<store::ZoneRow> zones,
            context.services.database.read([](Transaction& tx) { return store::all_zones(tx); }));
  for (const store::ZoneRow& zone : zones) {
    if (call.cancelled()) {
      return fail(Code::kCancelled, "the client has gone");
    }
    Result<void> done = check_zone(context, call, zone.origin, writer);
    // One that was deleted meanwhile is no finding.
    if (!done && done.error().code() != Code::kNotFound) {
      return done;
    }
  }
  return {};
}

}  // namespace

void add_admin_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  const std::string service = "mcns.v1.AdminService.";
  table.add<pb::GetStatusRequest, pb::Status>(
      service + "GetStatus", [context](CallContext&, const pb::GetStatusRequest&) {
        return Result<pb::Status>(status_of(context->services));
      });
  table.add<pb::ExplainRequest, pb::Explanation>(
      service + "Explain", [context](CallContext& call, const pb::ExplainRequest& request) {
        return explain(context->services, call, request);
      });
  table.add<pb::GetCacheStatsRequest, pb::CacheReport>(
      service + "GetCacheStats", [context](CallContext&, const pb::GetCacheStatsRequest&) {
        return Result<pb::CacheReport>(cache_report(context->services.resolver.cache));
      });
  table.add<pb::FlushCacheRequest, pb::FlushCacheReply>(
      service + "FlushCache", [context](CallContext& call, const pb::FlushCacheRequest& request) {
        return flush(*context, call, request);
      });
  table.add<pb::SnapshotRequest, pb::SnapshotReply>(
      service + "Snapshot", [context](CallContext& call, const pb::SnapshotRequest& request) {
        return snapshot(context->services, call, request);
      });
  table.add_stream<pb::CheckRequest, pb::Finding>(
      service + "Check", [context](CallContext& call, const pb::CheckRequest& request,
                                   dsl::rpc::Writer<pb::Finding>& writer) {
        return check(*context, call, request, writer);
      });
  table.add<pb::PreviewSeedRequest, pb::PreviewSeedReply>(
      service + "PreviewSeed",
      [context](CallContext&, const pb::PreviewSeedRequest&) { return preview_seed(*context); });
}

}  // namespace mcns::api
