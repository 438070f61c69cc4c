// Files of a service as people read them.
#pragma once

#include <string>

#include "dsl/cli/cli.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

// "-rw-r-----", "drwxr-x---", "lrwxrwxrwx".
std::string mode_text(const pb::FileState& file);
// Mode, owner, size, time and name, a line each; directories end with a slash.
std::string files_table(const dsl::cli::Globals& globals, const pb::ListFilesReply& reply);
// "12 KiB, mode 0640".
std::string file_facts(const pb::FileState& file);

}  // namespace mcp::cli
