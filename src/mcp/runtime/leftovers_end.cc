#include <algorithm>
#include <span>

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
// How long the conmons sleep while their containers end: see end_containers.
constexpr milliseconds kMonitorSleep{1000};

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

void signal_all(std::span<const Held> held, int number) {
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

// What is left after `patience` to end by themselves, then KILL.
std::vector<Held> end_all(dsl::env::Clock& clock, std::vector<Held> held, milliseconds patience) {
  wait_for_ends(clock, held, clock.mono_now() + patience);
  signal_all(held, SIGKILL);
  wait_for_ends(clock, held, clock.mono_now() + kEndTime);
  return held;
}

// A conmon whose container has ended starts a `podman container cleanup`, which finds nothing to do
// once the database is lost, but costs as much as a start. So the conmons sleep, and are killed
// with their containers. Not for long: they also read what a container says at its end, and one
// that says much must not be kept from ending.
std::vector<Held> end_containers(dsl::env::Clock& clock, const Proc& proc,
                                 const std::vector<Leftover>& leftovers, milliseconds grace) {
  std::vector<Held> monitors = hold(proc, leftovers, Leftover::Kind::kConmon);
  std::vector<Held> containers = hold(proc, leftovers, Leftover::Kind::kContainer);
  const auto deadline = clock.mono_now() + grace;
  signal_all(monitors, SIGSTOP);
  signal_all(containers, SIGTERM);
  wait_for_ends(clock, containers, clock.mono_now() + std::min(grace, kMonitorSleep));
  const auto awake =
      std::partition(monitors.begin(), monitors.end(), [&containers](const Held& monitor) {
        return std::none_of(containers.begin(), containers.end(), [&](const Held& container) {
          return container.process.container_id == monitor.process.container_id;
        });
      });
  signal_all({monitors.begin(), awake}, SIGKILL);
  signal_all({awake, monitors.end()}, SIGCONT);
  const auto left = std::chrono::ceil<milliseconds>(deadline - clock.mono_now());
  return end_all(clock, std::move(containers), std::max(left, milliseconds(0)));
}

}  // namespace

dsl::Result<void> end_leftovers(dsl::env::Env& env, const std::vector<Leftover>& leftovers,
                                milliseconds grace) {
  const Proc proc(env.files());
  auto& clock = env.clock();
  std::vector<Held> left = end_containers(clock, proc, leftovers, grace);
  for (const auto kind : {Leftover::Kind::kConmon, Leftover::Kind::kForwarder}) {
    for (auto& process : end_all(clock, hold(proc, leftovers, kind), kOwnEndTime)) {
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
