// What is left of a lost registry: the mirror's files, the labels of containers, definitions.
//
// Nothing that is read is trusted: what is damaged, or belongs to another node, is named and left
// out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

enum class Source { kMirror, kLabels, kDefinitions };
std::string_view name(Source source);  // "mirror", "labels", "definitions"

// What one source says of one service.
struct Finding {
  struct Component {
    bool should_run = true;
    std::string image_digest;
    bool adopted = false;
  };

  Source source = Source::kMirror;
  std::string place;  // the file, or the container
  model::Service service;
  std::string sha256;
  std::int64_t generation = 0;                  // 0 for a definition, which knows of none
  std::string definition_toml;                  // labels have none
  std::map<std::string, Component> components;  // the mirror's
  std::vector<model::Allocation> ports;
};

// What could not be used.
struct LeftOut {
  Source source = Source::kMirror;
  std::string place;
  std::string service;  // as its name says; may be empty
  std::string reason;
};

// A container that podman knows, and what its image is called.
struct Present {
  runtime::Container container;
  std::string image_digest;
};

struct Remains {
  std::vector<Finding> findings;
  std::vector<LeftOut> left_out;
  std::map<std::string, Present> containers;  // by name
};

// The content of specs/<service>.json. kDataLoss when it is not what the agent wrote.
Result<Finding> finding_from_mirror(const std::string& file, std::string_view content);
// Of the containers of each service the newest generation; two of one generation that differ are
// two findings. Only containers with our labels are looked at. Pure.
void add_labels(const std::vector<runtime::Container>& containers, Remains& remains);

// What a definition, resolved on this node, says.
Finding finding_from_definition(const std::string& file, const std::string& toml,
                                model::Service service);

struct SourceChoice {
  bool mirror = true;
  bool labels = true;
  std::string definitions;          // a directory; empty = none
  std::vector<Finding> given = {};  // what the caller has read already
};

// Reads what was chosen, and looks at every container: also without labels as a source a container
// tells its ports and whether it runs. `runtime` may be null when podman does not answer.
Result<Remains> gather(dsl::env::Env& env, const Config& config, runtime::Runtime* runtime,
                       const SourceChoice& choice);

}  // namespace mcp::agent
