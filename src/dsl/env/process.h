// Child processes, by argument vector only.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "dsl/result/result.h"

namespace dsl::env {

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH
  std::vector<std::string> environment;  // KEY=VALUE; empty = inherit ours
  std::string directory;                 // empty = ours
  std::string input;                     // for `run`: written to its stdin
  bool new_session = false;              // setsid: survives our terminal and our process group
  std::string output_path;  // for `start`: stdout and stderr are appended; empty = /dev/null
  // For `start`: descriptors of ours, above 2, that the child gets as its stdin and stdout and as
  // its stderr; -1 = as said above. They stay ours to close.
  int stdio_fd = -1;
  int stderr_fd = -1;
  bool ignore_interrupts = false;  // a Ctrl-C on our terminal is meant for us alone
};

struct Output {
  int exit_code = 0;  // 128 + n when ended by signal n
  std::string out;
  std::string err;
};

// A started child. Destroying it does not end the child.
class Process {
 public:
  virtual ~Process() = default;

  virtual pid_t pid() const = 0;
  // Exit code once it has ended (and is reaped), nothing while it runs.
  virtual std::optional<int> poll() = 0;
  virtual Result<int> wait(std::chrono::milliseconds timeout) = 0;  // kDeadlineExceeded
  virtual void signal(int number) = 0;
};

// Thread-safe.
class Spawner {
 public:
  virtual ~Spawner() = default;

  // Runs to the end and collects output (8 MiB each at most); kDeadlineExceeded kills it.
  virtual Result<Output> run(const Command& command, std::chrono::milliseconds timeout) = 0;
  virtual Result<std::unique_ptr<Process>> start(const Command& command) = 0;
};

}  // namespace dsl::env
