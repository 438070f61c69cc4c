// What Prometheus reads of the name service.
#pragma once

#include "dsl/env/clock.h"
#include "dsl/metrics/metrics.h"
#include "mcns/cache/cache.h"
#include "mcns/events/query_events.h"
#include "mcns/forward/forwarder.h"
#include "mcns/net/server.h"
#include "mcns/querylog/recorder.h"
#include "mcns/writer/writer.h"
#include "mcns/zone/store.h"

namespace mcns {

// References to what outlives the registry's expositions.
struct MetricSources {
  const net::Server& dns;
  const Cache& cache;
  zone::Store& zones;
  const Forwarder& forwarder;
  const Writer& writer;
  const QueryEvents& events;
  const querylog::Recorder* recorder;  // may be null
  dsl::env::Clock& clock;
};

// The counters of the workers are added up when they are asked for.
void add_metrics(dsl::metrics::Registry& registry, const MetricSources& sources);

}  // namespace mcns
