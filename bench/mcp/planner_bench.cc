// Plan of recover for N components: target 50 ms for 500.
//
//   all_running   nothing to do, every label equal
//   database_lost each name held by the image store only, each image looked up
//   older_spec    labels of another specification, so that each is unpacked and compared
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "mcp/boot/planner.h"

namespace mcp::boot {
namespace {

const std::vector<std::string> kStages = {"foundation", "core", "management", "services"};

struct Node {
  std::vector<model::Service> services;
  std::vector<Wanted> wanted;
  Inventory inventory;
};

model::Service make_service(int number, int total) {
  model::Service service;
  service.name = "service" + std::to_string(number);
  service.tier = kStages[static_cast<std::size_t>(number * 4 / total)];
  service.version = "v1";
  if (number > 0) {
    service.depends_on = {"service" + std::to_string(number / 2)};
  }
  model::Component component;
  component.name = "api";
  component.container = service.name;
  component.image = "mcr.test:8443/" + service.name + ":v1";
  component.volumes = {{"/srv/" + service.name, "/srv/" + service.name, {}}};
  component.env = {{"MODE", "production"}};
  service.components = {component};
  return service;
}

Node make_node(int total) {
  Node node;
  for (int i = 0; i < total; ++i) {
    node.services.push_back(make_service(i, total));
  }
  for (const model::Service& service : node.services) {
    const model::Component& component = service.components.front();
    node.wanted.push_back({.service = &service, .component = &component, .generation = 2});
    runtime::Container container;
    container.id = "id-" + service.name;
    container.name = component.container;
    container.state = runtime::State::kRunning;
    container.labels = *model::container_labels(service, component, 2, {});
    node.inventory.live_ids.insert(container.id);
    node.inventory.containers.push_back(std::move(container));
    runtime::Image image;
    image.id = "image-" + service.name;
    image.digest = "sha256:" + service.name;
    image.names = {component.image};
    node.inventory.images.push_back(std::move(image));
  }
  return node;
}

void plan(benchmark::State& state, const Node& node) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(plan_recover(node.wanted, node.inventory, kStages));
  }
}

void all_running(benchmark::State& state) {
  plan(state, make_node(static_cast<int>(state.range(0))));
}

void database_lost(benchmark::State& state) {
  Node node = make_node(static_cast<int>(state.range(0)));
  node.inventory.live_ids.clear();
  for (runtime::Container& container : node.inventory.containers) {
    container.storage_only = true;
    container.labels.clear();
  }
  plan(state, node);
}

void older_spec(benchmark::State& state) {
  Node node = make_node(static_cast<int>(state.range(0)));
  for (model::Service& service : node.services) {
    service.components.front().health.deadline = std::chrono::seconds(7);
  }
  plan(state, node);
}

BENCHMARK(all_running)->Arg(500)->Unit(benchmark::kMillisecond);
BENCHMARK(database_lost)->Arg(500)->Unit(benchmark::kMillisecond);
BENCHMARK(older_spec)->Arg(500)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mcp::boot
