// Programs of a test host: each answers by its name, and what was run is remembered.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dsl/env/process.h"

namespace mcp::agent::test {

class ScriptedTools final : public dsl::env::Spawner {
 public:
  using Answer = std::function<dsl::env::Output(const dsl::env::Command&)>;

  // `name` without folder: "ip".
  void answer(const std::string& name, Answer answer) { answers_[name] = std::move(answer); }
  void print(const std::string& name, const std::string& out) {
    answer(name, [out](const auto&) { return dsl::env::Output{.out = out}; });
  }
  void refuse(const std::string& name, const std::string& err) {
    answer(name, [err](const auto&) { return dsl::env::Output{.exit_code = 1, .err = err}; });
  }

  dsl::Result<dsl::env::Output> run(const dsl::env::Command& command,
                                    std::chrono::milliseconds) override {
    std::string line;
    for (const std::string& word : command.argv) {
      line += (line.empty() ? "" : " ") + word;
    }
    lines.push_back(line);
    const std::string& program = command.argv.front();
    const auto found = answers_.find(program.substr(program.rfind('/') + 1));
    if (found == answers_.end()) {
      return dsl::fail(dsl::Code::kNotFound, "{} is not installed", program);
    }
    return found->second(command);
  }

  dsl::Result<std::unique_ptr<dsl::env::Process>> start(const dsl::env::Command&) override {
    return std::unique_ptr<dsl::env::Process>(std::make_unique<Idle>());
  }

  std::vector<std::string> lines;

 private:
  class Idle final : public dsl::env::Process {
   public:
    pid_t pid() const override { return 4711; }
    std::optional<int> poll() override { return std::nullopt; }
    dsl::Result<int> wait(std::chrono::milliseconds) override { return 137; }
    void signal(int) override {}
  };

  std::map<std::string, Answer> answers_;
};

}  // namespace mcp::agent::test
