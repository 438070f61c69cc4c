#include "mcns/service/refusals.h"

#include <utility>

#include "dsl/env/clock.h"
#include "dsl/log/log.h"
#include "mcns/service/service.h"

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

dsl::Error unchangeable(const dsl::Error& damage) {
  return fail(Code::kFailedPrecondition, "names are answered, nothing can be changed: {}",
              damage.message())
      .hint(
          "put the database back with `mcns restore`, then `mcns upgrade`, or restart the service");
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
