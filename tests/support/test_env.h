// An Env whose parts a test controls.
#pragma once

#include <map>

#include "dsl/env/env.h"
#include "support/manual_clock.h"
#include "support/memory_file_system.h"
#include "support/seeded_random.h"

namespace dsl::test {

// A manual clock, seeded random bytes, files in memory, the real processes, and no environment
// variables; each part can be replaced by one that outlives this object. Set up by one thread, then
// as thread-safe as its parts.
class TestEnv final : public env::Env {
 public:
  TestEnv() = default;
  explicit TestEnv(std::uint64_t seed) : own_random_(seed) {}

  env::Clock& clock() override { return *clock_; }
  env::Random& random() override { return *random_; }
  env::FileSystem& files() override { return *files_; }
  env::Spawner& processes() override { return *processes_; }
  std::optional<std::string> variable(const std::string& name) override {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  }

  ManualClock& manual_clock() { return own_clock_; }
  MemoryFileSystem& memory_files() { return own_files_; }

  void use_clock(env::Clock& clock) { clock_ = &clock; }
  void use_random(env::Random& random) { random_ = &random; }
  void use_files(env::FileSystem& files) { files_ = &files; }
  void use_processes(env::Spawner& processes) { processes_ = &processes; }
  // For code that hands paths to a library or to another process.
  void use_real_files() { files_ = &env::system_env().files(); }
  void use_real_clock() { clock_ = &env::system_env().clock(); }

  std::map<std::string, std::string> variables;

 private:
  ManualClock own_clock_;
  SeededRandom own_random_;
  MemoryFileSystem own_files_;
  env::Clock* clock_ = &own_clock_;
  env::Random* random_ = &own_random_;
  env::FileSystem* files_ = &own_files_;
  env::Spawner* processes_ = &env::system_env().processes();
};

}  // namespace dsl::test
