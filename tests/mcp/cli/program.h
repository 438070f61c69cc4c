// The `mcp` program, run as a user would.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/temp_dir.h"

namespace mcp::cli::test {

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// A user with a home of his own. The definitions lie in services/, the agent's socket, if there is
// one, is agent.sock.
class User {
 public:
  User();

  Ran run(std::vector<std::string> words, const std::string& input = "") const;

  std::string socket() const { return home_.file("agent.sock"); }
  // For the runs that follow; PATH is the system's until it is set.
  void set_variable(const std::string& name, const std::string& value) { variables_[name] = value; }
  // Writes services/`name`.toml.
  void define(const std::string& name, const std::string& toml) const;
  const dsl::test::TempDir& home() const { return home_; }

 private:
  dsl::test::TempDir home_;
  std::map<std::string, std::string> variables_;
};

}  // namespace mcp::cli::test
