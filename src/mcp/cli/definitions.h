// Definition files, and what resolves them.
#pragma once

#include <string>
#include <vector>

#include "mcp/cli/context.h"
#include "mcp/model/model.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

struct DefinitionFile {
  std::string path;
  std::string name;  // the file's stem: the service
  std::string toml;
};

// "mcr" is <services_dir>/mcr.toml; what ends in .toml is a path. kNotFound with the nearest name.
Result<DefinitionFile> read_definition(Context& context, const std::string& argument);
// Those named, or every one of services_dir, in name order.
Result<std::vector<DefinitionFile>> read_definitions(Context& context,
                                                     const std::vector<std::string>& arguments);
// The services that have a definition.
Result<std::vector<std::string>> definition_names(Context& context);

// What a definition is resolved with.
struct Surroundings {
  model::Platform platform;
  model::Node node;
  bool from_agent = false;
};

// The agent's. Fails when it is not there.
Result<Surroundings> agent_surroundings(Context& context);
// The agent's when it is there. Otherwise the platform's defaults, the definition's own node, and
// stand-in addresses for @lan and @overlay if wanted: enough to check a file, not to deploy it. A
// note says so.
enum class StandIn { kNone, kAddresses, kSilent };  // kSilent: none, and without the note
Result<Surroundings> best_surroundings(Context& context, StandIn stand_in);

// Parsed and resolved.
struct ResolvedFile {
  DefinitionFile file;
  model::Service service;
};
Result<ResolvedFile> resolve_file(DefinitionFile file, const Surroundings& surroundings);
// All of them, or one error that lists what is wrong with each.
Result<std::vector<ResolvedFile>> resolve_files(std::vector<DefinitionFile> files,
                                                const Surroundings& surroundings);

// Dependencies among them first; services without a tie keep the order of stages, then the given
// one. Edges to services that are not among them are ignored. A cycle is left to the agent to
// refuse.
std::vector<ResolvedFile> in_dependency_order(std::vector<ResolvedFile> files,
                                              const std::vector<std::string>& stages);

}  // namespace mcp::cli
