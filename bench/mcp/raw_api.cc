// Creates and starts the containers of definitions through PodmanRuntime, with nothing around the
// calls: no registry, no gate, no image or mount checks. What the agent's own time is compared
// with. Entries of the image store that hold a name are removed first.
// Prints {"release_ms": N, "wall_ms": N, "create_ms": [...], "start_ms": [...]}; wall_ms is the
// time after the removals.
//
// usage: mcp_raw_api SOCKET PARALLEL DATA_ROOT FILE.toml...
//
// Stages follow each other as at boot; inside a stage PARALLEL calls run at once, and edges are
// ignored. Networks and images must be there.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/model/model.h"
#include "mcp/runtime/podman.h"

namespace {

using dsl::Result;
using Clock = std::chrono::steady_clock;

struct Timings {
  std::vector<double> create_ms;
  std::vector<double> start_ms;
};

double ms_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

Result<std::vector<mcp::model::Service>> read_services(const mcp::model::Platform& platform,
                                                       int count, char** files) {
  const mcp::model::Node node{
      .name = "bench",
      .addresses = {{"loopback", "127.0.0.1"}, {"lan", "127.0.1.1"}, {"overlay", "127.0.2.1"}}};
  std::vector<mcp::model::Service> services;
  for (int i = 0; i < count; ++i) {
    const std::filesystem::path file = files[i];
    MC_ASSIGN(const std::string toml, dsl::env::system_env().files().read_file(file));
    MC_ASSIGN(const auto definition, mcp::model::parse_definition(toml, file.filename().string()));
    MC_ASSIGN(auto service, mcp::model::resolve(definition, platform, node));
    services.push_back(std::move(service));
  }
  return services;
}

Result<void> release_names(mcp::runtime::Runtime& runtime) {
  MC_ASSIGN(const auto containers, runtime.list(true));
  for (const mcp::runtime::Container& container : containers) {
    if (container.storage_only) {
      MC_TRY(runtime.remove_storage(container.id));
    }
  }
  return {};
}

Result<void> make(mcp::runtime::Runtime& runtime, const mcp::runtime::ContainerSpec& spec,
                  std::mutex& mutex, Timings& timings) {
  const auto begun = Clock::now();
  MC_ASSIGN(const std::string id, runtime.create(spec));
  const double create_ms = ms_since(begun);
  const auto created = Clock::now();
  MC_TRY(runtime.start(id));
  const double start_ms = ms_since(created);

  const std::lock_guard lock(mutex);
  timings.create_ms.push_back(create_ms);
  timings.start_ms.push_back(start_ms);
  return {};
}

Result<void> make_all(mcp::runtime::Runtime& runtime,
                      const std::vector<mcp::runtime::ContainerSpec>& specs, int parallel,
                      Timings& timings) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  Result<void> outcome;
  std::vector<std::thread> threads;
  for (int i = 0; i < parallel; ++i) {
    threads.emplace_back([&] {
      for (std::size_t mine = next++; mine < specs.size(); mine = next++) {
        Result<void> made = make(runtime, specs[mine], mutex, timings);
        if (!made) {
          const std::lock_guard lock(mutex);
          outcome = std::move(made);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return outcome;
}

Result<std::vector<mcp::runtime::ContainerSpec>> specs_of(
    const std::vector<mcp::model::Service>& services, const std::string& stage) {
  std::vector<mcp::runtime::ContainerSpec> specs;
  for (const mcp::model::Service& service : services) {
    for (const mcp::model::Component& component : service.components) {
      if (service.tier != stage) {
        continue;
      }
      MC_ASSIGN(auto labels, mcp::model::container_labels(service, component, 1, {}));
      specs.push_back({.component = component,
                       .ports = component.ports,
                       .env = component.env,
                       .labels = std::move(labels)});
    }
  }
  return specs;
}

void print_list(const char* name, const std::vector<double>& values) {
  std::printf(", \"%s\": [", name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::printf("%s%.1f", i == 0 ? "" : ", ", values[i]);
  }
  std::printf("]");
}

Result<void> run(int count, char** arguments) {
  mcp::model::Platform platform;
  platform.data_root = arguments[3];
  platform.volume_roots = {arguments[3]};
  MC_ASSIGN(const auto services, read_services(platform, count - 4, arguments + 4));
  MC_ASSIGN(const auto runtime,
            mcp::runtime::PodmanRuntime::open(dsl::env::system_env(),
                                              {.mode = "socket", .socket = arguments[1]}));
  // What a runtime asks for once, belongs to none of the containers.
  MC_TRY(runtime->remove("no-such-container", false));

  const auto first = Clock::now();
  MC_TRY(release_names(*runtime));
  std::printf("{\"release_ms\": %.1f", ms_since(first));

  Timings timings;
  const auto begun = Clock::now();
  for (const std::string& stage : platform.stages) {
    MC_ASSIGN(const auto specs, specs_of(services, stage));
    MC_TRY(make_all(*runtime, specs, std::atoi(arguments[2]), timings));
  }
  std::printf(", \"wall_ms\": %.1f", ms_since(begun));
  print_list("create_ms", timings.create_ms);
  print_list("start_ms", timings.start_ms);
  std::printf("}\n");
  return {};
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) {
    std::fputs("usage: mcp_raw_api SOCKET PARALLEL DATA_ROOT FILE.toml...\n", stderr);
    return 2;
  }
  const Result<void> done = run(count, arguments);
  if (!done) {
    std::fprintf(stderr, "%s\n", done.error().render().c_str());
    return 1;
  }
  return 0;
}
