#include "mcns/service/refusals.h"

#include <utility>

#include "dsl/env/clock.h"
#include "dsl/log/log.h"
#include "dsl/result/text.h"
#include "mcns/service/service.h"
#include "mcns/store/snapshot_files.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

const dsl::log::Logger logger("mcns");

}  // namespace

dsl::Error taking_over() {
  return fail(Code::kUnavailable, "another process is taking over")
      .hint("ask again in a second; names are answered meanwhile");
}

std::string way_back(dsl::env::FileSystem& files, const std::string& snapshots, bool has_replica) {
  const std::string newest = store::newest_snapshot(files, snapshots);
  if (has_replica) {
    return newest.empty()
               ? "`mcns restore`"
               : dsl::text("`mcns restore` (from its replica; the newest snapshot is {})", newest);
  }
  return newest.empty()
             ? dsl::text("`mcns restore --from FILE` (there is no snapshot in {})", snapshots)
             : dsl::text("`mcns restore --from {}` (the newest snapshot)", newest);
}

dsl::Error unchangeable(const dsl::Error& damage, const std::string& way_back) {
  return fail(Code::kFailedPrecondition, "names are answered, nothing can be changed: {}",
              damage.message())
      .hint(dsl::text("put the database back with {}, then `mcns upgrade`, or restart the service",
                      way_back));
}

void Service::serve_refusals(const dsl::Error& why, bool for_good) {
  auto face = dsl::endpoint::Endpoint::open(
      *env_, config_.face, api::declared_methods(),
      {.service = "mcns",
       .authenticate = [why](const dsl::rpc::Peer&) -> Result<dsl::rpc::Caller> {
         return tl::unexpected(why);
       },
       .serves_without_certificate = true});
  if (face) {
    if (for_good) {
      (*face)->health().add("database", [why]() -> Result<void> { return tl::unexpected(why); });
    } else {
      (*face)->drain();
    }
    dsl::service::ActivatedSockets sockets = api_sockets_.copy();
    if (const Result<void> served = (*face)->serve(sockets); served) {
      refusals_ = *std::move(face);
      return;
    }
  }
  logger.warn("the API is not there meanwhile");
}

}  // namespace mcns
