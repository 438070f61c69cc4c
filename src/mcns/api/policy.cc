// Which methods write records, and what of a request its caller needs a right for.
#include <algorithm>

#include "mcns/api/api.h"
#include "mcns/api/audit.h"
#include "mcns/api/batches.h"
#include "mcns/api/grants.h"
#include "mcns/api/handlers.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::rpc::CallContext;
using google::protobuf::Message;

namespace {

template <class Request>
Result<Prepared> prepare_as(Services& services, const Message& request) {
  return prepare(services, static_cast<const Request&>(request));
}

template <class Request>
std::string id_as(const Message& request) {
  return request_id(static_cast<const Request&>(request).change());
}

// The table of the methods with level POLICY: the names that the batch of a request touches are
// what has to be allowed. What is not in it is denied to everybody, administrators too, so that a
// new method works for nobody until somebody has thought about it.
struct Row {
  std::string_view method;
  Result<Prepared> (*prepare)(Services&, const Message&);
  std::string (*request_id)(const Message&);
};
template <class Request>
constexpr Row row_of(std::string_view method) {
  return {method, prepare_as<Request>, id_as<Request>};
}
constexpr Row kRows[] = {
    row_of<pb::CreateRecordRequest>("mcns.v1.RecordService.CreateRecord"),
    row_of<pb::UpdateRecordRequest>("mcns.v1.RecordService.UpdateRecord"),
    row_of<pb::DeleteRecordRequest>("mcns.v1.RecordService.DeleteRecord"),
    row_of<pb::SetRRsetRequest>("mcns.v1.RecordService.SetRRset"),
    row_of<pb::DeleteRRsetRequest>("mcns.v1.RecordService.DeleteRRset"),
    row_of<pb::BatchRecordsRequest>("mcns.v1.RecordService.BatchRecords"),
};

dsl::Error refused(const CallContext& call, dsl::Error error) {
  audit_refusal(call, error);
  return error;
}

Result<void> may_write(Services& services, const CallContext& call, Standing standing,
                       const std::vector<Claim>& claims) {
  const std::string& account = call.caller().subject;
  std::optional<std::vector<Grant>> grants;  // asked for by those who need them
  for (const Claim& claim : claims) {
    if (owns(standing, account, claim)) {
      continue;
    }
    if (!grants) {
      MC_ASSIGN(grants, grants_of(services.database, account));
    }
    const bool granted = std::any_of(grants->begin(), grants->end(), [&](const Grant& grant) {
      return allows(grant, account, claim, call.now());
    });
    if (!granted) {
      return tl::unexpected(refused(call, denied(standing, account, claim)));
    }
  }
  return {};
}

Result<void> decide(Services& services, const CallContext& call, const Message& request) {
  const auto* const row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& known) {
    return known.method == call.method();
  });
  if (row == std::end(kRows)) {
    return tl::unexpected(
        refused(call, fail(Code::kPermissionDenied, "nobody may call {}", call.method())
                          .hint("no rule says who may")));
  }
  const Standing standing = standing_of(call.caller(), services.settings.agent_accounts);
  switch (standing) {
    case Standing::kAdmin:
    case Standing::kAgent:
      return {};
    case Standing::kGuest:
      return tl::unexpected(refused(call, fail(Code::kPermissionDenied, "{} may not call {}",
                                               call.caller().subject, call.method())
                                              .hint("guests may do nothing here")));
    case Standing::kSystem:
    case Standing::kPerson:
      break;
  }
  if (services.unchangeable) {
    return tl::unexpected(*services.unchangeable);  // whatever his rights are
  }
  const Result<Prepared> prepared = row->prepare(services, request);
  if (prepared) {
    return may_write(services, call, standing, claims_of(prepared->batch));
  }
  // Asked again for the answer of a call that was allowed, and that took its record away. Should
  // the answer go meanwhile there is still nothing to be had: no number is given to a record twice.
  const bool is_repeated = prepared.error().code() == Code::kNotFound &&
                           services.replies.has(call, row->request_id(request), request);
  return is_repeated ? Result<void>() : tl::unexpected(prepared.error());
}

}  // namespace

dsl::rpc::Policy policy(Services& services) {
  return [&services](const CallContext& call, const Message& request) {
    return decide(services, call, request);
  };
}

dsl::rpc::Authenticator authenticator(std::uint32_t service_uid, const std::string& group,
                                      std::shared_ptr<dsl::auth::TokenFile> tokens) {
  return dsl::auth::local_or_token(dsl::rpc::local_authenticator(service_uid, group),
                                   std::move(tokens));
}

}  // namespace mcns::api
