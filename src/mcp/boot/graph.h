// Which component may start when: stages, and edges inside and across them. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "dsl/result/result.h"
#include "mcp/model/model.h"

namespace mcp::boot {

using dsl::Result;

// One component to bring up. `key` is "service/component".
struct Node {
  std::string key;
  std::string service;
  std::string component;
  std::size_t stage = 0;                       // index into Graph::stages
  bool essential = true;                       // false: never holds a stage
  std::vector<std::size_t> needs;              // indexes of nodes that must be healthy first
  std::chrono::milliseconds deadline{120000};  // of one attempt, gate and start period included
};

// Nodes are in start order: by stage, then so that needs come first, then by key.
struct Graph {
  std::vector<std::string> stages;
  std::vector<Node> nodes;
};

// Inactive services are left out (edges to them count as met, with a notice in `notices`).
// kUnprocessable with every finding in the details: an unknown stage, service or component, an edge
// to a later stage, a cycle (printed).
struct BuiltGraph {
  Graph graph;
  std::vector<std::string> notices;
};
Result<BuiltGraph> build_graph(const std::vector<model::Service>& services,
                               const std::vector<std::string>& stages);

}  // namespace mcp::boot
