// Counters, gauges and histograms of a service, as Prometheus reads them.
//
//   metrics::Registry registry("mcns");
//   auto& answers = registry.counter("answers_total", "Answers sent.", {"rcode"});
//   answers.add({"NOERROR"});
//
// A name is mc_<service>_<thing>_<unit>: the registry puts the first two in front and asks for a
// unit at the end. Label names are fixed when a metric is made. Metrics live as long as the
// registry, and all of it is thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::metrics {

// Values of the labels, in the order of their names (a wrong count is asserted).
using LabelValues = std::initializer_list<std::string_view>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(LabelValues labels, double by = 1) = 0;
  // Of what somebody else counts: shows that count. One that is lower than before began anew.
  // Called from `before_exposition`, and for label sets that nobody adds to.
  virtual void show(LabelValues labels, double total) = 0;
};

// Label sets, each in the order of the names.
using LabelSets = std::set<std::vector<std::string>>;

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(LabelValues labels, double value) = 0;
  // Forgets every label set but these: those of things that are gone.
  virtual void keep_only(const LabelSets& sets) = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(LabelValues labels, double value) = 0;
  // Of what somebody else counts, as of Counter: how many fell into each bucket, not added up, the
  // last of them beyond every bound (a wrong count is asserted); and the sum of all.
  virtual void show(LabelValues labels, const std::vector<double>& counts, double sum) = 0;
};

// Upper bounds of latency buckets, in seconds: 0.5 ms to 30 s.
const std::vector<double>& latency_buckets();

// kInvalidArgument unless it is words of small letters and digits with a known unit last: total,
// seconds, bytes, ratio, days, info, count.
Result<void> check_name(std::string_view name);

class Registry {
 public:
  // Different sets of label values of one metric. Beyond it new sets are not recorded, but counted
  // in mc_<service>_metrics_rejected_total and logged once: a label must never hold what strangers
  // choose.
  static constexpr std::size_t kLabelSetsMax = 1000;

  // `service` names every metric: "mcp_agent". Has build-info from the start.
  explicit Registry(std::string service, std::size_t label_sets_max = kLabelSetsMax);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // A wrong name, or one that is taken, is asserted.
  Counter& counter(const std::string& name, const std::string& help,
                   std::vector<std::string> labels = {});
  Gauge& gauge(const std::string& name, const std::string& help,
               std::vector<std::string> labels = {});
  Histogram& histogram(const std::string& name, const std::string& help,
                       std::vector<std::string> labels, std::vector<double> buckets);
  // Called before each exposition, one at a time, to set gauges that nobody sets as they change and
  // to show what others count. Must not block for long. To be added before the first exposition.
  void before_exposition(std::function<void()> update);

  // The text format, version 0.0.4.
  std::string exposition();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dsl::metrics
