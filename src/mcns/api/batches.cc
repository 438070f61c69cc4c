#include "mcns/api/batches.h"

#include <algorithm>

#include "mcns/api/fields.h"
#include "mcns/api/rows.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using Kind = Operation::Kind;

namespace {

// RFC 8555 section 8.4: challenges come and go within minutes, several of a name at once.
constexpr std::uint32_t kChallengeTtl = 60;
constexpr std::chrono::seconds kChallengeLease{3600};

bool is_challenge(const Operation& operation) {
  return operation.type == Type::kTxt &&
         equal_ignoring_case(operation.name.first_label(), "_acme-challenge");
}

Result<Prepared> begin(const std::string& zone, const pb::Change& change) {
  Prepared prepared;
  MC_ASSIGN(prepared.batch.zone, absolute_name(zone, "zone"));
  if (change.if_serial() != 0) {
    prepared.batch.if_serial = change.if_serial();
  }
  prepared.batch.strict = change.strict();
  prepared.batch.force = change.force();
  prepared.batch.dry_run = change.dry_run();
  return prepared;
}

// Values and times of a message that has `ttl` and `lease_seconds`.
template <class Request>
void put_times(const Request& request, Operation& operation) {
  if (request.has_ttl()) {
    operation.ttl = request.ttl();
  }
  if (request.has_lease_seconds() && request.lease_seconds() != 0) {
    operation.lease = std::chrono::seconds(request.lease_seconds());
  }
  if (operation.kind != Kind::kDelete && is_challenge(operation)) {
    operation.ttl = operation.ttl.value_or(kChallengeTtl);
    if (!request.has_lease_seconds()) {
      operation.lease = kChallengeLease;
    }
  }
}

Result<void> put_value(Prepared& prepared, Operation& operation, const std::string& value,
                       const std::string& where) {
  MC_ASSIGN(Bytes rdata, record_value(operation.type, value, prepared.batch.zone, where));
  operation.rdata.push_back(std::move(rdata));
  if (auto warning = relative_name_warning(operation.type, value, prepared.batch.zone)) {
    prepared.warnings.push_back(std::move(*warning));
  }
  return {};
}

Result<store::RecordRow> find_record(Services& services, const Name& zone, std::int64_t id) {
  return services.database.read([&](dsl::db::Transaction& tx) -> Result<store::RecordRow> {
    MC_ASSIGN(const store::ZoneRow row, zone_row(tx, zone));
    return record_row(tx, row, id);
  });
}

Result<Operation> to_operation(Prepared& prepared, const pb::Operation& request,
                               const std::string& path) {
  Operation operation;
  MC_ASSIGN(operation.name, name_in_zone(request.name(), prepared.batch.zone, path + "name"));
  const std::optional<Verb> verb = parse_verb(request.verb());
  if (!verb) {
    return tl::unexpected(
        at_field(fail(Code::kInvalidArgument, "\"{}\" is nothing to do", request.verb())
                     .hint("add, set or delete"),
                 path + "verb"));
  }
  if (*verb == Verb::kDelete && request.type().empty() && request.values().empty()) {
    operation.kind = Kind::kDeleteName;
    return operation;
  }
  operation.kind = *verb == Verb::kAdd   ? Kind::kAdd
                   : *verb == Verb::kSet ? Kind::kSet
                                         : Kind::kDelete;
  MC_ASSIGN(operation.type, record_type(request.type(), path + "type"));
  const bool enough = *verb == Verb::kAdd   ? request.values_size() == 1
                      : *verb == Verb::kSet ? request.values_size() > 0
                                            : true;
  if (!enough) {
    return tl::unexpected(at_field(
        fail(Code::kInvalidArgument, "{} values to {}", request.values_size(), request.verb())
            .hint("one value to add, such as 192.0.2.1; one or more to set"),
        path + "values"));
  }
  for (int i = 0; i < request.values_size(); ++i) {
    MC_TRY(put_value(prepared, operation, request.values(i), dsl::text("{}values[{}]", path, i)));
  }
  put_times(request, operation);
  return operation;
}

Verb verb_of(Kind kind) {
  switch (kind) {
    case Kind::kAdd:
    case Kind::kChange:
      return Verb::kAdd;
    case Kind::kSet:
      return Verb::kSet;
    case Kind::kDelete:
    case Kind::kDeleteName:
      break;
  }
  return Verb::kDelete;
}

}  // namespace

Result<Prepared> prepare(Services&, const pb::CreateRecordRequest& request) {
  MC_ASSIGN(Prepared prepared, begin(request.zone(), request.change()));
  Operation operation{.kind = Kind::kAdd};
  MC_ASSIGN(operation.name, name_in_zone(request.name(), prepared.batch.zone, "name"));
  MC_ASSIGN(operation.type, record_type(request.type(), "type"));
  MC_TRY(put_value(prepared, operation, request.value(), "value"));
  put_times(request, operation);
  prepared.batch.operations.push_back(std::move(operation));
  return prepared;
}

Result<Prepared> prepare(Services& services, const pb::UpdateRecordRequest& request) {
  MC_ASSIGN(Prepared prepared, begin(request.zone(), request.change()));
  MC_ASSIGN(const store::RecordRow row, find_record(services, prepared.batch.zone, request.id()));
  Operation change{.kind = Kind::kChange, .id = request.id(), .name = row.name, .type = row.type};
  if (!request.value().empty()) {
    MC_TRY(put_value(prepared, change, request.value(), "value"));
    if (canonical_rdata(row.type, change.rdata.front()) == row.canonical) {
      change.rdata.clear();  // to keep a value takes no right to delete it
    }
  }
  if (request.has_ttl()) {
    change.ttl = request.ttl();
  }
  if (request.has_lease_seconds() && request.lease_seconds() != 0) {
    change.lease = std::chrono::seconds(request.lease_seconds());
  }
  change.keeps_lease = !request.has_lease_seconds();
  prepared.batch.operations.push_back(std::move(change));
  return prepared;
}

Result<Prepared> prepare(Services& services, const pb::DeleteRecordRequest& request) {
  MC_ASSIGN(Prepared prepared, begin(request.zone(), request.change()));
  MC_ASSIGN(const store::RecordRow row, find_record(services, prepared.batch.zone, request.id()));
  prepared.batch.operations.push_back(
      {.kind = Kind::kDelete, .name = row.name, .type = row.type, .rdata = {row.rdata}});
  return prepared;
}

Result<Prepared> prepare(Services&, const pb::SetRRsetRequest& request) {
  MC_ASSIGN(Prepared prepared, begin(request.zone(), request.change()));
  Operation operation{.kind = Kind::kSet};
  MC_ASSIGN(operation.name, name_in_zone(request.name(), prepared.batch.zone, "name"));
  MC_ASSIGN(operation.type, record_type(request.type(), "type"));
  for (int i = 0; i < request.values_size(); ++i) {
    MC_TRY(put_value(prepared, operation, request.values(i), dsl::text("values[{}]", i)));
  }
  put_times(request, operation);
  prepared.batch.operations.push_back(std::move(operation));
  return prepared;
}

Result<Prepared> prepare(Services&, const pb::DeleteRRsetRequest& request) {
  MC_ASSIGN(Prepared prepared, begin(request.zone(), request.change()));
  Operation operation{.kind = Kind::kDelete};
  MC_ASSIGN(operation.name, name_in_zone(request.name(), prepared.batch.zone, "name"));
  MC_ASSIGN(operation.type, record_type(request.type(), "type"));
  prepared.batch.operations.push_back(std::move(operation));
  return prepared;
}

Result<Prepared> prepare(Services&, const pb::BatchRecordsRequest& request) {
  if (request.operations_size() > kOperationsMax) {
    return fail(Code::kTooLarge, "{} operations, and a batch may have {}",
                request.operations_size(), kOperationsMax)
        .hint("several batches, or a zone file: mcns import");
  }
  MC_ASSIGN(Prepared prepared, begin(request.zone(), request.change()));
  for (int i = 0; i < request.operations_size(); ++i) {
    MC_ASSIGN(Operation operation,
              to_operation(prepared, request.operations(i), dsl::text("operations[{}].", i)));
    prepared.batch.operations.push_back(std::move(operation));
  }
  return prepared;
}

std::vector<Claim> claims_of(const Batch& batch) {
  std::vector<Claim> claims;
  claims.reserve(batch.operations.size());
  for (const Operation& operation : batch.operations) {
    Claim claim{batch.zone, operation.name, operation.type, verb_of(operation.kind)};
    if (operation.kind == Kind::kDeleteName) {
      claim.type.reset();
    }
    if (operation.kind == Kind::kChange && !operation.rdata.empty()) {
      // Another value is another record: the one goes and the other comes.
      claims.push_back({batch.zone, operation.name, operation.type, Verb::kDelete});
    }
    claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace mcns::api
