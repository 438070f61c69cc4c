// The real mc-standin on loopback ports of its own choice.
#pragma once

#include <csignal>
#include <map>
#include <string>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/result/result.h"
#include "mcp/boot/gate.h"
#include "support/temp_dir.h"

namespace mcp::boot::testing {

class StandinProcess {
 public:
  // `listen` as in STANDIN_LISTEN: "dns=127.0.0.1:0,https=127.0.0.1:0".
  explicit StandinProcess(const std::string& listen) {
    int ready[2];
    MC_ASSERT(::pipe(ready) == 0, "pipe");
    std::vector<std::string> environment = {"STANDIN_SERVICE=mcns", "STANDIN_LISTEN=" + listen,
                                            "STANDIN_FAIL_FILE=" + folder_.file("standin-fail"),
                                            "STANDIN_READY_FD=" + std::to_string(ready[1])};
    std::vector<char*> pointers;
    for (std::string& variable : environment) {
      pointers.push_back(variable.data());
    }
    pointers.push_back(nullptr);
    char name[] = MC_STANDIN;
    char* argv[] = {name, nullptr};
    MC_ASSERT(::posix_spawn(&pid_, MC_STANDIN, nullptr, nullptr, argv, pointers.data()) == 0,
              "start mc-standin");
    ::close(ready[1]);
    std::string lines;
    char byte = 0;
    while (::read(ready[0], &byte, 1) == 1) {
      lines += byte;
    }
    ::close(ready[0]);
    read_ports(lines);
  }
  ~StandinProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  StandinProcess(const StandinProcess&) = delete;
  StandinProcess& operator=(const StandinProcess&) = delete;

  Endpoint endpoint(const std::string& kind) const { return {"127.0.0.1", ports_.at(kind)}; }
  // From now on every answer is a failure.
  void fail() { folder_.write("standin-fail", ""); }

 private:
  // "https=127.0.0.1:40123" a line
  void read_ports(const std::string& lines) {
    for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1) {
      const std::string line = lines.substr(at, lines.find('\n', at) - at);
      ports_[line.substr(0, line.find('='))] =
          static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
    }
  }

  dsl::test::TempDir folder_;
  pid_t pid_ = -1;
  std::map<std::string, std::uint16_t> ports_;
};

}  // namespace mcp::boot::testing
