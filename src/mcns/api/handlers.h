// What the services share; one file each holds their methods. Private to mcns::api.
#pragma once

#include <memory>
#include <string>

#include "dsl/rpc/method_table.h"
#include "mcns/api/authz.h"
#include "mcns/api/replies.h"
#include "mcns/api/services.h"
#include "mcns/api/uploads.h"
#include "mcns/v1/change.pb.h"

namespace mcns::api {

namespace pb = mcns::v1;

struct Context {
  explicit Context(Services& given) : services(given), replies(given.replies), uploads(given.env) {}

  Services& services;
  Replies& replies;
  Uploads uploads;
};

// Null only when the table is to be described and never called.
using ContextPtr = std::shared_ptr<Context>;

void add_zone_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);
void add_zonefile_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);
void add_history_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);
void add_record_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);
void add_admin_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);
void add_access_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);
void add_forward_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);
void add_watch_methods(dsl::rpc::MethodTable& table, const ContextPtr& context);

// On whose behalf a call writes.
Author author_of(const Services& services, const dsl::rpc::CallContext& call,
                 const std::string& source);
// Which conditions of a Change a method heeds, beside request_id and dry_run.
struct Heeds {
  bool if_serial = false;
  bool force = false;
  bool strict = false;
};
// kInvalidArgument when one was given that would mean nothing: its caller counts on it.
Result<void> heed(const pb::Change& change, const Heeds& heeds);
// Under which an answer is kept; empty for what is not to be kept.
std::string request_id(const pb::Change& change);
// What a write came to, for its caller: recorded, and as a message.
pb::Outcome concluded(const dsl::rpc::CallContext& call, const Name& zone, const Outcome& outcome,
                      bool dry_run);
// An error of the writer as section 11 of the contract has it: a change that the guard stops is a
// conflict (409), and not a precondition of the caller's that failed (412).
dsl::Error for_caller(dsl::Error error);

}  // namespace mcns::api
