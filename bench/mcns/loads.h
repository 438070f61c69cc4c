// The kinds of load that dns_load puts on a name server, each from one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <netinet/in.h>

#include "queries.h"

namespace bench {

struct Load {
  sockaddr_in server{};
  double warmup_s = 1;  // answers of it are not counted
  double seconds = 3;
  bool until_stopped = false;  // with a rate: the end comes earlier when standard input ends
  bool once = false;           // every question once, however long it takes
  unsigned sockets = 4;
  unsigned window = 48;   // questions under way on each socket or connection
  double rate = 0;        // questions a second; 0 = as many as get answered
  std::vector<int> pids;  // whose processor time is taken over the counted seconds
};

struct Measured {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;  // answers that are neither NOERROR nor NXDOMAIN, or truncated
  double seconds = 0;
  double cpu_seconds = 0;
  double own_cpu_seconds = 0;
  // With a rate: of an answer since the moment at which its question was due, whether or not it
  // could be sent then.
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double longest_gap_ms = 0;  // between two answers; of `streams_at_rate`: the slowest answer
  // Of connections at a rate: how many the server ended, of these by a reset, in the middle of an
  // answer, and before it had answered, so that the question was asked again.
  std::uint64_t closed = 0;
  std::uint64_t reset = 0;
  std::uint64_t broken = 0;
  std::uint64_t asked_again = 0;

  std::string json() const;
};

// Datagrams, as many as the server answers.
Measured saturate(const Load& load, const Queries& queries);
// Datagrams at `rate`.
Measured at_rate(const Load& load, const Queries& queries);
// Pipelined over connections that stay.
Measured streams(const Load& load, const Queries& queries);

// At `rate` over connections that stay, one question under way on each.
Measured streams_at_rate(const Load& load, const Queries& queries);

double now_s();
// User and system time of these processes so far.
double processor_seconds(const std::vector<int>& pids);
double own_processor_seconds();
// Nobody writes to it any more.
bool has_ended(int fd);
// Whether an answer is one that the load expects.
bool is_good(const char* message, std::size_t size);
[[noreturn]] void die(const std::string& what);

}  // namespace bench
