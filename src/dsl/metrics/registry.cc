#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "dsl/log/log.h"
#include "dsl/metrics/metrics.h"
#include "dsl/service/version.h"

namespace dsl::metrics {

namespace {

const log::Logger logger("metrics");

constexpr std::array<std::string_view, 7> kUnits{"total", "seconds", "bytes", "ratio",
                                                 "days",  "info",    "count"};

// The members of one metric by their label values. `Metric` is prometheus-cpp's.
template <class Metric>
class Family {
 public:
  using Make = std::function<Metric&(const prometheus::Labels&)>;
  using Remove = std::function<void(Metric&)>;

  Family(std::string name, std::vector<std::string> labels, std::size_t max, Make make,
         Remove remove, std::function<void()> rejected)
      : name_(std::move(name)),
        labels_(std::move(labels)),
        max_(max),
        make_(std::move(make)),
        remove_(std::move(remove)),
        rejected_(std::move(rejected)) {}

  // Calls `use` with the member, which nobody removes meanwhile; not when it would be one too many.
  template <class Use>
  void with(LabelValues values, const Use& use) {
    const std::vector<std::string> key = key_of(values);
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = members_.find(key); found != members_.end()) {
        use(*found->second);
        return;
      }
    }
    const std::unique_lock lock(mutex_);
    if (Metric* member = add(key)) {
      use(*member);
    }
  }

  // The member goes, and comes back as new when it is asked for.
  void forget(LabelValues values) {
    const std::unique_lock lock(mutex_);
    if (const auto found = members_.find(key_of(values)); found != members_.end()) {
      remove_(*found->second);
      members_.erase(found);
    }
  }
  void keep_only(const LabelSets& sets) {
    const std::unique_lock lock(mutex_);
    std::erase_if(members_, [&](const auto& member) {
      if (sets.contains(member.first)) {
        return false;
      }
      remove_(*member.second);
      return true;
    });
  }

 private:
  std::vector<std::string> key_of(LabelValues values) const {
    MC_ASSERT(values.size() == labels_.size(), "a metric gets a value for each of its labels");
    return {values.begin(), values.end()};
  }

  // With the mutex held for writing.
  Metric* add(const std::vector<std::string>& key) {
    if (const auto found = members_.find(key); found != members_.end()) {
      return found->second;
    }
    if (members_.size() >= max_) {
      rejected_();
      if (!warned_) {
        warned_ = true;
        logger.warn("a metric has too many label sets; new ones are not recorded",
                    {{"metric", name_}, {"max", max_}});
      }
      return nullptr;
    }
    prometheus::Labels labels;
    for (std::size_t i = 0; i < key.size(); ++i) {
      labels[labels_[i]] = key[i];
    }
    return members_[key] = &make_(labels);
  }

  const std::string name_;
  const std::vector<std::string> labels_;
  const std::size_t max_;
  const Make make_;
  const Remove remove_;
  const std::function<void()> rejected_;
  std::shared_mutex mutex_;
  std::map<std::vector<std::string>, Metric*> members_;  // guarded by mutex_
  bool warned_ = false;                                  // guarded by mutex_
};

class OneCounter final : public Counter {
 public:
  explicit OneCounter(std::unique_ptr<Family<prometheus::Counter>> family)
      : family_(std::move(family)) {}
  void add(LabelValues labels, double by) override {
    family_->with(labels, [by](prometheus::Counter& member) { member.Increment(by); });
  }
  void show(LabelValues labels, double total) override {
    bool began_anew = false;
    const auto raise = [&](prometheus::Counter& member) {
      began_anew = total < member.Value();
      if (!began_anew) {
        member.Increment(total - member.Value());
      }
    };
    family_->with(labels, raise);
    if (began_anew) {
      family_->forget(labels);
      family_->with(labels, raise);
    }
  }

 private:
  const std::unique_ptr<Family<prometheus::Counter>> family_;
};

class OneGauge final : public Gauge {
 public:
  explicit OneGauge(std::unique_ptr<Family<prometheus::Gauge>> family)
      : family_(std::move(family)) {}
  void set(LabelValues labels, double value) override {
    family_->with(labels, [value](prometheus::Gauge& member) { member.Set(value); });
  }
  void keep_only(const LabelSets& sets) override { family_->keep_only(sets); }

 private:
  const std::unique_ptr<Family<prometheus::Gauge>> family_;
};

class OneHistogram final : public Histogram {
 public:
  explicit OneHistogram(std::unique_ptr<Family<prometheus::Histogram>> family)
      : family_(std::move(family)) {}
  void observe(LabelValues labels, double value) override {
    family_->with(labels, [value](prometheus::Histogram& member) { member.Observe(value); });
  }
  void show(LabelValues labels, const std::vector<double>& counts, double sum) override {
    bool began_anew = false;
    const auto raise = [&](prometheus::Histogram& member) {
      const prometheus::ClientMetric::Histogram shown = member.Collect().histogram;
      MC_ASSERT(counts.size() == shown.bucket.size(), "a histogram gets a count for each bucket");
      std::vector<double> more(counts.size());
      double below = 0;
      for (std::size_t i = 0; i < counts.size(); ++i) {
        const auto up_to = static_cast<double>(shown.bucket[i].cumulative_count);
        more[i] = counts[i] - (up_to - below);
        below = up_to;
      }
      began_anew = std::any_of(more.begin(), more.end(), [](double each) { return each < 0; });
      if (!began_anew) {
        member.ObserveMultiple(more, sum - shown.sample_sum);
      }
    };
    family_->with(labels, raise);
    if (began_anew) {
      family_->forget(labels);
      family_->with(labels, raise);
    }
  }

 private:
  const std::unique_ptr<Family<prometheus::Histogram>> family_;
};

}  // namespace

const std::vector<double>& latency_buckets() {
  static const std::vector<double> kBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                            0.25,   0.5,   1,      2.5,   5,    10,    30};
  return kBuckets;
}

Result<void> check_name(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!letters || name.empty() || name.front() < 'a' || name.ends_with('_') ||
      name.find("__") != std::string_view::npos) {
    return fail(Code::kInvalidArgument, "'{}' is not words of small letters and digits", name);
  }
  const std::size_t last = name.rfind('_');
  const std::string_view unit = last == std::string_view::npos ? "" : name.substr(last + 1);
  if (std::find(kUnits.begin(), kUnits.end(), unit) == kUnits.end()) {
    return fail(Code::kInvalidArgument, "{} does not end with a unit", name)
        .hint("total, seconds, bytes, ratio, days, info or count");
  }
  return {};
}

struct Registry::Impl {
  // The full name, which must be right and new.
  std::string claim(const std::string& name) {
    MC_ASSERT(check_name(name), "a metric is named <thing>_<unit>");
    const std::lock_guard lock(mutex);
    std::string full = text("mc_{}_{}", service, name);
    MC_ASSERT(names.insert(full).second, "a metric is made once");
    return full;
  }
  // `made` is prometheus-cpp's, `more` what its members need beside their labels.
  template <class Metric, class... More>
  std::unique_ptr<Family<Metric>> family(const std::string& name, std::vector<std::string> labels,
                                         prometheus::Family<Metric>& made, const More&... more) {
    return std::make_unique<Family<Metric>>(
        name, std::move(labels), label_sets_max,
        [&made, more...](const prometheus::Labels& set) -> Metric& {
          return made.Add(set, more...);
        },
        [&made](Metric& member) { made.Remove(&member); }, [this] { rejected->Increment(); });
  }

  std::string service;
  std::size_t label_sets_max = 0;
  prometheus::Registry registry;
  prometheus::Counter* rejected = nullptr;
  std::mutex mutex;
  std::set<std::string> names;  // guarded by mutex, as all below
  std::vector<std::unique_ptr<Counter>> counters;
  std::vector<std::unique_ptr<Gauge>> gauges;
  std::vector<std::unique_ptr<Histogram>> histograms;
  std::vector<std::function<void()>> updates;
  std::mutex updating;  // an older count must not be shown after a newer one
};

Registry::Registry(std::string service, std::size_t label_sets_max)
    : impl_(std::make_unique<Impl>()) {
  impl_->service = std::move(service);
  impl_->label_sets_max = label_sets_max;
  impl_->rejected = &prometheus::BuildCounter()
                         .Name(impl_->claim("metrics_rejected_total"))
                         .Help("Samples refused since their metric had too many label sets.")
                         .Register(impl_->registry)
                         .Add({});
  gauge("build_info", "Always 1; the labels say what runs.", {"version", "commit"})
      .set({build_info().version, build_info().commit}, 1);
}

Registry::~Registry() = default;

Counter& Registry::counter(const std::string& name, const std::string& help,
                           std::vector<std::string> labels) {
  const std::string full = impl_->claim(name);
  auto& family = prometheus::BuildCounter().Name(full).Help(help).Register(impl_->registry);
  auto made = std::make_unique<OneCounter>(impl_->family(full, std::move(labels), family));
  const std::lock_guard lock(impl_->mutex);
  return *impl_->counters.emplace_back(std::move(made));
}

Gauge& Registry::gauge(const std::string& name, const std::string& help,
                       std::vector<std::string> labels) {
  const std::string full = impl_->claim(name);
  auto& family = prometheus::BuildGauge().Name(full).Help(help).Register(impl_->registry);
  auto made = std::make_unique<OneGauge>(impl_->family(full, std::move(labels), family));
  const std::lock_guard lock(impl_->mutex);
  return *impl_->gauges.emplace_back(std::move(made));
}

Histogram& Registry::histogram(const std::string& name, const std::string& help,
                               std::vector<std::string> labels, std::vector<double> buckets) {
  const std::string full = impl_->claim(name);
  auto& family = prometheus::BuildHistogram().Name(full).Help(help).Register(impl_->registry);
  auto made = std::make_unique<OneHistogram>(
      impl_->family(full, std::move(labels), family, std::move(buckets)));
  const std::lock_guard lock(impl_->mutex);
  return *impl_->histograms.emplace_back(std::move(made));
}

void Registry::before_exposition(std::function<void()> update) {
  const std::lock_guard lock(impl_->mutex);
  impl_->updates.push_back(std::move(update));
}

std::string Registry::exposition() {
  std::vector<std::function<void()>> updates;
  {
    const std::lock_guard lock(impl_->mutex);
    updates = impl_->updates;
  }
  {
    const std::lock_guard lock(impl_->updating);
    for (const auto& update : updates) {
      update();
    }
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace dsl::metrics
