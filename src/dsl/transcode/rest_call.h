// One REST call: an exchange taken through the chain.
#pragma once

#include "dsl/http/server.h"
#include "dsl/rpc/api.h"
#include "dsl/thread/worker_pool.h"
#include "dsl/transcode/binding.h"

namespace dsl::transcode {

// Answers the exchange. `events` runs the handlers of server-sent events.
void serve_call(const rpc::Api& api, const Binding& binding, WorkerPool& events,
                http::Exchange& exchange);

}  // namespace dsl::transcode
