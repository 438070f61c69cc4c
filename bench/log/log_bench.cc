// log_bench ours|spdlog LINES FILE: logs lines with three fields and prints the seconds until the
// last one is written.
//
// Both say the same: time, level, logger, message, a name, a number and a text to be quoted. Ours
// goes through the queue and its thread, as it always does; spdlog writes on the caller's thread,
// which is the faster of its two ways.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "dsl/log/log.h"

namespace {

constexpr std::string_view kComponent = "mcns";
constexpr std::string_view kReason = "the zone is being transferred";

bool log_with_ours(int lines, const char* file) {
  const int fd = ::open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  // Errors are never taken for repetitions, and the queue has room for all: no line is left out.
  const dsl::log::Options options{.queue_max = static_cast<std::size_t>(lines) + 1, .fd = fd};
  if (fd < 0 || !dsl::log::start(options)) {
    return false;
  }
  const dsl::log::Logger logger{std::string(kComponent)};
  for (int i = 0; i < lines; ++i) {
    logger.error("answered a question", {{"component", kComponent}, {"ms", i}, {"why", kReason}});
  }
  const bool complete = dsl::log::dropped_lines() == 0;
  dsl::log::stop();
  return complete && ::close(fd) == 0;
}

bool log_with_spdlog(int lines, const char* file) {
  const auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file, true);
  spdlog::logger logger{std::string(kComponent), sink};
  logger.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v", spdlog::pattern_time_type::utc);
  for (int i = 0; i < lines; ++i) {
    logger.error("{} component={} ms={} why=\"{}\"", "answered a question", kComponent, i, kReason);
  }
  logger.flush();
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: log_bench ours|spdlog LINES FILE\n", stderr);
    return 2;
  }
  const int lines = std::atoi(argv[2]);
  const auto begun = std::chrono::steady_clock::now();
  const bool done = std::string_view(argv[1]) == "ours" ? log_with_ours(lines, argv[3])
                                                        : log_with_spdlog(lines, argv[3]);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%.6f\n", took.count());
  return done ? 0 : 1;
}
