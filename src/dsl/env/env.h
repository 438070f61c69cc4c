// Everything a service wants from the operating system, handed to it at construction.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "dsl/env/clock.h"
#include "dsl/env/file_system.h"
#include "dsl/env/process.h"
#include "dsl/env/random.h"

namespace dsl::env {

// References stay valid for the life of the Env. Sockets and the resolver join it together with
// dsl::net.
class Env {
 public:
  virtual ~Env() = default;

  virtual Clock& clock() = 0;
  virtual Random& random() = 0;
  virtual FileSystem& files() = 0;
  virtual Spawner& processes() = 0;
  // Value of an environment variable, nothing when unset.
  virtual std::optional<std::string> variable(const std::string& name) = 0;
};

// The operating system's. One instance, alive until the process ends.
Env& system_env();

}  // namespace dsl::env
