// Ctrl-C as a question that a long call asks, in place of the process's end.
#pragma once

#include <csignal>

namespace mcp::cli {

// Counts SIGINT while it lives, and gives back what was before. One at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int count() const;

 private:
  struct sigaction former_ {};
};

}  // namespace mcp::cli
