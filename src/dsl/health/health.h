// Whether a service works, and if not, why: named checks behind /v1/ready and grpc.health.v1.
//
//   health::Health health(env.clock());
//   health.add("db", [&] { return db->check(); });
//   options.ready = [&] { return health.ready(); };  // of rpc::ApiOptions
//   router.add(health::live_route());
//   router.add(health::ready_route(health, http::Access::kPublic));
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/http/server.h"
#include "dsl/result/result.h"

namespace dsl::health {

enum class State { kUnknown, kOk, kFailing };

struct Status {
  std::string name;
  State state = State::kUnknown;
  env::WallTime since{};  // of this state
  std::string message;    // why it fails
};

// Its error says why the check fails. Never called on two threads at once.
using Probe = std::function<Result<void>()>;

// Thread-safe. Checks run when somebody asks and the last answer is older than two seconds, on the
// thread that asks; whoever asks meanwhile gets the last answer. A probe that does not return for
// ten seconds counts as failing.
class Health {
 public:
  // The clock outlives it.
  explicit Health(env::Clock& clock);
  ~Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // Before anybody asks.
  void add(std::string name, Probe probe);
  // From now on not ready, whatever the checks say: the first step of a stop.
  void drain();

  // Every check is ok, and the service is not on its way out.
  bool ready();
  // In the order they were added; "draining" comes first once it drains.
  std::vector<Status> statuses();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// GET /v1/health: 200 as long as the process answers at all.
http::Route live_route();
// GET /v1/ready: 200 or 503, with every check. `health` outlives the route's server.
http::Route ready_route(Health& health, http::Access access);

}  // namespace dsl::health
