// HOUSE-A16: the fuzz corpora replay (as tests of their own, fuzz_*), 200 simulation seeds pass,
// and each seed, run twice, gives the same event log.
//
// The node's boot as a simulation: graphs, failures, an operator and crashes drawn from a seed, the
// real engine on a simulated clock, every promise of it checked after each step.
//
//   mc-sim [--seed N] [--count N] [--log]
//
// Runs seeds N, N + 1, ... each twice, since the same seed has to give the same events. Prints one
// line, with the digest of all event logs; for a seed that fails its last events and the command
// that replays it.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/hash/sha256.h"
#include "mcp/boot/random_case.h"

namespace {

using mcp::boot::RunState;
using mcp::boot::testing::Case;
using mcp::boot::testing::Dice;
using mcp::boot::testing::random_case;
using mcp::boot::testing::random_order;
using mcp::boot::testing::Simulation;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr std::size_t kEventsShown = 30;

struct Options {
  std::uint32_t seed = 1;
  std::uint32_t count = 200;
  bool log = false;
};

struct Outcome {
  std::vector<std::string> log;
  std::string broken;  // the promise; empty = none
};

Outcome run(std::uint32_t seed) {
  Dice dice(seed);
  const Case made = random_case(dice);
  Simulation simulation(made.graph, made.options, made.world);
  for (int kills = dice.below(4); kills > 0; --kills) {
    simulation.kill_before_action(1 + static_cast<std::size_t>(dice.below(60)));
    simulation.kill_at(dice.seconds(100));
  }
  if (!made.graph.nodes.empty() && dice.one_in(2)) {
    for (int orders = dice.below(6); orders > 0; --orders) {
      const auto at = dice.seconds(100);
      simulation.at(at, random_order(dice, made.graph));
    }
  }
  simulation.run();
  Outcome out{.log = simulation.log(), .broken = {}};
  if (!simulation.violations().empty()) {
    out.broken = simulation.violations().front();
  } else if (simulation.engine().state() != RunState::kDone) {
    out.broken = "the failures have ended, and the run has not";
  }
  return out;
}

// False when a promise was broken.
bool check(std::uint32_t seed, bool print_log, dsl::Sha256& digest) {
  Outcome first = run(seed);
  if (first.broken.empty() && run(seed).log != first.log) {
    first.broken = "the same seed gave other events";
  }
  for (const std::string& line : first.log) {
    const std::string entry = std::to_string(seed) + " " + line + "\n";
    digest.add(std::as_bytes(std::span(entry)));
    if (print_log) {
      std::fputs(entry.c_str(), stdout);
    }
  }
  if (first.broken.empty()) {
    return true;
  }
  const std::size_t from = first.log.size() - std::min(first.log.size(), kEventsShown);
  for (std::size_t i = from; i < first.log.size(); ++i) {
    std::printf("%s\n", first.log[i].c_str());
  }
  std::printf("seed %u: %s\n", seed, first.broken.c_str());
  std::printf("replay: ./dev test --sim --seed %u --count 1\n", seed);
  return false;
}

bool read_number(const char* text, std::uint32_t& number) {
  const std::string_view digits(text);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return read.ec == std::errc() && read.ptr == digits.data() + digits.size();
}

bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--log") {
      options.log = true;
    } else if ((word != "--seed" && word != "--count") || i + 1 == argc ||
               !read_number(argv[++i], word == "--seed" ? options.seed : options.count)) {
      return false;
    }
  }
  return options.count > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fputs("usage: mc-sim [--seed N] [--count N] [--log]\n", stderr);
    return kExitUsage;
  }
  dsl::Sha256 digest;
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < options.count; ++i) {
    if (!check(options.seed + i, options.log, digest)) {
      ++failed;
    }
  }
  std::printf("simulation: %u seeds from %u, %u failed, events %.16s\n", options.count,
              options.seed, failed, digest.finish().c_str());
  return failed == 0 ? EXIT_SUCCESS : kExitFailed;
}
