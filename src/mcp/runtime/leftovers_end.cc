#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsl/env/unique_fd.h"
#include "mcp/runtime/leftovers.h"

namespace mcp::runtime {

using dsl::Code;
using dsl::fail;
using dsl::env::MonoTime;
using dsl::env::UniqueFd;
using std::chrono::milliseconds;

namespace {

// How long a killed process, and a conmon or forwarder whose container is gone, may take to end.
constexpr milliseconds kEndTime{5000};
constexpr milliseconds kOwnEndTime{2000};

// A process held by descriptor, so that no signal ever reaches another one with its pid.
struct Held {
  Leftover process;
  UniqueFd fd;
};

std::vector<Held> hold(const Proc& proc, const std::vector<Leftover>& leftovers,
                       Leftover::Kind kind) {
  std::vector<Held> held;
  for (const auto& leftover : leftovers) {
    if (leftover.kind != kind) {
      continue;
    }
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, leftover.pid, 0)));
    const auto stat = proc.stat(leftover.pid);
    if (fd && stat && stat->start_ticks == leftover.start_ticks) {
      held.push_back({leftover, std::move(fd)});
    }
  }
  return held;
}

void signal_all(const std::vector<Held>& held, int number) {
  for (const auto& process : held) {
    // It may have ended by itself just now.
    (void)::syscall(SYS_pidfd_send_signal, process.fd.get(), number, nullptr, 0);
  }
}

// Waits for their ends until `deadline` and keeps those that live on.
void wait_for_ends(dsl::env::Clock& clock, std::vector<Held>& held, MonoTime deadline) {
  while (true) {
    std::erase_if(held, [](const Held& process) {
      pollfd entry{process.fd.get(), POLLIN, 0};
      return ::poll(&entry, 1, 0) == 1;
    });
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock.mono_now());
    if (held.empty() || left.count() <= 0) {
      return;
    }
    std::vector<pollfd> entries;
    for (const auto& process : held) {
      entries.push_back({process.fd.get(), POLLIN, 0});
    }
    (void)::poll(entries.data(), entries.size(), static_cast<int>(left.count()));
  }
}

// What is left after asking with `number` (0 = no question) for `patience`, then KILL.
std::vector<Held> end_all(dsl::env::Clock& clock, std::vector<Held> held, int number,
                          milliseconds patience) {
  if (number != 0) {
    signal_all(held, number);
  }
  wait_for_ends(clock, held, clock.mono_now() + patience);
  signal_all(held, SIGKILL);
  wait_for_ends(clock, held, clock.mono_now() + kEndTime);
  return held;
}

}  // namespace

dsl::Result<void> end_leftovers(dsl::env::Env& env, const std::vector<Leftover>& leftovers,
                                milliseconds grace) {
  const Proc proc(env.files());
  auto& clock = env.clock();
  std::vector<Held> left =
      end_all(clock, hold(proc, leftovers, Leftover::Kind::kContainer), SIGTERM, grace);
  for (const auto kind : {Leftover::Kind::kConmon, Leftover::Kind::kForwarder}) {
    for (auto& process : end_all(clock, hold(proc, leftovers, kind), 0, kOwnEndTime)) {
      left.push_back(std::move(process));
    }
  }
  if (left.empty()) {
    return {};
  }
  auto failure =
      fail(Code::kDeadlineExceeded, "{} processes of lost containers do not end", left.size())
          .hint("they are in uninterruptible sleep or not ours: see ps");
  for (const auto& process : left) {
    failure =
        std::move(failure).detail(process.process.name, dsl::text("pid {}", process.process.pid));
  }
  return failure;
}

}  // namespace mcp::runtime
