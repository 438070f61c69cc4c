#include "mcp/cli/interrupts.h"

#include <atomic>

namespace mcp::cli {

namespace {

std::atomic<int> interrupts = 0;  // a signal handler has nothing else to reach
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait");

void count_interrupt(int) { interrupts.fetch_add(1); }

}  // namespace

Interrupts::Interrupts() {
  interrupts = 0;
  struct sigaction action {};
  action.sa_handler = count_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &former_);
}

Interrupts::~Interrupts() { sigaction(SIGINT, &former_, nullptr); }

int Interrupts::count() const { return interrupts; }

}  // namespace mcp::cli
