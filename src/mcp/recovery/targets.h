// The kinds of targets. Private to mcp::recovery.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mcp/recovery/target.h"

namespace mcp::recovery {

// `directory` need not exist yet.
std::unique_ptr<Target> directory_target(dsl::env::Env& env, std::string url,
                                         std::string directory);

struct SftpPlace {
  std::string user_and_host;  // "backup@vault.example", "backup@[fd00::1]"
  std::uint16_t port = 22;
  std::string directory;
};
std::unique_ptr<Target> sftp_target(dsl::env::Env& env, std::string url, SftpPlace place,
                                    SshOptions ssh);

// Copies a file and syncs the copy, which must not exist.
Result<void> copy_file(dsl::env::Env& env, const std::string& from, const std::string& to);
Result<dsl::archive::MinisignHash> hash_of_file(dsl::env::Env& env, const std::string& path);

}  // namespace mcp::recovery
