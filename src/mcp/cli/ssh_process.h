// The ssh program, with a command on a node and its streams in our hands.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "mcp/cli/node_settings.h"

namespace mcp::cli {

// What ssh itself ends with when there is no connection, or none any more.
inline constexpr int kSshFailed = 255;

// Where its stderr goes.
enum class SshWords { kRead, kOurs };

struct SshProcess {
  std::unique_ptr<dsl::env::Process> process;
  dsl::env::UniqueFd bytes;  // a socket: its stdin and stdout
  dsl::env::UniqueFd words;  // of kRead, and does not block: its stderr
};

struct SshCommand {
  std::vector<std::string> words;  // for the shell there, which gets them joined by blanks
  SshWords stderr_to = SshWords::kRead;
  bool ignore_interrupts = false;
};

// Its prompts go to the terminal, past us. kInvalidArgument when the node has no ssh destination,
// kFailedPrecondition when there is no ssh.
Result<SshProcess> start_ssh(dsl::env::Env& env, const NodeSettings& node,
                             const SshCommand& command);

}  // namespace mcp::cli
