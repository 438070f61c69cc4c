// Time, and what processes have used of the processor.
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loads.h"

namespace bench {

double now_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double processor_seconds(const std::vector<int>& pids) {
  double ticks = 0;
  for (const int pid : pids) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) {
      fields >> skipped;
    }
    double user = 0;
    double system = 0;
    fields >> user >> system;
    ticks += user + system;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double own_processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

bool is_good(const char* message, std::size_t size) {
  const unsigned rcode = size < 12 ? 15U : static_cast<unsigned>(message[3]) & 0x0fU;
  return (rcode == 0 || rcode == 3) && (static_cast<unsigned>(message[2]) & 0x02U) == 0;
}

void die(const std::string& what) {
  std::cerr << "error: " << what << "\n";
  std::exit(1);
}

bool has_ended(int fd) {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, 0) == 1 && (poll.revents & POLLHUP) != 0;
}

}  // namespace bench
