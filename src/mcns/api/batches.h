// What requests want to do to a zone, as the batch that the writer takes. Made twice for a call of
// an account with rights by name: once to see whether it may, once to do it.
#pragma once

#include <string>
#include <vector>

#include "mcns/api/authz.h"
#include "mcns/api/services.h"
#include "mcns/v1/record.pb.h"

namespace mcns::api {

namespace pb = mcns::v1;

constexpr int kOperationsMax = 10000;  // of one batch

struct Prepared {
  Batch batch;
  std::vector<std::string> warnings;  // about what was most likely not meant
};

// kInvalidArgument names the field; kNotFound for a record that is given by its number; kTooLarge.
Result<Prepared> prepare(Services& services, const pb::CreateRecordRequest& request);
Result<Prepared> prepare(Services& services, const pb::UpdateRecordRequest& request);
Result<Prepared> prepare(Services& services, const pb::DeleteRecordRequest& request);
Result<Prepared> prepare(Services& services, const pb::SetRRsetRequest& request);
Result<Prepared> prepare(Services& services, const pb::DeleteRRsetRequest& request);
Result<Prepared> prepare(Services& services, const pb::BatchRecordsRequest& request);

// What has to be allowed for it.
std::vector<Claim> claims_of(const Batch& batch);

}  // namespace mcns::api
