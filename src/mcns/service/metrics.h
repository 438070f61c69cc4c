// What Prometheus reads of the name service.
#pragma once

#include "dsl/metrics/metrics.h"
#include "mcns/cache/cache.h"
#include "mcns/forward/forwarder.h"
#include "mcns/net/server.h"
#include "mcns/zone/store.h"

namespace mcns {

// References to what outlives the registry's expositions.
struct MetricSources {
  const net::Server& dns;
  const Cache& cache;
  zone::Store& zones;
  const Forwarder& forwarder;
};

// The counters of the workers are added up when they are asked for.
void add_metrics(dsl::metrics::Registry& registry, const MetricSources& sources);

}  // namespace mcns
