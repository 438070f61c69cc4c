// Runs peer.py, the client that shares no code with us.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "support/result_matchers.h"

namespace dsl::rpc::test {

// `peer.py address arguments...`
inline env::Command python_command(const std::string& address,
                                   const std::vector<std::string>& arguments) {
  env::Command command;
  command.argv = {"/usr/bin/python3", MC_TEST_DATA "/peer.py", address};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {"PYTHONPATH=" MC_PYTHON_PROTO, "PATH=/usr/bin:/bin"};
  return command;
}

// What it prints, without the last newline; followed by its error output when it fails.
inline std::string python_peer(const std::string& address,
                               const std::vector<std::string>& arguments) {
  const env::Output output = dsl::test::require_ok(env::system_env().processes().run(
      python_command(address, arguments), std::chrono::seconds(60)));
  std::string out = output.exit_code == 0 ? output.out : output.out + output.err;
  while (!out.empty() && out.back() == '\n') {
    out.pop_back();
  }
  return out;
}

}  // namespace dsl::rpc::test
