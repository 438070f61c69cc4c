#include "mcp/cli/program.h"

#include "dsl/env/env.h"
#include "support/result_matchers.h"

namespace mcp::cli::test {

using dsl::test::require_ok;

namespace {

constexpr std::chrono::milliseconds kPatience{30'000};

}  // namespace

User::User() {
  require_ok(dsl::env::system_env().files().make_directories(home_.file("services"), 0755));
}

Ran User::run(std::vector<std::string> words, const std::string& input) const {
  dsl::env::Command command;
  command.argv = {MC_MCP_BINARY};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.environment = {"HOME=" + home_.path(), "MCP_SOCKET=" + socket(),
                         "MCP_SERVICES_DIR=" + home_.file("services")};
  for (const auto& [name, value] : variables_) {
    command.environment.push_back(name + "=" + value);
  }
  command.directory = home_.path();
  command.input = input;
  const dsl::env::Output output =
      require_ok(dsl::env::system_env().processes().run(command, kPatience));
  return {output.exit_code, output.out, output.err};
}

void User::define(const std::string& name, const std::string& toml) const {
  home_.write("services/" + name + ".toml", toml);
}

}  // namespace mcp::cli::test
