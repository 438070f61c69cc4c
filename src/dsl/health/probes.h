// Probes that many services need.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "dsl/env/env.h"
#include "dsl/health/health.h"
#include "dsl/tls/tls.h"

namespace dsl::health {

// The file system of `path` has `free_min` bytes for us. `env` outlives the probe, as below.
Probe disk_probe(env::Env& env, std::string path, std::uint64_t free_min);
// No certificate in use has less than `left_min` to live, or is not valid yet. What is given
// outlives the probe.
Probe certificate_probe(env::Env& env, const tls::ServerCredentials& credentials,
                        std::chrono::hours left_min);
// The wall clock is not before the commit that this binary was built from: a machine without a
// battery wakes up in the past, where no certificate is valid. `env` outlives the probe.
Probe clock_probe(env::Env& env);

}  // namespace dsl::health
