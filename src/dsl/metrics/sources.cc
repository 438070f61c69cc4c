#include "dsl/metrics/sources.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <memory>

#include <unistd.h>

namespace dsl::metrics {

namespace {

// Fields of /proc/self/stat by proc(5), counted from the one after the name in parentheses.
constexpr std::size_t kUserTicks = 11;
constexpr std::size_t kSystemTicks = 12;
constexpr std::size_t kResidentPages = 21;

struct Usage {
  double cpu_seconds = 0;
  double resident_bytes = 0;
};

Result<Usage> read_usage(env::Env& env) {
  MC_ASSIGN(const std::string stat, env.files().read_file("/proc/self/stat"));
  std::vector<double> fields;
  std::size_t at = stat.rfind(')') + 2;  // a name may hold anything, parentheses too
  while (at < stat.size()) {
    const std::size_t end = std::min(stat.find(' ', at), stat.size());
    double value = 0;
    (void)std::from_chars(stat.data() + at, stat.data() + end, value);  // the state is a letter
    fields.push_back(value);
    at = end + 1;
  }
  if (fields.size() <= kResidentPages) {
    return fail(Code::kInternal, "/proc/self/stat has {} fields", fields.size());
  }
  return Usage{
      (fields[kUserTicks] + fields[kSystemTicks]) / static_cast<double>(::sysconf(_SC_CLK_TCK)),
      fields[kResidentPages] * static_cast<double>(::sysconf(_SC_PAGESIZE))};
}

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void add_process(Registry& registry, env::Env& env) {
  registry.gauge("process_start_time_seconds", "When the process began, since the Unix epoch.")
      .set({}, std::chrono::duration<double>(env.clock().now().time_since_epoch()).count());
  Counter& cpu = registry.counter("process_cpu_seconds_total", "User and system time.");
  Gauge& memory = registry.gauge("process_resident_memory_bytes", "Memory in RAM.");
  Gauge& files = registry.gauge("process_open_files_count", "Open file descriptors.");
  const auto counted = std::make_shared<std::atomic<double>>(0);
  registry.before_exposition([&cpu, &memory, &files, &env, counted] {
    if (const Result<Usage> usage = read_usage(env)) {
      // Never less than before, though two readers may meet here.
      cpu.add({}, std::max(0.0, usage->cpu_seconds - counted->exchange(usage->cpu_seconds)));
      memory.set({}, usage->resident_bytes);
    }
    if (const auto open = env.files().list("/proc/self/fd")) {
      files.set({}, static_cast<double>(open->size()));
    }
  });
}

void add_rpc(Registry& registry, rpc::Api& api) {
  Counter& calls =
      registry.counter("rpc_calls_total", "Calls that have ended.", {"method", "code"});
  Histogram& took = registry.histogram("rpc_duration_seconds", "From the chain's begin to its end.",
                                       {"method"}, latency_buckets());
  api.observe([&calls, &took](const rpc::CallDone& done) {
    calls.add({done.method, done.error == nullptr ? "ok" : code_info(done.error->code()).name});
    took.observe({done.method}, seconds(done.took));
  });
}

std::function<void(const http::ServerOptions::Done&)> add_http(Registry& registry) {
  Counter& requests = registry.counter("http_requests_total", "Requests that were answered.",
                                       {"route", "method", "protocol", "status"});
  Histogram& took = registry.histogram("http_duration_seconds", "From the request to its answer.",
                                       {"route"}, latency_buckets());
  return [&requests, &took](const http::ServerOptions::Done& done) {
    // A stranger chooses the method where there is no route; no label may hold that.
    const bool known = !done.pattern.empty();
    const std::string_view route = known ? done.pattern : "none";
    requests.add({route, known ? done.method : "any", done.protocol, text("{}", done.status)});
    took.observe({route}, seconds(done.took));
  };
}

void add_tls(Registry& registry, env::Env& env, const tls::ServerCredentials& credentials) {
  Gauge& days = registry.gauge("tls_certificate_expiry_days",
                               "Until the served certificate expires.", {"subject"});
  registry.before_exposition([&days, &env, &credentials] {
    for (const tls::Certificate& leaf : credentials.status().leaves) {
      const auto left = leaf.not_after - env.clock().now();
      days.set({leaf.subject}, std::chrono::duration<double>(left).count() / 86400);
    }
  });
}

http::Route route(Registry& registry, http::Access access) {
  return {.method = "GET",
          .pattern = "/metrics",
          .access = access,
          .handle = [&registry](http::Exchange& exchange) {
            exchange.reply({.status = 200,
                            .headers = {{"content-type", "text/plain; version=0.0.4"},
                                        {"cache-control", "no-store"}},
                            .body = registry.exposition()});
          }};
}

}  // namespace dsl::metrics
