// A real sshd on a loopback port, with keys and settings of its own.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "support/temp_dir.h"

namespace mcp::cli::test {

// Lets in the user of the test, by a key of its own. Accepts on port 0 and gives each connection to
// an `sshd -i`, as inetd does, so that no port is guessed.
class SshServer {
 public:
  SshServer();
  ~SshServer();
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  // Why there can be none here; empty when there can.
  static std::string unavailable();

  // A folder with an `ssh` that knows the host "rift", the real one with a configuration of its
  // own.
  std::string client_folder() const { return dir_.file("client"); }
  // The folder that the PATH of a session begins with; what is run there is put there.
  void install(const std::string& name, const std::string& script) const;
  // No connection is accepted any more.
  void stop();

 private:
  void accept_all();

  dsl::test::TempDir dir_;
  dsl::env::UniqueFd listener_;
  std::thread thread_;
  std::vector<std::unique_ptr<dsl::env::Process>> sessions_;  // of the thread
};

}  // namespace mcp::cli::test
